"""Findings of images: what Inspector found on test instances, kept after those are gone.

Source: API Reference, ListImageScanFindings; User Guide, "Manage security findings for Image Builder images".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import AWS_ERRORS, Context, reason_of
from local.cloud.image_builder.runs import Run, Runs
from local.cloud.image_builder.store import Record, page
from local.cloud.image_builder.workflow_documents import WorkflowError

_KEPT = (
    "awsAccountId", "description", "firstObservedAt", "fixAvailable", "inspectorScore", "packageVulnerabilityDetails",
    "remediation", "severity", "title", "type", "updatedAt",
)  # fmt: skip

_FILTERS: Mapping[str, Callable[[Record], Any]] = {
    "imageBuildVersionArn": lambda finding: finding["imageBuildVersionArn"],
    "imagePipelineArn": lambda finding: finding.get("imagePipelineArn"),
    "vulnerabilityId": lambda finding: finding["packageVulnerabilityDetails"]["vulnerabilityId"],
    "severity": lambda finding: finding["severity"],
}


class ScanFindings:
    """The operation on findings."""

    def __init__(self, context: Context, runs: Runs) -> None:
        self._context = context
        self._runs = runs
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {"ListImageScanFindings": self.list}

    def list(self, call: Call) -> dict[str, Any]:
        """ListImageScanFindings."""
        runs = self._runs.of_account(call.caller.account, call.region)
        entries = [finding for run in runs for finding in run.findings]
        for condition in call.parameters.get("filters") or []:
            name, values = condition["name"], condition["values"]
            if name not in _FILTERS:
                raise errors.invalid_value("filters", f"'{name}' is none of {', '.join(_FILTERS)}.")
            entries = [finding for finding in entries if _FILTERS[name](finding) in values]
        return page(entries, call.parameters, "findings")


def collect_findings(context: Context, run: Run, instance: str, inspector: Any) -> int:
    """Keep what Inspector has of an instance with its image; returns how many findings there are.

    Raises:
        WorkflowError: Inspector has not scanned the instance.
        ClientError: The execution role may not ask.
    """
    _change(context, run, "SCANNING")
    criteria = {"resourceId": [{"comparison": "EQUALS", "value": instance}]}
    try:
        covered = inspector.list_coverage(filterCriteria=criteria)["coveredResources"]
        if not any(entry["scanStatus"]["statusCode"] == "ACTIVE" for entry in covered):
            raise WorkflowError(f"Amazon Inspector does not scan the instance {instance}.")
        _change(context, run, "COLLECTING")
        pages = inspector.get_paginator("list_findings").paginate(filterCriteria=criteria)
        found = [finding for one in pages for finding in one["findings"]]
    except (*AWS_ERRORS, WorkflowError) as error:
        _change(context, run, "FAILED", reason_of(error))
        raise
    owner = {"imageBuildVersionArn": run.arn}
    if run.record.get("sourcePipelineArn"):
        owner["imagePipelineArn"] = run.record["sourcePipelineArn"]
    run.findings = [{**{key: one[key] for key in _KEPT if key in one}, **owner} for one in found]
    _change(context, run, "COMPLETED")
    return len(found)


def _change(context: Context, run: Run, status: str, reason: str | None = None) -> None:
    with context.store.lock:
        run.record["scanState"] = {"status": status, **({"reason": reason} if reason else {})}
