"""What a product's team is told on its topic beside how builds end: of uploads, and of images that were removed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

    from runtime.functions.findings import Finding
    from runtime.functions.uploads import OvertakenUpload

SUBJECT_MAXIMUM = 100
"""Characters of a message's subject (SNS API Reference, Publish)."""

ENTRIES_MAXIMUM = 100
"""Entries of a report's list; SNS takes 262,144 bytes, and nobody reads more at once."""


class UploadStatus(StrEnum):
    """What became of an upload before any build; the states of a build itself are Image Builder's."""

    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"
    WARNING = "WARNING"


class SweepStatus(StrEnum):
    """What became of a sweep."""

    SWEPT = "SWEPT"
    SWEEP_FAILED = "SWEEP_FAILED"


@dataclass(frozen=True)
class Topic:
    """A product's topic; the attribute `status` lets a subscriber filter."""

    arn: str
    product: str
    sns: SNSClient

    def publish(self, subject: str, status: str, body: dict[str, Any]) -> None:
        """Report once more what may have been reported before: SNS delivers at least once anyway."""
        self.sns.publish(
            TopicArn=self.arn,
            Subject=f"golden-ami {self.product}: {subject}"[:SUBJECT_MAXIMUM],
            Message=json.dumps({"product": self.product, "status": status, **body}, indent=2),
            MessageAttributes={"status": {"DataType": "String", "StringValue": status}},
        )

    def findings(self, status: UploadStatus, manifest_sha256: str, findings: Sequence[Finding]) -> None:
        """Report what was found in uploaded files: file, line and rule, never a secret."""
        subject = "upload refused" if status is UploadStatus.REFUSED else "upload built with warnings"
        body = {
            "reason": "; ".join(reason(finding) for finding in findings[:10]),
            "manifestSha256": manifest_sha256,
            "findings": [
                {"path": one.path, "line": one.line, "rule": one.rule, "message": one.message}
                for one in findings[:ENTRIES_MAXIMUM]
            ],
            "total": len(findings),
        }
        self.publish(subject, status, body)

    def superseded(self, overtaken: Sequence[OvertakenUpload]) -> None:
        """Report versions that are never built, because newer ones came while they waited."""
        body = {
            "reason": "newer versions came while these waited; the newest are built",
            "uploads": [
                {"path": one.path, "scriptVersionId": one.version_id, "supersededBy": one.by}
                for one in overtaken[:ENTRIES_MAXIMUM]
            ],
            "total": len(overtaken),
        }
        self.publish(f"{len(overtaken)} uploads superseded", UploadStatus.SUPERSEDED, body)

    def swept(self, found: dict[str, Any]) -> None:
        """Report what a sweep removed, and where it could not look or remove: first entries and numbers of all."""
        failed = found["failed"]
        status = SweepStatus.SWEEP_FAILED if failed else SweepStatus.SWEPT
        listed = {name: entries[:ENTRIES_MAXIMUM] for name, entries in found.items()}
        totals = {name: len(entries) for name, entries in found.items()}
        reasons = [f"{one['account']} in {one['region']}: {one['reason']}" for one in failed[:10]]
        body = {"reason": "; ".join(reasons) or None, **listed, "totals": totals}
        self.publish(f"{totals['amis']} AMIs removed", status, body)


def reason(finding: Finding) -> str:
    """A finding in one line."""
    place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
    return f"{place}: {finding.message}"
