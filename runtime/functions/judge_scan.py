"""Handler of the function that judges a scan: a step of the gate's state machine."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.functions.inspection import scan_of
from runtime.functions.reports import Topic
from runtime.functions.scan_report import report_scan
from runtime.functions.scan_verdict import ScanRules, judge
from runtime.functions.settings import ScanSettings

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Judge the scan of an instance by a product's rules, report it, and say whether its image goes on."""
    settings = ScanSettings.from_environment(os.environ)
    scan = scan_of(event["instance"], boto3.client("inspector2"))
    verdict = judge(scan, ScanRules.from_payload(event["rules"]), datetime.now(UTC).date())
    logger.info("judged", extra={"image": event["image"], "status": verdict.status, "counts": verdict.counts})
    report_scan(verdict, event["image"], Topic(settings.topic_arn, settings.product, boto3.client("sns")))
    return {"passed": verdict.passed, "status": verdict.status.value, "reason": verdict.reason}
