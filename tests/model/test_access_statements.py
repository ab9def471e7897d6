"""What statements of a policy cover, and what no statement may hold, a line per rule."""

from typing import Any

import pytest

from model.access import NamedPolicy, Permissions, Principal, Request, UnsupportedPolicyError, decide
from tests.model.access_policies import ALLOW_ALL, DECRYPT, HUB, KEY, OTHER, ROLE, SEND, TARGET, admits, holder, side


def allowed(statement: dict[str, Any], request: Request = DECRYPT, arn: str = ROLE) -> bool:
    return decide(holder(statement, arn=arn), request).allowed


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Action": "kms:Decrypt"}, True),
        ({"Action": "KMS:decrypt"}, True),
        ({"Action": ["ec2:*", "kms:De?rypt"]}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": "kms:Decryp"}, False),
        ({"Action": "kms:De?crypt"}, False),
        ({"NotAction": "kms:Encrypt"}, True),
        ({"NotAction": ["kms:encrypt", "kms:D*"]}, False),
        ({"Resource": KEY}, True),
        ({"Resource": f"arn:aws:kms:*:{HUB}:key/*"}, True),
        ({"Resource": KEY.upper()}, False),
        ({"Resource": f"arn:aws:kms:us-east-1:{TARGET}:key/*"}, False),
        ({"NotResource": f"arn:aws:kms:us-east-1:{TARGET}:key/*"}, True),
        ({"NotResource": ["arn:aws:s3:::*", KEY]}, False),
        ({"Condition": {"ArnEquals": {"AWS:principalarn": ROLE}}}, True),
        ({"Condition": {"ArnEquals": {"aws:PrincipalArn": OTHER}}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalAccount": TARGET, "kms:CallerAccount": TARGET}}}, True),
        ({"Condition": {"StringEquals": {"kms:CallerAccount": HUB}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:ResourceAccount": HUB}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalType": "AssumedRole"}}}, True),
    ],
)
def test_a_statement_covers_what_its_elements_say(elements: dict[str, Any], expected: bool) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}
    for negated in ("Action", "Resource"):
        if f"Not{negated}" in elements:
            del statement[negated]
    assert allowed(statement) == expected


@pytest.mark.parametrize(
    ("statement", "request_of"),
    [
        ({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}, Request("kms:Decrypt", "*")),
        (
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": "*",
                "Condition": {"StringEquals": {"S3:PREFIX": "a"}},
            },
            Request("s3:ListBucket", "arn:aws:s3:::scripts", {"s3:Prefix": "a"}),
        ),
    ],
)
def test_statements_and_condition_keys_come_in_any_form(statement: dict[str, Any], request_of: Request) -> None:
    document = {"Version": "2012-10-17", "Statement": statement}
    assert decide(Permissions(Principal(ROLE), (NamedPolicy("one", document),)), request_of).allowed


@pytest.mark.parametrize(
    ("arn", "names", "boundary", "expected"),
    [
        (ROLE, [OTHER, HUB], None, False),
        (ROLE, [ROLE, TARGET], None, True),
        (ROLE, [ROLE, f"arn:aws:iam::{TARGET}:root"], None, True),
        (ROLE, [ROLE, TARGET], ALLOW_ALL, False),
        (f"arn:aws:iam::{TARGET}:root", [TARGET], None, True),
    ],
)
def test_not_principal_spares_whom_it_names_with_its_account(
    arn: str, names: list[str], boundary: Any, expected: bool
) -> None:
    refused = {"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "sqs:*", "Resource": "*"}
    permissions = holder(ALLOW_ALL, arn=arn, boundary=boundary)
    assert decide(permissions, SEND, side(TARGET, refused)).allowed == expected


@pytest.mark.parametrize(
    ("identity", "of_resource"),
    [
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Resources": "*"}, None),
        ({"Effect": "allow", "Action": "*", "Resource": "*"}, None),
        ({"Effect": "Allow", "Resource": "*"}, None),
        ({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}, None),
        ({"Effect": "Allow", "Action": "*"}, None),
        ({"Effect": "Allow", "Action": "*", "Resource": []}, None),
        ({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}, None),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}, None),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringMatches": {"a:b": "c"}}}, None),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": "a:b"}}, None),
        ("no statement", None),
        (ALLOW_ALL, {"Effect": "Allow", "Action": "*", "Resource": "*"}),
        (ALLOW_ALL, admits(None)),
        (ALLOW_ALL, admits("222222222222")),
        (ALLOW_ALL, admits({"AWS": "AROAEXAMPLE"})),
        (ALLOW_ALL, admits({"AWS": f"arn:aws:iam::{TARGET}:role/*"})),
        (ALLOW_ALL, admits({"AWS": f"arn:aws:sts::{TARGET}:assumed-role/ledger/session"})),
        (ALLOW_ALL, admits({"CanonicalUser": "0"})),
        (ALLOW_ALL, {"Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*"}),
        (ALLOW_ALL, {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}),
        (ALLOW_ALL, {"Effect": "Deny", "NotPrincipal": {"AWS": TARGET}, "Action": "*", "Resource": "*"}),
    ],
)
def test_what_is_not_known_never_passes(identity: Any, of_resource: Any) -> None:
    with pytest.raises(UnsupportedPolicyError, match=r"^(identity|resource): "):
        decide(holder(identity), SEND, side(TARGET, of_resource) if of_resource else None)


def test_a_document_of_another_form_never_passes() -> None:
    for document in ({"Statement": [ALLOW_ALL], "Statements": []}, {"Version": "2030-01-01", "Statement": ALLOW_ALL}):
        with pytest.raises(UnsupportedPolicyError):
            decide(Permissions(Principal(ROLE), (NamedPolicy("one", document),)), SEND)


@pytest.mark.parametrize(
    "arn", ["ledger", f"arn:aws:sts::{TARGET}:assumed-role/ledger/session", f"arn:aws:iam::{TARGET}:role/*"]
)
def test_a_principal_is_a_role_a_user_or_a_root(arn: str) -> None:
    with pytest.raises(ValueError, match="is no ARN"):
        Principal(arn)
