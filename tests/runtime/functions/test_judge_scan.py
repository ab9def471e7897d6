"""What Inspector is asked about an instance, and what a team is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from runtime.functions.inspection import scan_of
from runtime.functions.reports import Topic
from runtime.functions.scan_report import report_scan
from runtime.functions.scan_verdict import IgnoredFinding, Scan, ScanRules, Vulnerability, judge
from tests.runtime.fakes import FakeTopic

INSTANCE, IMAGE = "i-0123456789abcdef0", "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1"
OPERATIONS = {"list_coverage": "ListCoverage", "list_findings": "ListFindings"}


def covered(status: str, reason: str, scan_type: str = "PACKAGE") -> dict[str, Any]:
    return {"scanType": scan_type, "scanStatus": {"statusCode": status, "reason": reason}}


def finding(vulnerability: str, severity: str) -> dict[str, Any]:
    package = {"name": "requests", "version": "2.28.0"}
    details = {"vulnerabilityId": vulnerability, "vulnerablePackages": [package, package]}
    return {"severity": severity, "title": "a title", "packageVulnerabilityDetails": details, "fixAvailable": "YES"}


@dataclass
class FakeInspector:
    """Inspector with what it covers and has found, a page each, whose requests fit its service model."""

    coverage: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    findings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    asked: dict[str, Any] = field(default_factory=dict[str, Any])

    def get_paginator(self, operation: str) -> FakePaginator:
        return FakePaginator(self, operation)


@dataclass
class FakePaginator:
    inspector: FakeInspector
    operation: str

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        shape = get_session().get_service_model("inspector2").operation_model(OPERATIONS[self.operation]).input_shape
        assert shape is not None
        assert not ParamValidator().validate(request, shape).has_errors()
        self.inspector.asked[self.operation] = request["filterCriteria"]
        if self.operation == "list_coverage":
            return [{"coveredResources": [entry]} for entry in self.inspector.coverage] or [{"coveredResources": []}]
        return [{"findings": [entry]} for entry in self.inspector.findings]


def test_a_scan_is_what_inspector_found_in_the_packages_of_the_instance() -> None:
    inspector = FakeInspector([covered("ACTIVE", "SUCCESSFUL")], [finding("CVE-1", "HIGH"), finding("CVE-2", "LOW")])
    scan = scan_of(INSTANCE, inspector)
    assert scan.unscanned is None
    assert scan.vulnerabilities == (
        Vulnerability("CVE-1", "high", "a title", ("requests 2.28.0",), "YES"),
        Vulnerability("CVE-2", "low", "a title", ("requests 2.28.0",), "YES"),
    )
    of_instance = [{"comparison": "EQUALS", "value": INSTANCE}]
    assert inspector.asked["list_coverage"] == {"resourceId": of_instance}
    assert inspector.asked["list_findings"] == {
        "resourceId": of_instance,
        "findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}],
        "findingType": [{"comparison": "EQUALS", "value": "PACKAGE_VULNERABILITY"}],
    }


def test_an_instance_that_inspector_does_not_know_was_not_scanned() -> None:
    unscanned = scan_of(INSTANCE, FakeInspector()).unscanned
    assert unscanned == f"Inspector says of {INSTANCE}: nothing; it may not be enabled for EC2"


def test_an_instance_that_is_covered_but_not_scanned_yet_was_not_scanned() -> None:
    inspector = FakeInspector([covered("ACTIVE", "PENDING_INITIAL_SCAN"), covered("ACTIVE", "SUCCESSFUL", "NETWORK")])
    assert scan_of(INSTANCE, inspector).unscanned == f"Inspector says of {INSTANCE}: ACTIVE, PENDING_INITIAL_SCAN"


def test_a_report_tells_counts_findings_and_the_entries_that_were_ignored_or_have_expired() -> None:
    sns = FakeTopic()
    held = IgnoredFinding("CVE-1", "not reachable", date(2027, 2, 1))
    expired = IgnoredFinding("CVE-2", "waits for a fix", date(2027, 1, 1))
    found = tuple(Vulnerability(f"CVE-{number}", "high", "a title") for number in (1, 2, 3))
    verdict = judge(Scan(found), ScanRules({"high": 1}, (held, expired)), date(2027, 1, 31))
    report_scan(verdict, IMAGE, Topic("topic", "ledger", sns))  # pyright: ignore[reportArgumentType]
    (message,) = sns.messages
    assert message["subject"] == "golden-ami ledger: scan failed the image"
    assert (message["status"], message["reason"]) == ("SCAN_FAILED", "2 high, 1 allowed")
    assert (message["image"], message["counts"]["high"], message["total"]) == (IMAGE, 2, 2)
    assert [entry["finding"] for entry in message["findings"]] == ["CVE-2", "CVE-3"]
    assert message["ignored"] == [{"finding": "CVE-1", "reason": "not reachable", "expires": "2027-02-01"}]
    assert message["expired"] == [{"finding": "CVE-2", "reason": "waits for a fix", "expires": "2027-01-01"}]
