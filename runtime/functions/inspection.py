"""What Inspector says of one instance: whether it was scanned, and which vulnerabilities its packages have.

Source: Inspector API Reference, ListCoverage and ListFindings.
"""

from __future__ import annotations

from typing import Any

from runtime.functions.scan_verdict import Scan, Vulnerability


def scan_of(instance: str, inspector: Any) -> Scan:
    """The scan of an instance, as an Inspector client reads it."""
    return Scan(_vulnerabilities(instance, inspector), _unscanned(instance, inspector))


def _unscanned(instance: str, inspector: Any) -> str | None:
    """Why Inspector has not scanned an instance; None where it has. No findings alone do not tell."""
    criteria = {"resourceId": [{"comparison": "EQUALS", "value": instance}]}
    pages = inspector.get_paginator("list_coverage").paginate(filterCriteria=criteria)
    covered = [entry for page in pages for entry in page["coveredResources"] if entry["scanType"] == "PACKAGE"]
    statuses = [entry.get("scanStatus", {}) for entry in covered]
    if any((one.get("statusCode"), one.get("reason")) == ("ACTIVE", "SUCCESSFUL") for one in statuses):
        return None
    reasons = [f"{one.get('statusCode', 'INACTIVE')}, {one.get('reason', 'no reason given')}" for one in statuses]
    return f"Inspector says of {instance}: {'; '.join(reasons) or 'nothing; it may not be enabled for EC2'}"


def _vulnerabilities(instance: str, inspector: Any) -> tuple[Vulnerability, ...]:
    criteria = {
        "resourceId": [{"comparison": "EQUALS", "value": instance}],
        "findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}],
        # Network reachability is of the test instance's subnet, not of the image.
        "findingType": [{"comparison": "EQUALS", "value": "PACKAGE_VULNERABILITY"}],
    }
    pages = inspector.get_paginator("list_findings").paginate(filterCriteria=criteria)
    return tuple(_vulnerability(finding) for page in pages for finding in page["findings"])


def _vulnerability(finding: dict[str, Any]) -> Vulnerability:
    details = finding["packageVulnerabilityDetails"]
    packages = [f"{one['name']} {one['version']}" for one in details.get("vulnerablePackages", [])]
    return Vulnerability(
        finding=details["vulnerabilityId"],
        severity=finding["severity"].lower(),
        title=finding.get("title", ""),
        packages=tuple(dict.fromkeys(packages)),
        fix_available=finding.get("fixAvailable", "NO"),
    )
