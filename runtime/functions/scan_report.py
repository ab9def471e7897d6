"""What a product's team is told of a scan."""

from __future__ import annotations

from runtime.functions.reports import ENTRIES_MAXIMUM, Topic
from runtime.functions.scan_verdict import ScanStatus, Verdict

SUBJECTS = {
    ScanStatus.PASSED: "scan passed",
    ScanStatus.FAILED: "scan failed the image",
    ScanStatus.CONTINUED: "scan failed, the image continues",
}


def report_scan(verdict: Verdict, image: str, topic: Topic) -> None:
    """Publish a verdict with its counts, the gravest findings, and the entries that were ignored or have expired."""
    body = {
        "reason": verdict.reason,
        "image": image,
        "counts": dict(verdict.counts),
        "findings": [one.as_dict() for one in verdict.counted[:ENTRIES_MAXIMUM]],
        "total": len(verdict.counted),
        "ignored": [entry.as_dict() for entry in verdict.ignored],
        "expired": [entry.as_dict() for entry in verdict.expired],
    }
    topic.publish(SUBJECTS[verdict.status], verdict.status, body)
