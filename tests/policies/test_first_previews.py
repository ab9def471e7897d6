"""The examples before anything of them is deployed: nothing of them can be taken out or widened unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from policies.rules.rule import Resource
from policies.rules.values import UNKNOWN
from tests.policies.examples import judged, survivors
from tests.policies.first_previews import FirstPreviews, Previewed, first_previews
from tests.policies.mutants import Mutant, mutants

pytestmark = pytest.mark.stack

EXAMPLES = ("landing-zone", "ledger", "payroll", "hardened-linux", "hardened-windows")
REPRESENTATIVES = (
    "kms/key:Key",
    "kms/replicaKey:ReplicaKey",
    "imagebuilder/infrastructureConfiguration:InfrastructureConfiguration",
    "iam/role:Role",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "sqs/queue:Queue",
)
"""Types of which one mutant each goes through the engine."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstPreviews]:
    with first_previews(tmp_path_factory.mktemp("first")) as made:
        yield made


@pytest.fixture(scope="module")
def previews(engine: FirstPreviews) -> dict[str, Previewed]:
    return {stack: engine.preview(stack) for stack in EXAMPLES}


@pytest.mark.parametrize("stack", EXAMPLES)
def test_an_example_passes(previews: dict[str, Previewed], stack: str) -> None:
    assert previews[stack].code == 0, previews[stack].text
    assert judged(previews[stack].resources).violations == ()


@pytest.mark.parametrize("stack", EXAMPLES)
def test_every_mutant_of_an_example_is_refused(previews: dict[str, Previewed], stack: str) -> None:
    made = list(mutants(previews[stack].resources))
    assert survivors(made) == []
    assert len(made) > 50


@pytest.mark.parametrize("kind", REPRESENTATIVES)
def test_the_engine_refuses_a_mutant_for_the_reason_that_is_predicted(
    engine: FirstPreviews, previews: dict[str, Previewed], kind: str
) -> None:
    mutant, changes = representative(previews["ledger"].resources, kind)
    told = engine.preview_worse("ledger", mutant.changed, changes)
    broken = {each.rule for each in judged(mutant.resources).violations}
    assert [rule for rule in broken if rule in told], (mutant.name, broken, told)


def representative(resources: tuple[Resource, ...], kind: str) -> tuple[Mutant, dict[str, Any]]:
    """The first mutant of a type that can be stated, and what is stated otherwise; None for what is left out."""
    stated = {each.urn: each.properties for each in resources}
    for mutant in mutants(resources):
        before, after = stated[mutant.changed.urn], mutant.changed.properties
        changes = {name: after.get(name) for name in before if after.get(name) != before[name]}
        if mutant.changed.type == f"aws:{kind}" and repr(UNKNOWN) not in repr(changes):
            return mutant, changes
    raise AssertionError(f"no mutant of {kind} can be stated")
