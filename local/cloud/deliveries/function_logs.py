"""Logs of functions, written with the function's role: a role that may not write them leaves none.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs", "Required IAM permissions".
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from local.cloud import identity
from local.cloud.call import ServiceError
from local.cloud.deliveries.admission import LAMBDA
from local.cloud.gateway import Gateway

log = logging.getLogger("golden-ami.cloud")


class FunctionLogs:
    """Decides on what a function's role may write; the function runs all the same."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def install(self) -> None:
        """Stand before ministack's writing, which asks nobody."""
        emit = lambda_svc._emit_lambda_logs  # pyright: ignore[reportPrivateUsage]

        def emit_as_role(record: dict[str, Any], request_id: str, *more: Any, **named: Any) -> None:
            configuration: dict[str, Any] = record.get("config") or record
            try:
                self._check(configuration, request_id)
            except ServiceError as error:
                log.warning("%s leaves no logs: %s", configuration["FunctionArn"], error)
                return
            emit(record, request_id, *more, **named)

        lambda_svc._emit_lambda_logs = emit_as_role  # pyright: ignore[reportPrivateUsage]

    def _check(self, configuration: dict[str, Any], request_id: str) -> None:
        _, _, _, region, account, *_ = configuration["FunctionArn"].split(":")
        stated: str | None = (configuration.get("LoggingConfig") or {}).get("LogGroup")
        group = stated or f"/aws/lambda/{configuration['FunctionName']}"
        group_arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{request_id.replace('-', '')}"
        if group not in cloudwatch_logs._log_groups:  # pyright: ignore[reportPrivateUsage]
            self._require(configuration, "logs:CreateLogGroup", group_arn, region)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            self._require(configuration, action, f"{group_arn}:log-stream:{stream}", region)

    def _require(self, configuration: dict[str, Any], action: str, arn: str, region: str) -> None:
        key = lambda_runtime.execution_credentials(configuration)["AWS_ACCESS_KEY_ID"]
        self._gateway.journal.decide(
            lambda: identity.authorize(key, action, arn, region, {}, "AccessDeniedException"),
            identity.resolve(key).arn,
            action,
            arn,
            LAMBDA,
        )
