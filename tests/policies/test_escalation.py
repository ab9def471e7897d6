"""What identity policies let their holders gain, and which of AWS's own policies nobody is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import escalation, iam
from policies.rules.escalation_actions import CREDENTIALS, GAINS, GAINS_TOGETHER, READING, SHARING
from policies.rules.rule import ResourceRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, verdict

ACCOUNT = "111111111111"
ANY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/*"
OUR_ROLES = f"arn:aws:iam::{ACCOUNT}:role/golden-ami-*"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ESCALATION = escalation.forbid_escalation


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    stated = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **stated}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def judged(rule: ResourceRule, *statements: dict[str, Any]) -> str:
    return verdict(rule, {"policy": document(*statements)})


STATEMENTS = [
    ("a role by its name", allow("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/golden-ami-ledger"), KEPT),
    ("roles by a prefix", allow("iam:UpdateAssumeRolePolicy", OUR_ROLES), KEPT),
    ("a user's own keys", allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"), KEPT),
    ("a role of each account", allow("sts:AssumeRole", "arn:aws:iam::*:role/golden-ami-reader"), KEPT),
    ("a boundary", allow("iam:PutRolePolicy", ANY_ROLE, StringEquals={"iam:PermissionsBoundary": BOUNDARY}), KEPT),
    ("a named policy", allow("iam:AttachRolePolicy", ANY_ROLE, ArnEquals={"iam:PolicyARN": READ_ONLY}), KEPT),
    ("tags", allow("ssm:StartSession", "*", StringEquals={"aws:ResourceTag/owner": "ledger"}), KEPT),
    ("what only reads", allow(["iam:GetRole", "iam:List*"]), KEPT),
    ("a denial", {**allow("iam:*"), "Effect": "Deny"}, KEPT),
    ("any role", allow("iam:PutRolePolicy", ANY_ROLE), BROKEN),
    ("any role below a path", allow("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/*/x"), BROKEN),
    ("any policy", allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/*"), BROKEN),
    ("any user", allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/?*"), BROKEN),
    ("all but a role", {"Effect": "Allow", "Action": "sts:AssumeRole", "NotResource": OUR_ROLES}, BROKEN),
    ("all but S3", {"Effect": "Allow", "NotAction": "s3:*", "Resource": ANY_ROLE}, BROKEN),
    ("a pattern of actions", allow(["s3:GetObject", "IAM:Put*"], ["arn:aws:s3:::scripts/*", ANY_ROLE]), BROKEN),
    ("any boundary", allow("iam:PutRolePolicy", ANY_ROLE, StringLike={"iam:PermissionsBoundary": "*"}), BROKEN),
    (
        "a boundary where one is stated",
        allow("iam:PutRolePolicy", ANY_ROLE, StringEqualsIfExists={"iam:PermissionsBoundary": BOUNDARY}),
        BROKEN,
    ),
    (
        "everything as a named policy",
        allow("iam:AttachRolePolicy", ANY_ROLE, ArnEquals={"iam:PolicyARN": ADMINISTRATOR}),
        BROKEN,
    ),
    (
        "a pattern of policies",
        allow("iam:AttachRolePolicy", ANY_ROLE, ArnLike={"iam:PolicyARN": "arn:aws:iam::aws:policy/*"}),
        BROKEN,
    ),
    ("any tag", allow("ssm:StartSession", "*", StringLike={"aws:ResourceTag/owner": "*"}), BROKEN),
]


@pytest.mark.parametrize(
    ("statement", "expected"), [case[1:] for case in STATEMENTS], ids=[case[0] for case in STATEMENTS]
)
def test_nobody_comes_to_act_as_whomever_there_is(statement: dict[str, Any], expected: str) -> None:
    assert judged(ESCALATION, statement) == expected
    inline = {"inlinePolicies": [{"policy": document(statement)}]}
    assert verdict(ESCALATION, inline, kind=iam.ROLE) == expected


@pytest.mark.parametrize("action", GAINS)
def test_each_action_that_gains_is_found_on_any_name_and_bound_by_a_name(action: str) -> None:
    assert judged(ESCALATION, allow(action)) == BROKEN
    assert judged(ESCALATION, allow(action, f"arn:aws:service:us-east-1:{ACCOUNT}:kind/ledger")) == KEPT


@pytest.mark.parametrize(
    ("action", "further"), [(action, each) for action, several in GAINS_TOGETHER.items() for each in several]
)
def test_actions_that_gain_together_are_found_across_statements(action: str, further: str) -> None:
    named = f"arn:aws:service:us-east-1:{ACCOUNT}:kind/ledger"
    assert judged(ESCALATION, allow(action), allow(further, named)) == BROKEN
    assert judged(ESCALATION, allow([action, further])) == BROKEN
    assert judged(ESCALATION, allow(action)) == KEPT
    assert judged(ESCALATION, allow(action, named), allow(further)) == KEPT
    assert judged(ESCALATION, allow(action), {**allow(further), "Effect": "Deny"}) == KEPT


@pytest.mark.parametrize(
    "actions",
    [
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:AttachRolePolicy",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:CreateAccessKey",
        "iam:UpdateLoginProfile",
        "iam:AddUserToGroup",
        "sts:AssumeRole",
        "lambda:UpdateFunctionCode",
        ["iam:PassRole", "ec2:RunInstances"],
        ["iam:PassRole", "lambda:CreateFunction"],
        ["iam:PassRole", "cloudformation:CreateStack"],
        ["iam:PassRole", "codebuild:CreateProject"],
        ["iam:PassRole", "ecs:RunTask"],
        ["iam:PassRole", "glue:CreateDevEndpoint"],
        ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"],
    ],
)
def test_the_known_ways_to_more_are_found(actions: Any) -> None:
    assert judged(ESCALATION, allow(actions)) == BROKEN


OWN = f"arn:aws:iam::{ACCOUNT}:role/{{}}"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow("iam:PutRolePolicy", OWN.format("other")), KEPT),
        (allow("iam:GetRole", OWN.format("builder")), KEPT),
        (
            allow("iam:PutRolePolicy", OWN.format("builder"), StringEquals={"iam:PermissionsBoundary": BOUNDARY}),
            KEPT,
        ),
        (allow("iam:PutRolePolicy", OWN.format("builder")), BROKEN),
        (allow("iam:AttachRolePolicy", OWN.format("build*")), BROKEN),
        (allow("iam:DeleteRolePermissionsBoundary", OWN.format("team/builder")), BROKEN),
    ],
)
def test_no_role_gives_itself_more(statement: dict[str, Any], expected: str) -> None:
    held = {"role": "builder", "policy": document(statement)}
    assert verdict(ESCALATION, held, kind="aws:iam/rolePolicy:RolePolicy") == expected
    inline = {"name": "builder", "inlinePolicies": [{"policy": document(statement)}]}
    assert verdict(ESCALATION, inline, kind=iam.ROLE) == expected


def test_a_policy_whose_role_is_not_known_yet_is_judged_by_the_rest() -> None:
    properties = {"role": UNKNOWN, "policy": document(allow("iam:PutRolePolicy", OWN.format("builder")))}
    assert verdict(ESCALATION, properties, kind="aws:iam/rolePolicy:RolePolicy") == KEPT


@pytest.mark.parametrize(
    ("rule", "actions"),
    [
        (escalation.scope_credentials, CREDENTIALS),
        (escalation.scope_reading, READING),
        (escalation.scope_sharing, SHARING),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_action_is_narrowed_by_a_name_or_a_tag(rule: ResourceRule, actions: tuple[str, ...]) -> None:
    for action in actions:
        named = f"arn:aws:service:us-east-1:{ACCOUNT}:kind/ledger*"
        tagged = allow(action, "*", StringEquals={"aws:ResourceTag/owner": "ledger"})
        kept = [allow(action, named), tagged, allow("ec2:DescribeImages"), {**allow(action), "Effect": "Deny"}]
        broken = [allow(action), allow(action, f"arn:aws:service:us-east-1:{ACCOUNT}:kind/*")]
        assert [judged(rule, each) for each in kept] == [KEPT] * len(kept)
        assert [judged(rule, each) for each in broken] == [BROKEN] * len(broken)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("arn:aws:s3:::scripts/*", KEPT),
        ("arn:aws:s3:::golden-ami-*/scripts/*", KEPT),
        ("arn:aws:s3:us-east-1:111111111111:accesspoint/scripts", KEPT),
        ("arn:aws:s3:::*", BROKEN),
        ("arn:aws:s3:::*/*", BROKEN),
        (["arn:aws:s3:::scripts/*", "arn:aws:s3:::*/secrets"], BROKEN),
        ("arn:aws:s3:us-east-1:111111111111:accesspoint/*", BROKEN),
    ],
)
def test_buckets_are_named(resource: Any, expected: str) -> None:
    assert judged(escalation.scope_reading, allow("s3:GetObject", resource)) == expected


RULES = [ESCALATION, escalation.scope_credentials, escalation.scope_reading, escalation.scope_sharing]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_policy_that_is_missing_breaks_the_rule_and_an_unknown_one_waits(rule: ResourceRule) -> None:
    assert verdict(rule, {}) == BROKEN
    assert verdict(rule, {"policy": "{"}) == BROKEN
    assert verdict(rule, {"policy": UNKNOWN}) == PENDING
    assert verdict(rule, {}, kind=iam.ROLE) == KEPT
    assert verdict(rule, {"inlinePolicies": [{"policy": UNKNOWN}]}, kind=iam.ROLE) == PENDING


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (READ_ONLY, KEPT),
        ("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", KEPT),
        (f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess", KEPT),
        (ADMINISTRATOR, BROKEN),
        ("arn:aws:iam::aws:policy/AdministratorAccess-Amplify", BROKEN),
        ("arn:aws:iam::aws:policy/IAMFullAccess", BROKEN),
        ("arn:aws-cn:iam::aws:policy/IAMFullAccess", BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_nobody_is_given_everything(arn: Any, expected: str) -> None:
    rule = escalation.forbid_administration
    for kind in escalation.ATTACHMENTS:
        several = kind.endswith("Exclusive")
        stated = {"policyArns": [READ_ONLY, arn]} if several else {"policyArn": arn}
        assert verdict(rule, stated, kind=kind) == expected
    assert verdict(rule, {"managedPolicyArns": [READ_ONLY, arn]}, kind=iam.ROLE) == expected


@pytest.mark.parametrize("kind", [*escalation.ATTACHMENTS, iam.ROLE])
def test_who_is_given_nothing_is_not_given_everything(kind: str) -> None:
    assert verdict(escalation.forbid_administration, {}, kind=kind) == KEPT
