"""Handler of the function that starts builds: called by uploads, by ended builds, and by hand."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3

from runtime.functions.build_start import BuildStarter
from runtime.functions.settings import Settings

log = logging.getLogger("golden-ami")
log.setLevel(logging.INFO)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, str | None]:
    """Start a build where one is due.

    An event of S3 or EventBridge only says that something changed; what to build is read from the bucket. A request by
    hand is `{"source": "manual", "requestId": "…"}`. Errors go to Lambda's retries and then to the dead-letter queue.
    """
    settings = Settings.from_environment(os.environ)
    starter = BuildStarter(settings, boto3.client("s3"), boto3.client("imagebuilder"))
    manual_request = str(event["requestId"]) if event.get("source") == "manual" else None
    answer = starter.start(manual_request).as_dict()
    log.info(json.dumps({"product": settings.product, **answer}))
    return answer
