"""What is deployed of the examples keeps every rule, and no setting of it can be taken out or widened unnoticed."""

from __future__ import annotations

import pytest

from policies.rules.exported import exported_resources
from policies.rules.rule import Resource
from tests.policies.examples import WAIVERS, judged, survivors
from tests.policies.mutants import mutants
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def plans(world: World, payroll_image: Deployed) -> dict[str, tuple[Resource, ...]]:
    """Each example's stack with every value known, one of them with what a refresh adds to it."""
    world.stacks.refresh("ledger")
    return {stack: exported_resources(world.stacks.export(stack)) for stack in ("landing-zone", "ledger", "payroll")}


def test_the_examples_keep_every_rule_but_for_what_is_waived(plans: dict[str, tuple[Resource, ...]]) -> None:
    found = [judged(plan) for plan in plans.values()]
    assert [each for stack in found for each in (*stack.violations, *stack.pending)] == []
    used = {each.waiver for stack in found for each in stack.waived}
    assert [waiver for waiver in WAIVERS.valid if waiver not in used] == []


@pytest.mark.parametrize("stack", ["hardened-linux", "hardened-windows"])
def test_an_example_that_is_new_is_previewed_without_a_violation(world: World, stack: str) -> None:
    assert world.stacks.preview(stack) == 0


@pytest.mark.parametrize("stack", ["landing-zone", "ledger", "payroll"])
def test_every_mutant_of_an_example_is_refused(plans: dict[str, tuple[Resource, ...]], stack: str) -> None:
    made = list(mutants(plans[stack]))
    assert survivors(made) == []
    assert len(made) > 50
