"""Reading policy documents: whom they admit, and whether they insist on TLS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.rules import iam, kms, s3, sns, sqs
from policies.rules.documents import statements
from policies.rules.principals import admits_everybody
from policies.rules.rule import ResourceRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, verdict

ACCOUNT = {"AWS": "arn:aws:iam::111111111111:root"}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
LOWER_CASE = {"StringEquals": {"AWS:principalorgid": "o-a1b2c3d4e5"}}
TWO = {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "o-f1b2c3d4e5"]}}


def allow(principal: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "S", "Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", "Resource": "*", **more}


def document(*given: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(given)})


ADMISSIONS = [
    ("an account", allow(ACCOUNT), False),
    ("a service", allow({"Service": "logs.us-east-1.amazonaws.com"}), False),
    ("everybody", allow("*"), True),
    ("everybody in AWS", allow({"AWS": "*"}), True),
    ("everybody as the last of several", allow({"AWS": [ACCOUNT["AWS"], "*"]}), True),
    ("every service", allow({"Service": "*"}), True),
    ("all but one", {"Effect": "Allow", "NotPrincipal": ACCOUNT, "Action": "kms:*", "Resource": "*"}, True),
    ("everybody, refused", allow("*", Effect="Deny"), False),
    ("the organisation", allow(Condition=ORGANIZATION), False),
    (
        "the organisation, in other letters",
        allow(Condition=LOWER_CASE),
        False,
    ),
    (
        "two organisations",
        allow(Condition=TWO),
        False,
    ),
    ("any organisation", allow(Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}}), True),
    ("an organisation or any", allow(Condition={"StringLike": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "*"]}}), True),
    ("other organisations", allow(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), True),
    ("whoever has none", allow(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), True),
    ("no organisation", allow(Condition={"StringEquals": {"aws:PrincipalOrgID": []}}), True),
    ("whoever calls through a service", allow(Condition={"StringEquals": {"kms:ViaService": "ec2"}}), True),
    ("an account without any other bond", allow(ACCOUNT, Condition={"Bool": {"aws:SecureTransport": "true"}}), False),
]


@pytest.mark.parametrize(
    ("statement", "expected"), [case[1:] for case in ADMISSIONS], ids=[case[0] for case in ADMISSIONS]
)
def test_everybody_is_admitted_unless_the_organisation_is_named(statement: dict[str, Any], expected: bool) -> None:
    assert admits_everybody(statement) is expected


PUBLIC_RULES = [
    kms.forbid_public_principal,
    s3.forbid_public_principal,
    sns.forbid_public_principal,
    sqs.forbid_public_principal,
]


@pytest.mark.parametrize("rule", PUBLIC_RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (document(allow(ACCOUNT)), KEPT),
        (document(allow(ACCOUNT), allow("*")), BROKEN),
        (document(allow(Condition=ORGANIZATION)), KEPT),
        (json.dumps({"Statement": allow("*")}), BROKEN),
        ("{", BROKEN),
        ("{}", BROKEN),
        (json.dumps({"Statement": [allow(ACCOUNT), "x"]}), BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_no_resource_policy_admits_everybody(rule: ResourceRule, policy: Any, expected: str) -> None:
    assert verdict(rule, {"policy": policy}) == expected


@pytest.mark.parametrize("rule", PUBLIC_RULES[1:], ids=lambda rule: rule.name)
def test_a_policy_resource_without_a_policy_is_refused_and_its_owner_without_one_is_not(rule: ResourceRule) -> None:
    assert verdict(rule, {}) == BROKEN
    assert verdict(rule, {}, kind=rule.types[-1]) == KEPT


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        (document(allow({"Service": "ec2.amazonaws.com"})), KEPT),
        (document(allow(ACCOUNT)), KEPT),
        (document(allow(ACCOUNT), allow({"AWS": "*"})), BROKEN),
        (None, BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_no_role_trusts_everybody(trust: Any, expected: str) -> None:
    assert verdict(iam.bound_trust, {"assumeRolePolicy": trust}) == expected


def granting(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (granting("ec2:DescribeImages"), KEPT),
        (granting("s3:*", "arn:aws:s3:::ledger/*"), KEPT),
        (granting("s3:*", Effect="Deny"), KEPT),
        (granting("*"), BROKEN),
        (granting("s3:*"), BROKEN),
        (granting(["ec2:DescribeImages", "s3:*"], ["arn:aws:s3:::ledger", "*"]), BROKEN),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, BROKEN),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::ledger"}, BROKEN),
    ],
)
def test_no_identity_policy_allows_a_whole_service_on_everything(statement: dict[str, Any], expected: str) -> None:
    policy = document(granting("ec2:DescribeImages"), statement)
    assert verdict(iam.forbid_service_wildcard, {"policy": policy}) == expected
    inline = {"inlinePolicies": [{"policy": document(granting("ec2:DescribeImages"))}, {"policy": policy}]}
    assert verdict(iam.forbid_service_wildcard, inline, kind=iam.ROLE) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (granting("iam:PassRole", "arn:aws:iam::111111111111:role/ledger"), KEPT),
        (granting("iam:GetRole"), KEPT),
        (granting("iam:PassRole", Effect="Deny"), KEPT),
        (granting("iam:PassRole"), BROKEN),
        (granting("iam:Pass*"), BROKEN),
        (granting("IAM:passrole", "arn:aws:iam::111111111111:role/*"), BROKEN),
    ],
)
def test_no_identity_policy_passes_every_role_on(statement: dict[str, Any], expected: str) -> None:
    assert verdict(iam.scope_pass_role, {"policy": document(statement)}) == expected


@pytest.mark.parametrize("rule", [iam.forbid_service_wildcard, iam.scope_pass_role], ids=lambda rule: rule.name)
def test_identity_policies_are_read_where_they_are_and_left_to_the_update_where_unknown(rule: ResourceRule) -> None:
    assert verdict(rule, {}) == BROKEN
    assert verdict(rule, {"policy": UNKNOWN}) == PENDING
    assert verdict(rule, {}, kind=iam.ROLE) == KEPT
    assert verdict(rule, {"inlinePolicies": UNKNOWN}, kind=iam.ROLE) == PENDING
    assert verdict(rule, {"inlinePolicies": [{"name": "a", "policy": UNKNOWN}]}, kind=iam.ROLE) == PENDING


@given(st.text())
def test_any_text_is_a_policy_or_it_is_not(text: str) -> None:
    found = statements(text)
    assert found is None or (isinstance(found, list) and all(isinstance(statement, dict) for statement in found))
