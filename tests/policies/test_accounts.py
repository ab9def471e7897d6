"""Whom policies admit: accounts of the landing zone, roles in them, and services for a source of theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import iam, imagebuilder, kms, s3, sns, sqs
from policies.rules.configuration import Configuration
from policies.rules.places import Place
from policies.rules.rule import Resource, ResourceRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, of

HUB, TARGET, STRANGER = "111111111111", "222222222222", "999999999999"
ORGANIZATION = "o-abcdefghij"
LANDING_ZONE = Configuration(frozenset((HUB, TARGET)), frozenset((ORGANIZATION,)))


def judged(
    rule: ResourceRule, properties: dict[str, Any], configuration: Configuration = LANDING_ZONE, kind: str = ""
) -> str:
    resource = Resource(kind or rule.types[0], "tested", properties, place=Place(HUB, "us-east-1"))
    return of(rule.findings(resource, configuration))


def allow(**elements: Any) -> dict[str, Any]:
    return {"Sid": "Tested", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **elements}


def root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


SCOPED = [
    (kms.scope_key_accounts, "policy"),
    (sns.scope_policy_accounts, "policy"),
    (sqs.scope_policy_accounts, "policy"),
    (s3.scope_policy_accounts, "policy"),
    (iam.scope_trust, "assumeRolePolicy"),
]


def organization(name: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {"Principal": "*", "Condition": {operator: {"aws:PrincipalOrgID": name}}}


@pytest.mark.parametrize(("rule", "name"), SCOPED, ids=[rule.name for rule, _ in SCOPED])
@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Principal": root(HUB)}, KEPT),
        ({"Principal": {"AWS": [TARGET, f"arn:aws:iam::{HUB}:role/start"]}}, KEPT),
        (organization(ORGANIZATION), KEPT),
        ({"Principal": {"Service": "events.amazonaws.com"}}, KEPT),
        ({"Principal": root(STRANGER), "Effect": "Deny"}, KEPT),
        ({"Principal": root(STRANGER)}, BROKEN),
        ({"Principal": {"AWS": [f"arn:aws:iam::{HUB}:root", STRANGER]}}, BROKEN),
        ({"Principal": "*"}, BROKEN),
        ({"Principal": {"AWS": "*"}}, BROKEN),
        (organization("o-stranger99"), BROKEN),
        (organization("*", "StringLike"), BROKEN),
        (organization(ORGANIZATION, "StringEqualsIfExists"), BROKEN),
        ({"Principal": {"Federated": "accounts.example.com"}}, BROKEN),
    ],
)
def test_only_accounts_and_organisations_of_the_landing_zone_are_admitted(
    rule: ResourceRule, name: str, elements: dict[str, Any], expected: str
) -> None:
    document = json.dumps({"Statement": [allow(Principal=root(HUB)), allow(**elements)]})
    assert judged(rule, {name: document}) == expected


@pytest.mark.parametrize(("rule", "name"), SCOPED, ids=[rule.name for rule, _ in SCOPED])
def test_without_accounts_nobody_is_called_a_stranger_and_unknown_policies_wait(rule: ResourceRule, name: str) -> None:
    stranger = json.dumps({"Statement": [allow(Principal=root(STRANGER))]})
    assert judged(rule, {name: stranger}, Configuration()) == KEPT
    assert judged(rule, {name: UNKNOWN}) == PENDING
    # A missing policy is another rule's to tell.
    assert judged(rule, {}) == KEPT


GUEST = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:role/team"}}
ANY_GUEST = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:role/*"}}
OTHER_GUEST = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{TARGET}:role/team"}}


@pytest.mark.parametrize(
    ("condition", "expected"), [(GUEST, KEPT), (ANY_GUEST, BROKEN), (OTHER_GUEST, BROKEN), ({}, BROKEN)]
)
def test_named_roles_of_other_accounts_may_use_what_holds_data(condition: dict[str, Any], expected: str) -> None:
    guest = allow(Principal=root(STRANGER), Condition=condition)
    grants = allow(Principal=root(HUB), Action="kms:CreateGrant")
    for rule in (s3.scope_policy_accounts, kms.scope_key_accounts):
        assert judged(rule, {"policy": json.dumps({"Statement": [guest]})}) == expected
    assert judged(kms.scope_key_accounts, {"policy": json.dumps({"Statement": [guest, grants]})}) == BROKEN
    assert judged(sns.scope_policy_accounts, {"policy": json.dumps({"Statement": [guest]})}) == BROKEN


SOURCE = {"aws:SourceArn": f"arn:aws:events:us-east-1:{HUB}:rule/ledger"}
ACCOUNT = {"aws:SourceAccount": HUB}
BOUND = [
    (kms.bind_key_services, "policy"),
    (sns.bind_policy_services, "policy"),
    (sqs.bind_policy_services, "policy"),
]


def service(condition: dict[str, Any], name: str = "events.amazonaws.com") -> dict[str, Any]:
    return {"Principal": {"Service": name}, "Condition": condition}


@pytest.mark.parametrize(("rule", "name"), BOUND, ids=[rule.name for rule, _ in BOUND])
@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (service({"StringEquals": ACCOUNT, "ArnEquals": SOURCE}), KEPT),
        (service({"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{HUB}:g"}}), KEPT),
        ({"Principal": root(HUB)}, KEPT),
        (service({}), BROKEN),
        (service({"StringEquals": ACCOUNT}), BROKEN),
        (service({"ArnEquals": SOURCE}), BROKEN),
        (service({"StringEqualsIfExists": ACCOUNT, "ArnEquals": SOURCE}), BROKEN),
        (service({"StringLike": {"aws:SourceAccount": "*"}, "ArnLike": SOURCE}), BROKEN),
        (service({"StringEquals": {"aws:SourceAccount": STRANGER}, "ArnEquals": SOURCE}), BROKEN),
        (service({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "*"}}), BROKEN),
    ],
)
def test_a_service_is_admitted_for_a_named_source_of_a_known_account(
    rule: ResourceRule, name: str, elements: dict[str, Any], expected: str
) -> None:
    assert judged(rule, {name: json.dumps({"Statement": [allow(**elements)]})}) == expected
    assert judged(rule, {name: UNKNOWN}) == PENDING
    assert judged(rule, {}) == KEPT


OF_TARGET = {"StringEquals": {"aws:SourceAccount": TARGET}}
FROM_TARGET = {"aws:SourceArn": f"arn:aws:imagebuilder:*:{TARGET}:image/*/*/*"}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (service({"StringEquals": ACCOUNT}, "imagebuilder.amazonaws.com"), KEPT),
        (service({}, "ec2.amazonaws.com"), KEPT),
        (service({}, "lambda.amazonaws.com"), KEPT),
        (service({}, "imagebuilder.amazonaws.com"), BROKEN),
        (service(OF_TARGET, "imagebuilder.amazonaws.com"), BROKEN),
        (service({**OF_TARGET, "ArnLike": FROM_TARGET}, "imagebuilder.amazonaws.com"), KEPT),
        (service({"StringEquals": {"aws:SourceAccount": STRANGER}}, "imagebuilder.amazonaws.com"), BROKEN),
    ],
)
def test_a_role_that_a_service_assumes_names_the_account(elements: dict[str, Any], expected: str) -> None:
    trust = json.dumps({"Statement": [allow(Action="sts:AssumeRole", **elements)]})
    assert judged(iam.bind_trusted_services, {"assumeRolePolicy": trust}) == expected


TRUST = "assumeRolePolicy"
ROLE = {"aws:PrincipalArn": f"arn:aws:iam::{TARGET}:role/ledger-instances"}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Principal": root(HUB)}, KEPT),
        ({"Principal": root(TARGET), "Condition": {"ArnEquals": ROLE}}, KEPT),
        ({"Principal": root(TARGET), "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}}}, KEPT),
        ({"Principal": {"AWS": ROLE["aws:PrincipalArn"]}}, KEPT),
        ({"Principal": root(TARGET)}, BROKEN),
        ({"Principal": {"AWS": TARGET}}, BROKEN),
        ({"Principal": root(TARGET), "Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}, BROKEN),
        ({"Principal": root(TARGET), "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}}, BROKEN),
        ({"Principal": root(TARGET), "Condition": {"ArnNotEquals": ROLE}}, BROKEN),
    ],
)
def test_another_account_is_admitted_for_named_roles_only(elements: dict[str, Any], expected: str) -> None:
    policy = json.dumps({"Statement": [allow(**elements)]})
    for rule, name in (
        (kms.bind_key_roles, "policy"),
        (s3.bind_policy_roles, "policy"),
        (iam.bind_trusted_roles, TRUST),
    ):
        assert judged(rule, {name: policy}) == expected
        assert judged(rule, {name: UNKNOWN}) == PENDING
        assert judged(rule, {}) == KEPT


GRANTEE = {"StringEquals": {"kms:GranteePrincipal": f"arn:aws:iam::{TARGET}:role/scaling"}}
OPERATIONS = {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]}}
GRANTS = [kms.bind_key_grants, iam.bind_policy_grants]


@pytest.mark.parametrize("rule", GRANTS, ids=[rule.name for rule in GRANTS])
@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}, KEPT),
        ({"Condition": {**GRANTEE, **OPERATIONS}}, KEPT),
        ({"Action": "kms:Decrypt"}, KEPT),
        ({}, BROKEN),
        ({"Condition": {"Bool": {"kms:GrantIsForAWSResource": "false"}}}, BROKEN),
        ({"Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "true"}}}, BROKEN),
        ({"Condition": GRANTEE}, BROKEN),
        ({"Condition": {**GRANTEE, "ForAllValues:StringLike": {"kms:GrantOperations": "*"}}}, BROKEN),
        ({"Condition": {"StringLike": {"kms:GranteePrincipal": "*"}, **OPERATIONS}}, BROKEN),
    ],
)
def test_grants_are_for_aws_resources_or_named_grantees(
    rule: ResourceRule, elements: dict[str, Any], expected: str
) -> None:
    statement = {**allow(Action=["kms:CreateGrant", "kms:ListGrants"], Principal=root(HUB)), **elements}
    assert judged(rule, {"policy": json.dumps({"Statement": [statement]})}) == expected
    assert judged(rule, {"policy": UNKNOWN}) == PENDING


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Resource": "arn:aws:s3:::scripts/*"}, KEPT),
        ({"Action": ["ec2:DescribeImages", "xray:PutTraceSegments"]}, KEPT),
        ({"Effect": "Deny"}, KEPT),
        ({}, BROKEN),
        ({"Action": ["ec2:DescribeImages", "s3:PutObject"]}, BROKEN),
        ({"NotAction": "iam:*", "Action": None}, BROKEN),
        ({"Resource": None, "NotResource": "arn:aws:s3:::scripts"}, BROKEN),
    ],
)
def test_only_what_knows_no_resource_is_allowed_on_everything(elements: dict[str, Any], expected: str) -> None:
    statement = {**allow(Action="s3:GetObject"), **elements}
    document = json.dumps({"Statement": [{key: value for key, value in statement.items() if value is not None}]})
    assert judged(iam.scope_resources, {"policy": document}) == expected
    assert judged(iam.scope_resources, {"policy": UNKNOWN}) == PENDING
    assert judged(iam.scope_resources, {"inlinePolicies": [{"policy": document}]}, kind=iam.ROLE) == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}, KEPT),
        ({"Action": "iam:GetRole"}, KEPT),
        ({}, BROKEN),
        ({"Action": "iam:Pass*"}, BROKEN),
        ({"Condition": {"StringLike": {"iam:PassedToService": "*"}}}, BROKEN),
    ],
)
def test_roles_are_passed_to_named_services_only(elements: dict[str, Any], expected: str) -> None:
    statement = {**allow(Action="iam:PassRole", Resource=f"arn:aws:iam::{HUB}:role/build"), **elements}
    assert judged(iam.bind_pass_role, {"policy": json.dumps({"Statement": [statement]})}) == expected
    assert judged(iam.bind_pass_role, {"policy": UNKNOWN}) == PENDING


@pytest.mark.parametrize(
    ("grantee", "expected"),
    [
        (f"arn:aws:iam::{TARGET}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", KEPT),
        (f"arn:aws:iam::{HUB}:role/start", KEPT),
        (f"arn:aws:iam::{STRANGER}:role/start", BROKEN),
        (None, BROKEN),
        ("*", BROKEN),
        ("ec2.amazonaws.com", BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_keys_are_granted_within_the_landing_zone(grantee: Any, expected: str) -> None:
    assert judged(kms.scope_grantee, {} if grantee is None else {"granteePrincipal": grantee}) == expected


UNIT = f"arn:aws:organizations::{HUB}:ou/{ORGANIZATION}/ou-abcd-12345678"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"targetAccountIds": [TARGET]}, KEPT),
        ({"launchPermission": {"userIds": [TARGET], "organizationalUnitArns": [UNIT]}}, KEPT),
        ({}, KEPT),
        ({"targetAccountIds": [TARGET, STRANGER]}, BROKEN),
        ({"launchPermission": {"userIds": [STRANGER]}}, BROKEN),
        ({"launchPermission": {"organizationalUnitArns": [UNIT.replace(ORGANIZATION, "o-stranger99")]}}, BROKEN),
        ({"launchPermission": {"organizationArns": [f"arn:aws:organizations::{HUB}:organization/o-x"]}}, BROKEN),
        ({"targetAccountIds": UNKNOWN}, PENDING),
    ],
)
def test_images_go_to_the_landing_zone_in_every_region(settings: dict[str, Any], expected: str) -> None:
    first = {"region": "us-east-1", "amiDistributionConfiguration": {"targetAccountIds": [TARGET]}}
    last = {"region": "eu-west-1", "amiDistributionConfiguration": settings}
    assert judged(imagebuilder.scope_accounts, {"distributions": [first, last]}) == expected


@pytest.mark.parametrize(("protected", "expected"), [(True, KEPT), (False, BROKEN)])
@pytest.mark.parametrize("kind", kms.KEYS)
def test_every_key_is_protected(kind: str, protected: bool, expected: str) -> None:
    assert of(kms.require_protection.check(Resource(kind, "tested", {}, protected=protected))) == expected


@pytest.mark.parametrize(
    ("policy", "expected", "room"),
    [
        ("x" * 32_768, KEPT, 0),
        ("ä" * 10, KEPT, 32_748),
        (None, KEPT, None),
        (UNKNOWN, PENDING, None),
        ("x" * 32_769, BROKEN, -1),
        ("ä" * 16_385, BROKEN, -2),
    ],
)
def test_a_key_policy_keeps_within_the_bytes_that_aws_takes(policy: Any, expected: str, room: int | None) -> None:
    key = Resource(kms.KEY, "tested", {"policy": policy})
    assert of(kms.bound_size.check(key)) == expected
    assert kms.head_room(key) == room


IN_PLACE = [
    (rule, kind)
    for rule in (sns.scope_policy_accounts, sqs.scope_policy_accounts, s3.scope_policy_accounts)
    for kind in rule.types[1:]
]


@pytest.mark.parametrize(("rule", "kind"), IN_PLACE, ids=[kind for _, kind in IN_PLACE])
def test_a_policy_that_its_owner_states_in_place_is_held_to_the_same(rule: ResourceRule, kind: str) -> None:
    for principal, expected in ((root(HUB), KEPT), (root(STRANGER), BROKEN)):
        document = json.dumps({"Statement": [allow(Principal=principal)]})
        assert judged(rule, {"policy": document}, kind=kind) == expected
    assert judged(rule, {}, kind=kind) == KEPT
