"""What is deployed of the examples keeps every rule, and no setting of it can be taken out or widened unnoticed."""

from __future__ import annotations

from datetime import date

import pytest

from commands.audit import PACK
from policies.rules.exported import exported_resources
from policies.rules.judgement import judgements, rule_names
from policies.rules.landing_zone import landing_zone_configuration
from policies.rules.rule import Resource
from policies.rules.waivers import Waivers, read_waivers
from tests.policies.mutants import mutants
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack

LANDING_ZONE = landing_zone_configuration(PACK)


@pytest.fixture(scope="module")
def waivers() -> Waivers:
    return read_waivers(PACK / "waivers.yaml", date(2026, 12, 1), rule_names())


@pytest.fixture(scope="module")
def plans(world: World, payroll_image: Deployed) -> dict[str, tuple[Resource, ...]]:
    """Each example's stack with every value known, one of them with what a refresh adds to it."""
    world.stacks.refresh("ledger")
    return {stack: exported_resources(world.stacks.export(stack)) for stack in ("landing-zone", "ledger", "payroll")}


def test_the_examples_keep_every_rule_but_for_what_is_waived(
    plans: dict[str, tuple[Resource, ...]], waivers: Waivers
) -> None:
    found = [judgements(plan, LANDING_ZONE, waivers) for plan in plans.values()]
    assert [each for judged in found for each in (*judged.violations, *judged.pending)] == []
    used = {each.waiver for judged in found for each in judged.waived}
    assert [waiver for waiver in waivers.valid if waiver not in used] == []


@pytest.mark.parametrize("stack", ["hardened-linux", "hardened-windows"])
def test_an_example_that_is_new_is_previewed_without_a_violation(world: World, stack: str) -> None:
    assert world.stacks.preview(stack) == 0


@pytest.mark.parametrize("stack", ["landing-zone", "ledger", "payroll"])
def test_every_mutant_of_an_example_is_refused(
    plans: dict[str, tuple[Resource, ...]], waivers: Waivers, stack: str
) -> None:
    made = list(mutants(plans[stack]))
    survivors = [mutant.name for mutant in made if not judgements(mutant.resources, LANDING_ZONE, waivers).violations]
    assert survivors == []
    assert len(made) > 50
