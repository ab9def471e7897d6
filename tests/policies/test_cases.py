"""The tests of the rules, counted: what each rule must have been shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from policies.rules import kms
from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES
from policies.rules.rule import Resource
from tests.policies import recorded_cases
from tests.policies.recorded_cases import OPTION, Cases, Counts
from tests.policies.verdict import BROKEN, KEPT, PENDING

HERE = Path(__file__).parent
OPTIONS = {kms.require_protection.name}
"""Rules about an option of the engine, which is no property: it is neither missing nor unknown."""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counts]:
    """What the other tests of this folder show the rules."""
    file = tmp_path_factory.mktemp("cases") / "counts.json"
    # Whole programs are no cases that somebody chose for a rule.
    left_out = [f"--ignore={HERE / name}" for name in (Path(__file__).name, "test_program.py")]
    run = [sys.executable, "-m", "pytest", "-q", "-p", recorded_cases.__name__, OPTION, str(file), "-m", "not stack"]
    answer = subprocess.run([*run, *left_out, str(HERE)], cwd=HERE.parents[1], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr
    return {name: Counts(**found) for name, found in json.loads(file.read_text(encoding="utf-8")).items()}


def test_every_rule_is_shown_two_that_pass_two_that_fail_one_that_lacks_something_and_one_unknown(
    counts: dict[str, Counts],
) -> None:
    assert list(counts) == [rule.name for rule in (*RESOURCE_RULES, *STACK_RULES)]
    assert {name: found for name, found in counts.items() if found.kept < 2 or found.broken < 2} == {}
    properties = {name: found for name, found in counts.items() if name not in OPTIONS}
    assert {name: found for name, found in properties.items() if not found.missing or not found.pending} == {}


def shown(**properties: object) -> tuple[Resource, ...]:
    return (Resource("tested", "tested", dict(properties)),)


def test_the_same_case_counts_once_and_one_that_lacks_something_is_known() -> None:
    cases = Cases()
    cases.add(shown(a=1), KEPT)
    cases.add(shown(a=1), KEPT)
    cases.add(shown(a=2), BROKEN)
    cases.add(shown(b={"c": 1}), PENDING)
    assert cases.counts() == Counts(kept=1, broken=1, pending=1, missing=0)
    cases.add(shown(b={}), BROKEN)
    cases.add(shown(), BROKEN)
    assert cases.counts() == Counts(kept=1, broken=3, pending=1, missing=1)
