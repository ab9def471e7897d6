"""What a scan of the finished image may find (seed 002, inspector_validation and Inspector_Config).

Amazon Inspector scans the test instance; a gate of ours judges what it found and fails the image, or lets it go on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.fields import Day, FileModel, refuse, stated_twice

VulnerabilityId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]{2,127}$")]
"""A vulnerability as Inspector calls it: `CVE-2021-44228`, `GHSA-…`, `ALAS2023-…`."""

Number = Annotated[int, Field(ge=0, le=100_000)]


class OnFindings(StrEnum):
    """What becomes of an image with more findings than allowed, or that could not be scanned."""

    FAIL = "fail"
    CONTINUE = "continue"


class Maximum(FileModel):
    """Findings that an image may have, by severity; one more fails it.

    Source: seed 002, high_severity_findings_threshold; Inspector API Reference, Finding.
    """

    critical: Number | None = None
    """Critical findings allowed, 100,000 at most; left out, not limited."""
    high: Number | None = None
    """High findings allowed, 100,000 at most; left out, not limited (seed 002: high_severity_findings_threshold)."""
    medium: Number | None = None
    """Medium findings allowed, 100,000 at most; left out, not limited."""
    low: Number | None = None
    """Low findings allowed, 100,000 at most; left out, not limited."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if not self.numbers:
            raise ValueError("states no severity; state at least one of critical, high, medium and low")
        return self

    @property
    def numbers(self) -> dict[str, int]:
        """The numbers by severity, where they are stated."""
        return self.model_dump(exclude_none=True)


class IgnoredFinding(FileModel):
    """A finding that does not count until a day.

    Source: seed 002, ignore_findings, for single findings; Inspector API Reference, PackageVulnerabilityDetails.
    """

    finding: VulnerabilityId
    """The vulnerability as Inspector calls it, such as `CVE-2021-44228`."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\r\n]+$")]
    """Why it does not matter in this image, in one line of at most 500 characters."""
    expires: Day
    """Last day in UTC on which it does not count; from the next on it counts again and is reported as expired."""


class Scan(FileModel):
    """Scans the finished image with Amazon Inspector before it is distributed (seed 002: inspector_validation)."""

    maximum: Maximum
    """Findings allowed by severity; one more fails the image, as in the seed."""
    ignore: Annotated[tuple[IgnoredFinding, ...], Field(max_length=200)] = ()
    """Findings that do not count, each with reason and last day; 200 at most."""
    on_findings: OnFindings = OnFindings.FAIL
    """`fail`, or `continue`: the image is reported and distributed all the same (seed 002: ignore_findings `yes`)."""

    @model_validator(mode="after")
    def _ignores_each_once(self) -> Self:
        refuse(stated_twice(("ignore",), [entry.finding for entry in self.ignore]))
        return self

    @property
    def rules(self) -> dict[str, Any]:
        """What the function that judges reads."""
        return {
            "maximum": self.maximum.numbers,
            "ignore": [entry.model_dump(mode="json") for entry in self.ignore],
            "continues": self.on_findings is OnFindings.CONTINUE,
        }
