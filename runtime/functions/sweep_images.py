"""Handler of the function that removes what lifecycle policies do not see: called by a rule once a day."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model.names import lifecycle_role_arn
from runtime.functions.accounts import Accounts
from runtime.functions.destinations import Pipeline
from runtime.functions.reports import Topic
from runtime.functions.retention import Rules
from runtime.functions.settings import Settings
from runtime.functions.sweep import Sweep

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sweep the product's accounts and Regions, and report what was removed and what could not be.

    The event is EventBridge's; its `time` is when the sweep was due, against which ages are told.
    """
    settings = Settings.from_environment(os.environ)
    now = datetime.fromisoformat(event["time"]) if "time" in event else datetime.now(UTC)
    sweep = Sweep(
        Pipeline(boto3.client("imagebuilder"), settings.pipeline_arn, settings.product),
        Accounts(settings.hub, lifecycle_role_arn, "golden-ami-sweep"),
        Rules.from_json(settings.retention),
        lambda: now,
    )
    swept = sweep.run()
    answer = swept.as_dict()
    logger.info("swept", extra={"product": settings.product, **answer})
    if swept.eventful:
        Topic(settings.topic_arn, settings.product, boto3.client("sns")).swept(answer)
    return answer
