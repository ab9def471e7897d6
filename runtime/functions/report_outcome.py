"""Handler of the function that reports how builds end."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3

from runtime.functions.outcome import publish, read_outcome
from runtime.functions.settings import Settings

log = logging.getLogger("golden-ami")
log.setLevel(logging.INFO)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Report the image of an `EC2 Image Builder Image State Change` event on the product's topic."""
    settings = Settings.from_environment(os.environ)
    outcome = read_outcome(settings.product, event["resources"][0], boto3.client("imagebuilder"))
    publish(outcome, settings.topic_arn, boto3.client("sns"))
    log.info(json.dumps({"product": settings.product, "image": outcome.image, "status": outcome.status}))
    return {"status": outcome.status}
