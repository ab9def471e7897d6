"""Exceptions from rules: each for named resources, with an owner, a reason and a last day."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import yaml

FIELDS = ("rule", "resource", "owner", "reason", "expires")
STATEMENT = "statement"


@dataclass(frozen=True)
class Waiver:
    """Resources whose names match `resource` (with `*` and `?`) need not keep `rule` until the end of a day.

    `statement` narrows that to the statement of a policy with that Sid.
    """

    rule: str
    resource: str
    owner: str
    reason: str
    expires: date
    statement: str = ""

    @property
    def label(self) -> str:
        """How a reader finds the waiver in its file."""
        about = f", statement {self.statement}" if self.statement else ""
        return f"{self.rule} of {self.resource}{about}"

    def covers(self, rule: str, resource: str, statement: str = "") -> bool:
        """Whether a finding of a rule on a resource is excused."""
        about = self.statement in ("", statement)
        return about and self.rule == rule and fnmatchcase(resource, self.resource)


@dataclass(frozen=True)
class Waivers:
    """The waivers of a file: those in force on a day, and those whose day is over."""

    valid: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()

    def covers(self, rule: str, resource: str, statement: str = "") -> bool:
        """Whether a waiver in force excuses a finding."""
        return self.covering(rule, resource, statement) is not None

    def covering(self, rule: str, resource: str, statement: str = "") -> Waiver | None:
        """The waiver in force that excuses a finding."""
        return next((waiver for waiver in self.valid if waiver.covers(rule, resource, statement)), None)


NONE = Waivers()


def read_waivers(file: Path, today: date, rules: Collection[str]) -> Waivers:
    """The waivers of a file for some rules, by their names; none where there is no file.

    Raises `SystemExit` with everything that is wrong in it: a waiver that cannot be read excuses nothing.
    """
    if not file.exists():
        return NONE
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SystemExit(f"{file.name} is not readable YAML: {error}") from None
    listed: Any = cast(dict[str, Any], content).get("waivers") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise SystemExit(f"{file.name}: `waivers` must be a list, each with {', '.join(FIELDS)}")
    entries = cast(list[Any], listed)
    problems = [f"{file.name}: waiver {place}: {text}" for place, text in _problems(entries, rules)]
    if problems:
        raise SystemExit("\n".join(problems))
    waivers = tuple(Waiver(**entry) for entry in entries)
    return Waivers(
        tuple(waiver for waiver in waivers if waiver.expires >= today),
        tuple(waiver for waiver in waivers if waiver.expires < today),
    )


def _problems(entries: list[Any], rules: Collection[str]) -> Iterator[tuple[int, str]]:
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            yield place, f"must state {', '.join(FIELDS)}"
            continue
        stated = cast(dict[str, Any], entry)
        for name in FIELDS:
            value: Any = stated.get(name)
            if name == "expires":
                if type(value) is not date:
                    yield place, f"expires: must be a day such as 2027-01-31, got {value!r}"
            elif not isinstance(value, str) or not value.strip():
                yield place, f"{name}: must be a text, got {value!r}"
        if not isinstance(stated.get(STATEMENT, ""), str):
            yield place, f"statement: must be a text, got {stated[STATEMENT]!r}"
        if isinstance(rule := stated.get("rule"), str) and rule not in rules:
            yield place, f"rule: {rule!r} is none of the pack's; `make policies` lists them"
        for name in sorted(stated.keys() - {*FIELDS, STATEMENT}):
            yield place, f"{name}: is not known; state {', '.join((*FIELDS, STATEMENT))}"
        if isinstance(pattern := stated.get("resource"), str) and pattern.strip("*?") == "":
            yield place, "resource: would excuse everything; name the resources"
