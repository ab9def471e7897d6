"""A pytest plugin that counts what the tests of the rules showed each of them, and writes it to a file as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES
from policies.rules.rule import Resource, ResourceRule, StackRule
from policies.rules.values import Finding
from tests.policies.verdict import BROKEN, KEPT, PENDING, of

OPTION = "--recorded-cases"
RULES: tuple[ResourceRule | StackRule, ...] = (*RESOURCE_RULES, *STACK_RULES)


@dataclass(frozen=True)
class Counts:
    """How many different resources, or stacks of them, were shown to a rule, by what it said.

    What is `missing` has fewer properties or resources than something else that the rule was shown.
    """

    kept: int
    broken: int
    pending: int
    missing: int


@dataclass
class Cases:
    """What one rule was shown, by its verdict: the text of each case, and the paths of its properties."""

    paths: dict[str, dict[str, frozenset[str]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, resources: tuple[Resource, ...], verdict: str) -> None:
        """Remember one case."""
        shown = sorted((each.type, *_lines(each.properties)) for each in resources)
        self.paths[verdict][repr((shown, [each.protected for each in resources]))] = frozenset(
            line.partition(" = ")[0] for lines in shown for line in lines
        )

    def counts(self) -> Counts:
        """What the cases come to."""
        every = {text: paths for cases in self.paths.values() for text, paths in cases.items()}
        missing = [text for text, paths in every.items() if any(paths < others for others in every.values())]
        kept, broken, pending = (len(self.paths[word]) for word in (KEPT, BROKEN, PENDING))
        return Counts(kept, broken, pending, len(missing))


class Recorder:
    """Stands between the tests and the rules for one run of pytest."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.cases: dict[str, Cases] = {rule.name: Cases() for rule in RULES}

    def watch(self) -> None:
        """Have every rule tell what it is shown."""
        for rule in RULES:
            for name in ("check", "configured"):
                if (check := getattr(rule, name)) is not None:
                    # Rules are frozen, and tests hold these very objects.
                    object.__setattr__(rule, name, self._recording(rule.name, check))

    def pytest_sessionfinish(self) -> None:
        """Write the counts of every rule."""
        counts = {name: asdict(cases.counts()) for name, cases in self.cases.items()}
        self.file.write_text(json.dumps(counts), encoding="utf-8")

    def _recording(self, rule: str, check: Callable[..., Iterator[Finding]]) -> Callable[..., Iterator[Finding]]:
        def recorded(shown: Resource | tuple[Resource, ...], *more: Any) -> Iterator[Finding]:
            found = list(check(shown, *more))
            self.cases[rule].add(shown if isinstance(shown, tuple) else (shown,), of(found))
            return iter(found)

        return recorded


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file to write to."""
    parser.addoption(OPTION, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the rules from the start of the run."""
    recorder = Recorder(Path(str(config.getoption(OPTION))))
    recorder.watch()
    config.pluginmanager.register(recorder)


def _lines(value: Any, above: str = "") -> Iterator[str]:
    if isinstance(value, dict) and (value or not above):
        for key, entry in value.items():
            yield from _lines(entry, f"{above}.{key}")
    elif isinstance(value, list) and value:
        for entry in value:
            yield from _lines(entry, f"{above}[]")
    elif value is not None:
        yield f"{above} = {value!r}"
