"""Published vulnerabilities of some packages: ids, severities and fixed versions are those of the public records."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.cloud.inspection.packages import Package

_DATA = Path(__file__).parent / "vulnerabilities.json"


@dataclass(frozen=True)
class Vulnerability:
    """One record: versions from `first` up to `fixed`, which no longer has it, are affected."""

    id: str
    ecosystem: str
    package: str
    first: str
    fixed: str
    severity: str
    score: float
    title: str

    def affects(self, package: Package) -> bool:
        """Whether a package has the vulnerability."""
        if (package.manager, package.name) != (self.ecosystem, self.package):
            return False
        return _numbers(self.first) <= _numbers(package.version) < _numbers(self.fixed)


@cache
def known() -> tuple[Vulnerability, ...]:
    """All records."""
    records = json.loads(_DATA.read_text(encoding="utf-8"))
    return tuple(
        Vulnerability(
            id=record["id"],
            ecosystem=record["ecosystem"],
            package=record["package"],
            first=record["from"],
            fixed=record["fixed"],
            severity=record["severity"],
            score=record["score"],
            title=record["title"],
        )
        for record in records
    )


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers in their order, trailing zeros left out: 2.0 is 2."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
