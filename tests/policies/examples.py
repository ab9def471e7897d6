"""How the repository's own stacks are judged, on a day of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from commands.audit import PACK, pack_waivers
from policies.rules.judgement import Judgements, judgements
from policies.rules.landing_zone import landing_zone_configuration
from policies.rules.rule import Resource
from tests.policies.mutants import Mutant

WAIVERS = pack_waivers(date(2026, 12, 1))
LANDING_ZONE = landing_zone_configuration(PACK)


def judged(resources: tuple[Resource, ...]) -> Judgements:
    """A stack by every rule, with the landing zone's facts and the pack's waivers."""
    return judgements(resources, LANDING_ZONE, WAIVERS)


def survivors(mutants: Iterable[Mutant]) -> list[str]:
    """The names of mutants that break no rule."""
    return [mutant.name for mutant in mutants if not judged(mutant.resources).violations]
