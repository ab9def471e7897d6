"""What a refused request lacks, where to add it, and that adding it is enough."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings

from model.access import (
    Addition,
    Grant,
    NamedPolicy,
    Permissions,
    Request,
    ResourceSide,
    additions,
    decide,
)
from tests.model.access_policies import (
    ALLOW_ALL,
    DECRYPT,
    HUB,
    KEY,
    NOTHING,
    OTHER,
    QUEUE,
    ROLE,
    SEND,
    TARGET,
    USER,
    admits,
    denies,
    holder,
    root,
    side,
)
from tests.model.generated_access import Case, cases

SERVICE_LINKED = f"arn:aws:iam::{TARGET}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
IDENTITY = f"an identity policy of role ledger ({TARGET})"
TARGETS_KEY = KEY.replace(HUB, TARGET)


@pytest.mark.parametrize(
    ("permissions", "request_of", "resource_side", "missing"),
    [
        pytest.param(
            holder(arn=USER),
            SEND,
            None,
            [f"allow sqs:SendMessage on {QUEUE} in an identity policy of user ann ({TARGET})"],
            id="identity",
        ),
        pytest.param(
            holder(ALLOW_ALL, boundary=NOTHING),
            SEND,
            None,
            [f"allow sqs:SendMessage on {QUEUE} in the boundary boundary of role ledger ({TARGET})"],
            id="boundary",
        ),
        pytest.param(
            holder(boundary=NOTHING),
            DECRYPT,
            side(HUB, admits(root(HUB)), required=True),
            [
                f"allow kms:Decrypt on {KEY} in {IDENTITY}",
                f"allow kms:Decrypt on {KEY} in the boundary boundary of role ledger ({TARGET})",
                f"allow kms:Decrypt on {KEY} in resource, for {ROLE}",
            ],
            id="all sides of another account's key",
        ),
        pytest.param(
            holder(),
            DECRYPT,
            side(HUB, admits(root(TARGET)), required=True),
            [f"allow kms:Decrypt on {KEY} in {IDENTITY}"],
            id="the key admits the account",
        ),
        pytest.param(
            holder(ALLOW_ALL),
            SEND,
            side(HUB),
            [f"allow sqs:SendMessage on {QUEUE} in a resource policy of {QUEUE}, for {ROLE}"],
            id="no resource policy yet",
        ),
        pytest.param(
            holder(),
            Request("kms:Decrypt", TARGETS_KEY),
            side(TARGET, admits({"AWS": OTHER}), required=True),
            [f"allow kms:Decrypt on {TARGETS_KEY} in resource, for {ROLE}"],
            id="the name in the key policy suffices in its account",
        ),
        pytest.param(
            holder(arn=USER, boundary=NOTHING),
            Request("kms:Decrypt", TARGETS_KEY),
            side(TARGET, admits({"AWS": OTHER}), required=True),
            [f"allow kms:Decrypt on {TARGETS_KEY} in resource, for {USER}"],
            id="a user's name suffices beyond its boundary",
        ),
        pytest.param(
            holder(arn=USER, boundary=NOTHING),
            Request("kms:Decrypt", TARGETS_KEY),
            side(TARGET, admits("*"), required=True),
            [f"allow kms:Decrypt on {TARGETS_KEY} in the boundary boundary of user ann ({TARGET})"],
            id="everybody is admitted, but within boundaries",
        ),
        pytest.param(
            holder(arn=f"arn:aws:iam::{TARGET}:root"),
            DECRYPT,
            side(HUB, required=True),
            [f"allow kms:Decrypt on {KEY} in a resource policy of {KEY}, for arn:aws:iam::{TARGET}:root"],
            id="an account's root",
        ),
        pytest.param(
            holder(arn=SERVICE_LINKED),
            DECRYPT,
            side(HUB, required=True),
            [f"grant Decrypt on {KEY} to {SERVICE_LINKED}: AWS alone writes this role's own policies"],
            id="a service-linked role",
        ),
    ],
)
def test_what_is_missing_is_told_side_by_side(
    permissions: Permissions, request_of: Request, resource_side: ResourceSide | None, missing: list[str]
) -> None:
    assert list(decide(permissions, request_of, resource_side).missing) == missing


FOR_RESOURCES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
OF_OTHERS = {"ArnLike": {"aws:PrincipalArn": [OTHER, USER]}}


def test_a_statement_whose_conditions_fail_is_named_with_what_the_request_has() -> None:
    create = Request("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"})
    nearly = {**ALLOW_ALL, "Sid": "GrantImageKey", "Condition": FOR_RESOURCES | OF_OTHERS}
    admitted = (admits(root(TARGET), Condition=OF_OTHERS), admits(root(HUB), Sid="Own"))
    key = side(HUB, *admitted, denies("*", Condition=OF_OTHERS), required=True)
    of_others = f'ArnLike aws:PrincipalArn "{OTHER}" or "{USER}", and the request has "{ROLE}"'
    assert decide(holder(nearly), create, key).missing == (
        f"allow kms:CreateGrant on {KEY} in {IDENTITY}; identity: GrantImageKey allows it only under "
        f'Bool kms:GrantIsForAWSResource "true", and the request has "false" and under {of_others}',
        f"allow kms:CreateGrant on {KEY} in resource, for {ROLE}; resource: Admit allows it only under {of_others}",
    )


@pytest.mark.parametrize("resource_side", [None, side(TARGET, admits({"AWS": ROLE}))])
def test_nothing_is_to_be_added_where_a_request_is_allowed_or_denied(resource_side: ResourceSide | None) -> None:
    assert additions(holder(ALLOW_ALL), SEND, resource_side) == ()
    assert additions(holder(ALLOW_ALL, denies()), SEND, resource_side) == ()


def statement_for(permissions: Permissions, request: Request, resource_side: ResourceSide | None) -> Any:
    return additions(permissions, request, resource_side)[-1].statement


def test_the_statement_for_an_identity_names_one_action_and_one_resource() -> None:
    expected = {"Sid": "AllowSqsSendMessage", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}
    assert statement_for(holder(), SEND, None) == expected


def test_the_statement_for_a_key_policy_admits_a_foreign_principal_by_its_account() -> None:
    assert statement_for(holder(ALLOW_ALL), DECRYPT, side(HUB, required=True)) == {
        "Sid": "AllowKmsDecrypt",
        "Effect": "Allow",
        "Principal": root(TARGET),
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}},
    }


def test_the_statement_for_a_trust_policy_names_no_resource() -> None:
    assume_role = Request("sts:AssumeRole", OTHER)
    assert statement_for(holder(), assume_role, side(TARGET, required=True)) == {
        "Sid": "AllowStsAssumeRole",
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": "sts:AssumeRole",
    }


def test_what_a_service_linked_role_lacks_is_a_grant_that_suffices() -> None:
    permissions, key = holder(arn=SERVICE_LINKED), side(HUB, required=True)
    parameters = statement_for(permissions, DECRYPT, key)
    assert parameters == {"KeyId": KEY, "GranteePrincipal": SERVICE_LINKED, "Operations": ["Decrypt"]}
    grant = Grant(parameters["GranteePrincipal"], frozenset(parameters["Operations"]))
    assert decide(permissions, DECRYPT, replace(key, grants=(grant,))).allowed


def extended(policy: NamedPolicy | None, addition: Addition) -> NamedPolicy:
    stated = policy.document["Statement"] if policy else []
    return NamedPolicy(addition.place, {"Version": "2012-10-17", "Statement": [*stated, addition.statement]})


def with_addition(case: Case, addition: Addition) -> Case:
    permissions, resource_side = case.permissions, case.side
    if addition.place.startswith("an identity policy"):
        policies = (*permissions.policies, extended(None, addition))
        return replace(case, permissions=replace(permissions, policies=policies))
    if addition.place.startswith("the boundary"):
        return replace(case, permissions=replace(permissions, boundary=extended(permissions.boundary, addition)))
    assert resource_side is not None
    return replace(case, side=replace(resource_side, policy=extended(resource_side.policy, addition)))


def allows(case: Case) -> bool:
    return decide(case.permissions, case.request, case.side).allowed


@settings(max_examples=200)
@given(cases())
def test_what_is_missing_suffices_together_and_no_part_of_it_can_be_left_out(case: Case) -> None:
    lacking = additions(case.permissions, case.request, case.side)
    assume(lacking)
    for left_out in [None, *lacking]:
        mended = case
        for addition in lacking:
            mended = mended if addition is left_out else with_addition(mended, addition)
        assert allows(mended) == (left_out is None)
