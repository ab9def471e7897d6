"""Handler of the function that reports how builds end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

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
from runtime.functions.retention import Place
from runtime.functions.settings import Settings
from runtime.functions.shared_images import SharedImages

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ssm import SSMClient

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


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

    accounts = Accounts(settings.hub, distribution_role_arn, "golden-ami-report")

    def ec2(account: str, region: str) -> EC2Client:
        return accounts.ec2(Place(account, region))

    def ssm(account: str, region: str) -> SSMClient:
        return accounts.ssm(Place(account, region))

    shared_images = SharedImages(settings.pipeline_arn, image_builder, ec2, ssm)
    topic = Topic(settings.topic_arn, settings.product, boto3.client("sns"))
    try:
        report(outcome, settings.product, Provenance(ec2), shared_images, topic)
    finally:
        if settings.retention:
            keepers = Accounts(settings.hub, lifecycle_role_arn, "golden-ami-channels")
            mark_channels(Pipeline(image_builder, settings.pipeline_arn, settings.product), keepers)
    return {"status": outcome.status}
