"""Principals, requests and short policies that the tests of access share."""

from typing import Any

from model.access import Grant, NamedPolicy, Permissions, Principal, Request, ResourceSide

HUB, TARGET = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{TARGET}:role/application/ledger"
OTHER = f"arn:aws:iam::{TARGET}:role/other"
USER = f"arn:aws:iam::{TARGET}:user/ann"
KEY = f"arn:aws:kms:us-east-1:{HUB}:key/one"
QUEUE = f"arn:aws:sqs:us-east-1:{TARGET}:builds"
DECRYPT = Request("kms:Decrypt", KEY)
SEND = Request("sqs:SendMessage", QUEUE)
ALLOW_ALL: dict[str, Any] = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
NOTHING = {"Sid": "None", "Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}


def root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


def policy(name: str, *statements: dict[str, Any]) -> NamedPolicy:
    return NamedPolicy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def holder(*statements: dict[str, Any], arn: str = ROLE, boundary: dict[str, Any] | None = None) -> Permissions:
    return Permissions(
        Principal(arn),
        (policy("identity", *statements),) if statements else (),
        policy("boundary", boundary) if boundary else None,
    )


def side(owner: str, *statements: dict[str, Any], required: bool = False, grants: tuple[Grant, ...] = ()) -> Any:
    return ResourceSide(owner, policy("resource", *statements) if statements else None, required, grants)


def admits(principal: Any, **elements: Any) -> dict[str, Any]:
    return {"Sid": "Admit", "Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*", **elements}


def denies(principal: Any = None, **elements: Any) -> dict[str, Any]:
    named = {"Principal": principal} if principal else {}
    return {"Sid": "Refuse", "Effect": "Deny", **named, "Action": "*", "Resource": "*", **elements}
