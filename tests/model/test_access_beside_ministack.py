"""Predicted decisions beside those of ministack's evaluator, which the local cloud decides with."""

from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import event, given, settings
from ministack.core import iam_evaluator as evaluator  # pyright: ignore[reportMissingTypeStubs]
from ministack.services import iam  # pyright: ignore[reportMissingTypeStubs]

from local.cloud import identity
from local.cloud.ministack_corrections import correct_principal_arn
from model.access import Grant, decide
from tests.model.access_policies import ROLE, TARGET
from tests.model.generated_access import Case, cases

SESSION = f"arn:aws:sts::{TARGET}:assumed-role/ledger/session"


@pytest.fixture(autouse=True, scope="module")
def role_of_sessions() -> Iterator[None]:
    """Ministack tells a session's role by name: it must know the role's path, and ask for the role."""
    resolve = evaluator._resolve_condition_key  # pyright: ignore[reportPrivateUsage]
    roles = iam._roles  # pyright: ignore[reportPrivateUsage]
    with patch.object(evaluator, "_resolve_condition_key", resolve):
        correct_principal_arn()
        roles.set_scoped(TARGET, None, "ledger", {"Arn": ROLE})
        yield
        roles.pop_scoped(TARGET, None, "ledger")


def of_ministack(case: Case) -> tuple[bool, bool]:
    """Whether ministack allows a request, and whether one of its policies denies it."""
    permissions, request, side = case.permissions, case.request, case.side
    principal = permissions.principal
    known = evaluator.PrincipalInfo(
        SESSION if principal.arn == ROLE else principal.arn,
        principal.kind,
        principal.account,
        [evaluator.parse_policy_document(dict(policy.document)) for policy in permissions.policies],
        {"kms:calleraccount": principal.account} if request.action.startswith("kms:") else {},
        [[evaluator.parse_policy_document(dict(permissions.boundary.document))]] if permissions.boundary else [],
    )
    if principal.is_root:
        known.policies = [[evaluator.ParsedStatement("", "Allow")]]
    context = {key: list(value) if isinstance(value, tuple) else value for key, value in request.context.items()}
    asked = identity.evaluation_context(known, request.action, request.resource, "us-east-1", context)
    assert known.policies is not None
    found = evaluator.evaluate(asked, known.policies, *known.limits)
    if side is not None:
        document = dict(side.policy.document) if side.policy else None
        found = evaluator.combine_resource_policy(
            found, asked, document, side.owner, side.required, tuple(known.limits)
        )
    return found.decision == "Allow", found.decision == "Deny"


@settings(max_examples=400)
@given(cases())
def test_both_decide_alike(case: Case) -> None:
    allowed, denied = of_ministack(case)
    decision = decide(case.permissions, case.request, case.side)
    event("allowed" if allowed else "denied" if denied else "not allowed")
    assert decision.allowed == allowed
    assert bool(decision.deciding) == (allowed or denied)
    assert bool(decision.missing) == (not allowed and not denied)


@settings(max_examples=100)
@given(cases())
def test_a_grant_makes_good_what_policies_leave_out_but_no_deny(case: Case) -> None:
    if case.side is None:
        return
    grant = Grant(case.permissions.principal.arn, frozenset({case.request.action.removeprefix("kms:")}))
    _, denied = of_ministack(case)
    assert decide(case.permissions, case.request, replace(case.side, grants=(grant,))).allowed == (not denied)
