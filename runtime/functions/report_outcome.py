"""Handler of the function that reports how builds end."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model.names import distribution_role_arn, lifecycle_role_arn
from runtime.functions.accounts import Accounts
from runtime.functions.channel_marks import mark_channels
from runtime.functions.destinations import Pipeline
from runtime.functions.outcome import read_outcome, report
from runtime.functions.provenance import Provenance
from runtime.functions.reports import Topic
from runtime.functions.settings import Settings
from runtime.functions.shared_images import SharedImages

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


def session_of(account: str, hub: str) -> Any:
    """A session in an account that uses the image: the hub's own, or with a target's distribution role."""
    if account == hub:
        return boto3.Session()
    role = distribution_role_arn(account)
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="golden-ami-report")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """Report the image of an `EC2 Image Builder Image State Change` event, and tag its copies.

    Where images of the product are removed after a time, what channels name now gets its tag too.
    """
    settings = Settings.from_environment(os.environ)
    image_builder = boto3.client("imagebuilder")
    outcome = read_outcome(event["resources"][0], image_builder)
    logger.info("ended", extra={"product": settings.product, "image": outcome.image, "status": outcome.status})

    @cache
    def session(account: str) -> Any:
        return session_of(account, settings.hub)

    def client(service: str) -> Callable[[str, str], Any]:
        return lambda account, region: session(account).client(service, region_name=region)

    provenance = Provenance(client("ec2"))
    shared_images = SharedImages(settings.pipeline_arn, image_builder, client("ec2"), client("ssm"))
    topic = Topic(settings.topic_arn, settings.product, boto3.client("sns"))
    try:
        report(outcome, settings.product, provenance, shared_images, topic)
    finally:
        if "RETENTION" in os.environ:
            accounts = Accounts(settings.hub, lifecycle_role_arn, "golden-ami-channels")
            mark_channels(Pipeline(image_builder, settings.pipeline_arn, settings.product), accounts)
    return {"status": outcome.status}
