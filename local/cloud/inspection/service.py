"""The operations of Amazon Inspector.

Nothing is scanned ahead: coverage and findings are read off the running instances and their files when asked.
Source: Inspector API Reference, Enable, Disable, BatchGetAccountStatus, ListCoverage, ListFindings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.inspection.packages import Package, packages
from local.cloud.inspection.vulnerabilities import Vulnerability, known
from local.cloud.service import Operation
from local.cloud.service_linked_roles import ServiceLinkedRoles

SERVICES = ("inspector2.amazonaws.com", "agentless.inspector2.amazonaws.com")
"""Whose roles Inspector makes when scans of EC2 are enabled."""

EC2, PACKAGE_VULNERABILITY = "EC2", "PACKAGE_VULNERABILITY"

_OF_FINDING: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "awsAccountId": lambda finding: finding["awsAccountId"],
    "findingStatus": lambda finding: finding["status"],
    "findingType": lambda finding: finding["type"],
    "resourceId": lambda finding: finding["resources"][0]["id"],
    "severity": lambda finding: finding["severity"],
    "vulnerabilityId": lambda finding: finding["packageVulnerabilityDetails"]["vulnerabilityId"],
}
_OF_COVERAGE: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "accountId": lambda covered: covered["accountId"],
    "resourceId": lambda covered: covered["resourceId"],
    "resourceType": lambda covered: covered["resourceType"],
    "scanStatusCode": lambda covered: covered["scanStatus"]["statusCode"],
    "scanStatusReason": lambda covered: covered["scanStatus"]["reason"],
    "scanType": lambda covered: covered["scanType"],
}


class Inspector:
    """Scans of EC2 instances that Systems Manager manages, which here are those that have files."""

    name = "inspector2"
    whole = True

    def __init__(self, gateway: Gateway, roles: ServiceLinkedRoles, tree_of: Callable[[str], Path | None]) -> None:
        """`tree_of` tells where the files of an instance lie; None for one that has none."""
        self._gateway = gateway
        self._roles = roles
        self._tree_of = tree_of
        self._enabled: set[tuple[str, str]] = set()
        self.operations: Mapping[str, Operation] = {
            "Enable": self._enable,
            "Disable": self._disable,
            "BatchGetAccountStatus": self._status,
            "ListCoverage": self._coverage,
            "ListFindings": self._findings,
        }

    def resource_of(self, call: Call) -> str:
        """None of the operations has a resource level (Service Authorization Reference, Amazon Inspector2)."""
        del call
        return "*"

    def reset(self) -> None:
        """Forget everything."""
        self._enabled.clear()

    def _enable(self, call: Call) -> dict[str, Any]:
        account = self._own_account(call)
        others = sorted(set(call.parameters["resourceTypes"]) - {EC2})
        if others:
            raise _invalid(f"The local cloud scans EC2 instances only, not {', '.join(others)}.")
        for service in SERVICES:
            if not self._roles.exists(account, service):
                self._roles.authorize(call.caller, service, call.region)
                self._roles.make(account, service)
        self._enabled.add((account, call.region))
        return {"accounts": [self._account(account, call.region)], "failedAccounts": []}

    def _disable(self, call: Call) -> dict[str, Any]:
        account = self._own_account(call)
        self._enabled.discard((account, call.region))
        return {"accounts": [self._account(account, call.region)], "failedAccounts": []}

    def _own_account(self, call: Call) -> str:
        account = call.caller.account
        if call.parameters.get("accountIds") not in (None, [], [account]):
            raise _invalid("The local cloud has no delegated administrator of Inspector: name your own account only.")
        return account

    def _account(self, account: str, region: str) -> dict[str, Any]:
        status = "ENABLED" if (account, region) in self._enabled else "DISABLED"
        others = {kind: "DISABLED" for kind in ("ecr", "lambda", "lambdaCode", "codeRepository")}
        return {"accountId": account, "status": status, "resourceStatus": {"ec2": status, **others}}

    def _status(self, call: Call) -> dict[str, Any]:
        found = self._account(self._own_account(call), call.region)
        states = {kind: {"status": status, **_no_error()} for kind, status in found["resourceStatus"].items()}
        state = {"status": found["status"], **_no_error()}
        account = {"accountId": found["accountId"], "state": state, "resourceState": states}
        return {"accounts": [account], "failedAccounts": []}

    def _coverage(self, call: Call) -> dict[str, Any]:
        entries = [self._covered(call, instance) for instance in self._running(call)]
        entries = _filtered(entries, call.parameters.get("filterCriteria") or {}, _OF_COVERAGE)
        return _page(entries, call.parameters, "coveredResources")

    def _covered(self, call: Call, instance: str) -> dict[str, Any]:
        managed = self._tree_of(instance) is not None
        status = ("ACTIVE", "SUCCESSFUL") if managed else ("INACTIVE", "UNMANAGED_EC2_INSTANCE")
        entry: dict[str, Any] = {
            "accountId": call.caller.account,
            "resourceId": instance,
            "resourceType": "AWS_EC2_INSTANCE",
            "scanType": "PACKAGE",
            "scanStatus": dict(zip(("statusCode", "reason"), status, strict=True)),
        }
        return {**entry, "lastScannedAt": self._gateway.clock.now()} if managed else entry

    def _findings(self, call: Call) -> dict[str, Any]:
        entries = [finding for instance in self._running(call) for finding in self._of_instance(call, instance)]
        entries = _filtered(entries, call.parameters.get("filterCriteria") or {}, _OF_FINDING)
        return _page(entries, call.parameters, "findings")

    def _running(self, call: Call) -> list[str]:
        """Ids of the account's running instances; none where scans are not enabled."""
        account = call.caller.account
        if (account, call.region) not in self._enabled:
            return []
        ec2 = self._gateway.root_client("ec2", account, call.region)
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        pages = ec2.get_paginator("describe_instances").paginate(Filters=running)
        return [one["InstanceId"] for page in pages for entry in page["Reservations"] for one in entry["Instances"]]

    def _of_instance(self, call: Call, instance: str) -> Iterator[dict[str, Any]]:
        tree = self._tree_of(instance)
        if tree is None:
            return
        present = list(packages(tree))
        for vulnerability in known():
            affected = [package for package in present if vulnerability.affects(package)]
            if affected:
                yield _finding(call, instance, vulnerability, affected, self._gateway.clock.now())


def _finding(
    call: Call, instance: str, vulnerability: Vulnerability, affected: list[Package], now: datetime
) -> dict[str, Any]:
    account, region = call.caller.account, call.region
    number = hashlib.md5(f"{instance} {vulnerability.id}".encode(), usedforsecurity=False).hexdigest()
    return {
        "findingArn": f"arn:aws:inspector2:{region}:{account}:finding/{number}",
        "awsAccountId": account,
        "type": PACKAGE_VULNERABILITY,
        "title": f"{vulnerability.id} - {', '.join(sorted({package.name for package in affected}))}",
        "description": vulnerability.title,
        "remediation": {"recommendation": {"text": "None Provided"}},
        "severity": vulnerability.severity,
        "inspectorScore": vulnerability.score,
        "firstObservedAt": now,
        "lastObservedAt": now,
        "updatedAt": now,
        "status": "ACTIVE",
        "fixAvailable": "YES",
        "resources": [{"type": "AWS_EC2_INSTANCE", "id": instance, "region": region, "partition": "aws"}],
        "packageVulnerabilityDetails": {
            "vulnerabilityId": vulnerability.id,
            "source": "NVD",
            "sourceUrl": f"https://nvd.nist.gov/vuln/detail/{vulnerability.id}",
            "vulnerablePackages": [
                {
                    "name": package.name,
                    "version": package.version,
                    "packageManager": package.manager,
                    "filePath": package.path,
                    "fixedInVersion": vulnerability.fixed,
                }
                for package in affected
            ],
        },
    }


def _no_error() -> dict[str, str]:
    return {"errorCode": "", "errorMessage": ""}


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _filtered(
    entries: list[dict[str, Any]],
    criteria: Mapping[str, list[dict[str, str]]],
    known_criteria: Mapping[str, Callable[[dict[str, Any]], str]],
) -> list[dict[str, Any]]:
    """Entries that fit every criterion, of whose values one has to fit; raises `ServiceError` for what is not done."""
    for name, conditions in criteria.items():
        if name not in known_criteria or any(one["comparison"] != "EQUALS" for one in conditions):
            raise _invalid(f"The local cloud filters with EQUALS by {', '.join(known_criteria)}, not by {name}.")
        values = {one["value"] for one in conditions}
        entries = [entry for entry in entries if known_criteria[name](entry) in values]
    return entries


def _page(entries: list[dict[str, Any]], parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    start, size = int(parameters.get("nextToken") or 0), int(parameters.get("maxResults") or 100)
    answer: dict[str, Any] = {name: entries[start : start + size]}
    return {**answer, "nextToken": str(start + size)} if start + size < len(entries) else answer
