"""Handler of the function that reports how builds end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model.names import distribution_role_arn
from runtime.functions.outcome import read_outcome, report
from runtime.functions.provenance import Provenance
from runtime.functions.reports import Topic
from runtime.functions.settings import Settings

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

logger = Logger(service="golden-ami")
tracer = Tracer(service="golden-ami")


def ec2_of(account: str, region: str, hub: str) -> EC2Client:
    """An EC2 client in an account that holds a copy: the hub's own, or with a target's distribution role."""
    if account == hub:
        return boto3.client("ec2", region_name=region)
    session = boto3.client("sts").assume_role(
        RoleArn=distribution_role_arn(account), RoleSessionName="golden-ami-provenance"
    )["Credentials"]
    return boto3.client(
        "ec2",
        region_name=region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """Report the image of an `EC2 Image Builder Image State Change` event, and tag its copies."""
    settings = Settings.from_environment(os.environ)
    outcome = read_outcome(event["resources"][0], boto3.client("imagebuilder"))
    logger.info("ended", extra={"product": settings.product, "image": outcome.image, "status": outcome.status})
    provenance = Provenance(lambda account, region: ec2_of(account, region, settings.hub))
    topic = Topic(settings.topic_arn, settings.product, boto3.client("sns"))
    report(outcome, settings.product, provenance, topic)
    return {"status": outcome.status}
