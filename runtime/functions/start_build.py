"""Handler of the function that starts builds: called by uploads, ended builds, a schedule, and by hand."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.functions.build_lock import BuildLock
from runtime.functions.build_state import StateStore
from runtime.functions.dependencies import Dependencies
from runtime.functions.pinning import PinnedBuild
from runtime.functions.pipeline_runs import PipelineRuns
from runtime.functions.reconciliation import Reconciliation, Result
from runtime.functions.reports import Topic
from runtime.functions.script_checks import ScriptChecks
from runtime.functions.settings import Settings
from runtime.functions.uploads import UploadReader

ONLY_UPDATES = "updates-available"
"""The schedule's start condition in a product's file that builds only where something newer is there."""

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


def reconciliation(settings: Settings, context: LambdaContext) -> Reconciliation:
    """One product's reconciliation, wired to AWS."""
    s3 = boto3.client("s3")
    bucket, hub, key = settings.bucket, settings.hub, settings.data_key_arn

    def lock() -> AbstractContextManager[None]:
        remaining = context.get_remaining_time_in_millis
        holder = context.aws_request_id
        return BuildLock(s3, bucket, hub, key, holder, time.time, time.sleep, lambda: remaining() / 1000).held()

    return Reconciliation(
        product=settings.product,
        entry_script=settings.entry_script,
        lock=lock,
        states=StateStore(s3, bucket, hub, key),
        reader=UploadReader(s3, bucket, hub),
        checks=ScriptChecks(settings.entry_script, settings.operating_system),
        pinned=PinnedBuild(s3, bucket, hub, key),
        runs=PipelineRuns(boto3.client("imagebuilder"), settings.pipeline_arn, settings.product),
        topic=Topic(settings.topic_arn, settings.product, boto3.client("sns")),
        clock=time.time,
        dependencies=Dependencies(settings.dependencies.split(), boto3.client("ssm"), boto3.client("imagebuilder")),
    )


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str | None]:
    """Start a build where one is due.

    An event of S3 or EventBridge only says that something changed. A request by hand is
    `{"source": "manual", "requestId": "…"}`, or `{"source": "retry"}` for the last build's failed distribution; the
    schedule's is `{"source": "schedule", "scheduledTime": "…", "startCondition": "always" | "updates-available"}`.
    Errors go to Lambda's retries and then to the dead-letter queue.
    """
    settings = Settings.from_environment(os.environ)
    work = reconciliation(settings, context)
    result: Result
    match event.get("source"):
        case "retry":
            result = work.retry()
        case "manual":
            result = work.reconcile(str(event["requestId"]))
        case "schedule":
            result = work.occur(event["scheduledTime"], event["startCondition"] == ONLY_UPDATES)
        case _:
            result = work.reconcile()
    answer = result.as_dict()
    logger.info("reconciled", extra={"product": settings.product, **answer})
    return answer
