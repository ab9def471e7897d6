"""Decisions as the IAM User Guide and the AWS KMS Developer Guide describe them, a line per rule."""

from dataclasses import replace
from typing import Any

import pytest

from model.access import Decision, Grant, Permissions, Request, ResourceSide, decide
from tests.model.access_policies import (
    ALLOW_ALL,
    DECRYPT,
    HUB,
    KEY,
    NOTHING,
    OTHER,
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


def test_a_request_states_its_own_secure_transport() -> None:
    plain = replace(SEND, context={"aws:SecureTransport": "false"})
    guarded = side(TARGET, denies("*", Condition={"Bool": {"aws:SecureTransport": "false"}}))
    assert decide(holder(ALLOW_ALL), SEND, guarded).allowed
    assert decide(holder(ALLOW_ALL), plain, guarded) == Decision(False, ("resource: Refuse",), ())


@pytest.mark.parametrize(
    ("arn", "principal", "reached"),
    [
        (ROLE, "*", True),
        (ROLE, {"AWS": "*"}, True),
        (ROLE, {"AWS": ROLE}, True),
        (ROLE, {"AWS": [OTHER, ROLE]}, True),
        (ROLE, {"AWS": ROLE.replace("application/", "")}, False),
        (ROLE, {"AWS": OTHER}, False),
        (ROLE, {"AWS": f"arn:aws:sts::{TARGET}:assumed-role/other/session"}, False),
        (ROLE, {"Service": "ec2.amazonaws.com"}, False),
        (ROLE, {"Service": "ec2.amazonaws.com", "AWS": ROLE}, True),
        (USER, {"AWS": USER}, True),
        (f"arn:aws:iam::{TARGET}:root", root(TARGET), True),
        (f"arn:aws:iam::{TARGET}:root", {"AWS": TARGET}, True),
        (f"arn:aws:iam::{TARGET}:root", {"AWS": ROLE}, False),
    ],
)
def test_a_key_policy_that_names_the_principal_admits_it_in_its_account(
    arn: str, principal: Any, reached: bool
) -> None:
    own = DECRYPT.resource.replace(HUB, TARGET)
    assert decide(holder(arn=arn), Request("kms:Decrypt", own), side(TARGET, admits(principal), required=True)) == (
        Decision(True, _reasons(arn), ()) if reached else _refused(arn, own)
    )


def _reasons(arn: str) -> tuple[str, ...]:
    return (f"account root ({TARGET})", "resource: Admit") if arn.endswith(":root") else ("resource: Admit",)


def _refused(arn: str, key: str) -> Decision:
    return Decision(False, (), (f"allow kms:Decrypt on {key} in resource, for {arn}",))


IDENTITY, DELEGATED, NAMED = holder(ALLOW_ALL), admits({"AWS": TARGET}), admits({"AWS": ROLE})


@pytest.mark.parametrize(
    ("permissions", "resource_side", "deciding"),
    [
        pytest.param(IDENTITY, None, ("identity: All",), id="no resource policy is asked"),
        pytest.param(holder(), None, (), id="nothing allows"),
        pytest.param(IDENTITY, side(TARGET), ("identity: All",), id="own account, no resource policy"),
        pytest.param(holder(), side(TARGET, NAMED), ("resource: Admit",), id="own account, named"),
        pytest.param(holder(), side(TARGET, DELEGATED), (), id="own account, the account alone is named"),
        pytest.param(
            holder(),
            side(TARGET, admits({"AWS": [TARGET, ROLE]})),
            ("resource: Admit",),
            id="own account, named beside it",
        ),
        pytest.param(IDENTITY, side(TARGET, required=True), (), id="required and absent"),
        pytest.param(
            IDENTITY,
            side(TARGET, DELEGATED, required=True),
            ("identity: All", "resource: Admit"),
            id="required, delegated and allowed",
        ),
        pytest.param(holder(), side(TARGET, DELEGATED, required=True), (), id="required and delegated only"),
        pytest.param(IDENTITY, side(TARGET, admits({"AWS": OTHER}), required=True), (), id="required, another named"),
        pytest.param(
            IDENTITY, side(HUB, DELEGATED), ("identity: All", "resource: Admit"), id="other account, both allow"
        ),
        pytest.param(IDENTITY, side(HUB), (), id="other account, no resource policy"),
        pytest.param(IDENTITY, side(HUB, admits(root(HUB))), (), id="other account, its own root admitted"),
        pytest.param(holder(), side(HUB, NAMED), (), id="other account, resource policy alone"),
        pytest.param(holder(), side(HUB, admits("*")), (), id="other account, everybody admitted"),
    ],
)
def test_which_sides_must_allow(
    permissions: Permissions, resource_side: ResourceSide | None, deciding: tuple[str, ...]
) -> None:
    decision = decide(permissions, SEND, resource_side)
    assert (decision.allowed, decision.deciding) == (bool(deciding), deciding)
    assert bool(decision.missing) != decision.allowed


@pytest.mark.parametrize(
    ("arn", "statements", "boundary", "resource_side", "expected"),
    [
        pytest.param(ROLE, (ALLOW_ALL,), ALLOW_ALL, None, True, id="allowed by both"),
        pytest.param(ROLE, (ALLOW_ALL,), NOTHING, None, False, id="outside the boundary"),
        pytest.param(ROLE, (), ALLOW_ALL, None, False, id="a boundary allows nothing itself"),
        pytest.param(ROLE, (), NOTHING, side(TARGET, NAMED), False, id="a role's name is limited"),
        pytest.param(ROLE, (), ALLOW_ALL, side(TARGET, NAMED), True, id="a role's name within the boundary"),
        pytest.param(ROLE, (), NOTHING, side(TARGET, admits("*")), False, id="everybody is limited"),
        pytest.param(USER, (), NOTHING, side(TARGET, admits({"AWS": USER})), True, id="a user's name is not limited"),
        pytest.param(USER, (), NOTHING, side(TARGET, admits("*")), False, id="a user among everybody is limited"),
        pytest.param(USER, (ALLOW_ALL,), NOTHING, side(HUB, admits({"AWS": USER})), False, id="other account"),
    ],
)
def test_what_a_boundary_limits(
    arn: str, statements: Any, boundary: Any, resource_side: ResourceSide | None, expected: bool
) -> None:
    assert decide(holder(*statements, arn=arn, boundary=boundary), SEND, resource_side).allowed == expected


@pytest.mark.parametrize(
    ("permissions", "resource_side", "deciding"),
    [
        (holder(ALLOW_ALL, denies()), side(TARGET, NAMED), "identity: Refuse"),
        (holder(ALLOW_ALL, boundary=denies()), side(TARGET, NAMED), "boundary: Refuse"),
        (IDENTITY, side(TARGET, NAMED, denies("*")), "resource: Refuse"),
        (IDENTITY, side(HUB, NAMED, denies(root(TARGET))), "resource: Refuse"),
        (
            IDENTITY,
            side(TARGET, denies({"AWS": ROLE}), grants=(Grant(ROLE, frozenset({"Decrypt"})),)),
            "resource: Refuse",
        ),
    ],
)
def test_a_deny_on_any_side_wins_and_nothing_added_would_help(
    permissions: Permissions, resource_side: ResourceSide, deciding: str
) -> None:
    for request in (SEND, DECRYPT):
        assert decide(permissions, request, resource_side) == Decision(False, (deciding,), ())


def test_every_deny_that_refuses_is_named() -> None:
    decision = decide(holder(denies(), boundary=denies()), SEND, side(TARGET, denies("*")))
    assert decision.deciding == ("identity: Refuse", "boundary: Refuse", "resource: Refuse")


@pytest.mark.parametrize(
    "statement", [denies({"AWS": OTHER}), denies("*", Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}})]
)
def test_a_deny_of_others_refuses_nobody_else(statement: dict[str, Any]) -> None:
    assert decide(IDENTITY, SEND, side(TARGET, statement)).allowed


ASSUME = Request("sts:AssumeRole", ROLE)


@pytest.mark.parametrize(
    ("arn", "statements", "principal", "expected"),
    [
        (OTHER, (), {"AWS": OTHER}, True),
        (OTHER, (), root(TARGET), False),
        (OTHER, (ALLOW_ALL,), root(TARGET), True),
        (OTHER, (ALLOW_ALL,), {"Service": "ec2.amazonaws.com"}, False),
        (f"arn:aws:iam::{HUB}:role/build", (ALLOW_ALL,), root(HUB), True),
        (f"arn:aws:iam::{HUB}:role/build", (), root(HUB), False),
        (f"arn:aws:iam::{HUB}:role/build", (ALLOW_ALL,), root(TARGET), False),
    ],
)
def test_a_trust_policy_names_no_resource_and_must_admit(
    arn: str, statements: Any, principal: Any, expected: bool
) -> None:
    trust = {"Sid": "Trust", "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    assert decide(holder(*statements, arn=arn), ASSUME, side(TARGET, trust, required=True)).allowed == expected


CONTEXT = {"kms:EncryptionContext:Stage": "build", "kms:EncryptionContext:team": "ledger"}


@pytest.mark.parametrize(
    ("grant", "action", "context", "expected"),
    [
        (Grant(ROLE, frozenset({"Decrypt"})), "Decrypt", {}, True),
        (Grant(ROLE, frozenset({"Encrypt"})), "Decrypt", {}, False),
        (Grant(OTHER, frozenset({"Decrypt"})), "Decrypt", {}, False),
        (Grant(ROLE, frozenset({"Decrypt"}), {"stage": "build", "team": "ledger"}), "Decrypt", CONTEXT, True),
        (Grant(ROLE, frozenset({"Decrypt"}), {"Stage": "build"}), "Decrypt", CONTEXT, False),
        (Grant(ROLE, frozenset({"Decrypt"}), None, {"Stage": "build"}), "Decrypt", CONTEXT, True),
        (Grant(ROLE, frozenset({"Decrypt"}), None, {"Stage": "Build"}), "Decrypt", CONTEXT, False),
        (Grant(ROLE, frozenset({"Decrypt"}), None, {"Stage": "build"}), "Decrypt", {}, False),
        (Grant(ROLE, frozenset({"DescribeKey"}), {"Stage": "build"}), "DescribeKey", {}, True),
    ],
)
def test_a_grant_alone_suffices_within_its_constraints(
    grant: Grant, action: str, context: dict[str, str], expected: bool
) -> None:
    decision = decide(holder(), Request(f"kms:{action}", KEY, context), side(HUB, required=True, grants=(grant,)))
    assert decision.allowed == expected
    assert decision.deciding == ((f"grant to {ROLE}",) if expected else ())


def test_what_a_request_states_of_itself_must_not_contradict_the_principal() -> None:
    with pytest.raises(ValueError, match="aws:principalarn is stated"):
        decide(IDENTITY, replace(SEND, context={"aws:PrincipalArn": OTHER}))
    with pytest.raises(ValueError, match="stated twice"):
        decide(IDENTITY, replace(SEND, context={"a:b": "1", "A:B": "2"}))
