"""Whether an image may go on with what a scan of its test instance found.

Source: seed 002, Inspector_Config: more findings of a severity than its number fail the pipeline, unless they are
ignored. Pure: the state machine hands the rules over, the clock is the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "informational", "untriaged")
"""Inspector's severities, the gravest first (Inspector API Reference, Finding)."""


class ScanStatus(StrEnum):
    """What the gate says of an image: it goes on, it fails, or it goes on although it should not."""

    PASSED = "SCAN_PASSED"
    FAILED = "SCAN_FAILED"
    CONTINUED = "SCAN_CONTINUED"


@dataclass(frozen=True)
class Vulnerability:
    """A vulnerability of an image's packages; `severity` is one of `SEVERITIES`."""

    finding: str
    severity: str
    title: str
    packages: tuple[str, ...] = ()
    fix_available: str = "NO"

    def as_dict(self) -> dict[str, Any]:
        """The finding in a report."""
        return {
            "finding": self.finding,
            "severity": self.severity,
            "title": self.title,
            "packages": list(self.packages),
            "fixAvailable": self.fix_available,
        }


@dataclass(frozen=True)
class IgnoredFinding:
    """A finding that a team takes upon itself until a day, that day included (UTC)."""

    finding: str
    reason: str
    expires: date

    def holds(self, today: date) -> bool:
        """Whether the entry still counts."""
        return today <= self.expires

    def as_dict(self) -> dict[str, str]:
        """The entry in a report."""
        return {"finding": self.finding, "reason": self.reason, "expires": self.expires.isoformat()}


@dataclass(frozen=True)
class ScanRules:
    """A product's `scan`; a severity that `maximum` does not name is not limited."""

    maximum: Mapping[str, int]
    ignore: tuple[IgnoredFinding, ...] = ()
    continues: bool = False
    """Whether an image goes on in spite of its findings."""

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> ScanRules:
        """Read what `as_payload` wrote; raises `KeyError` or `ValueError` for anything else."""
        return cls(
            maximum={severity: int(number) for severity, number in payload["maximum"].items()},
            ignore=tuple(
                IgnoredFinding(entry["finding"], entry["reason"], date.fromisoformat(entry["expires"]))
                for entry in payload["ignore"]
            ),
            continues=payload["continues"],
        )

    def as_payload(self) -> dict[str, Any]:
        """The rules as the state machine hands them to the function."""
        return {
            "maximum": dict(self.maximum),
            "ignore": [entry.as_dict() for entry in self.ignore],
            "continues": self.continues,
        }


@dataclass(frozen=True)
class Scan:
    """What a scan of one instance came to; `unscanned` tells why it did not, and then nothing found means nothing."""

    vulnerabilities: tuple[Vulnerability, ...] = ()
    unscanned: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of the image, and why."""

    status: ScanStatus
    reason: str
    counts: Mapping[str, int]
    """Findings that count, by severity."""
    counted: tuple[Vulnerability, ...]
    """Findings that count, the gravest first."""
    ignored: tuple[IgnoredFinding, ...]
    """Entries that took a finding out."""
    expired: tuple[IgnoredFinding, ...]
    """Entries whose day has passed and whose finding counts again."""

    @property
    def passed(self) -> bool:
        """Whether the image goes on."""
        return self.status is not ScanStatus.FAILED


def judge(scan: Scan, rules: ScanRules, today: date) -> Verdict:
    """Hold what was found against a product's rules, on a day in UTC."""
    found = {one.finding for one in scan.vulnerabilities}
    matching = tuple(entry for entry in rules.ignore if entry.finding in found)
    ignored = tuple(entry for entry in matching if entry.holds(today))
    without = {entry.finding for entry in ignored}
    expired = tuple(entry for entry in matching if entry.finding not in without)
    counted = _gravest_first([one for one in scan.vulnerabilities if one.finding not in without])
    numbers = Counter(one.severity for one in counted)
    counts = {severity: numbers[severity] for severity in SEVERITIES}
    over = [
        f"{counts[severity]} {severity}, {rules.maximum[severity]} allowed"
        for severity in SEVERITIES
        if counts[severity] > rules.maximum.get(severity, counts[severity])
    ]
    refusal = "; ".join(over) if scan.unscanned is None else f"the image was not scanned: {scan.unscanned}"
    if not refusal:
        status, reason = ScanStatus.PASSED, "no more findings than allowed"
    else:
        status, reason = ScanStatus.CONTINUED if rules.continues else ScanStatus.FAILED, refusal
    return Verdict(status, reason, counts, counted, ignored, expired)


def _gravest_first(vulnerabilities: Sequence[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple(sorted(vulnerabilities, key=lambda one: (SEVERITIES.index(one.severity), one.finding)))
