"""Asynchronous invocations of functions: retries, what is throttled, and where an event goes that fails for good.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Adding a
dead-letter queue". ministack counts a throttled event as a failed one, and sends dead letters with nobody's rights.
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any, cast

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid, set_request_account_id, set_request_region
from ministack.services import iam, lambda_svc

from local.cloud import identity
from local.cloud.call import Call, Caller, Credentials, ServiceError
from local.cloud.deliveries.admission import LAMBDA
from local.cloud.gateway import Gateway, root
from local.cloud.image_builder.context import AWS_ERRORS

log = logging.getLogger("golden-ami.cloud")

RETRIES = 2
EVENT_AGE = 6 * 3600
"""Seconds that an event is kept, if the function does not say less."""

ERROR_BYTES = 1024
"""Of an error's message, as much is told in a dead letter."""

NOT_ASSUMED = "The role defined for the function cannot be assumed by Lambda."


class Invocations:
    """Runs functions for events as their roles, as Lambda does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._slots = threading.Condition()
        self._released = 0

    def install(self) -> None:
        """Take the place of ministack's asynchronous invocation, and have Lambda take a function's role first."""
        release = lambda_svc._release_execution_slot  # pyright: ignore[reportPrivateUsage]
        execute = lambda_svc._execute_function_dispatch  # pyright: ignore[reportPrivateUsage]

        def release_slot(key: Any) -> None:
            release(key)
            with self._slots:
                self._released += 1
                self._slots.notify_all()

        def execute_as_role(record: Any, configuration: Any, *more: Any) -> Any:
            try:
                self.check_trust(configuration["Role"])
            except ServiceError as error:
                body = {"errorType": error.code, "errorMessage": error.message}
                return {"error": True, "function_error": "Unhandled", "body": body, "log": ""}
            return execute(record, configuration, *more)

        lambda_svc._release_execution_slot = release_slot  # pyright: ignore[reportPrivateUsage]
        lambda_svc._execute_function_dispatch = execute_as_role  # pyright: ignore[reportPrivateUsage]
        lambda_svc.invoke_async_with_retry = self.invoke

    def check_trust(self, role_arn: str) -> None:
        """Raise `ServiceError` (AccessDeniedException) where a role does not trust Lambda, or is not there."""
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]

        def decide() -> None:
            role: Any = iam._roles.get_scoped(account, None, name)  # pyright: ignore[reportPrivateUsage]
            trust = role["AssumeRolePolicyDocument"] if role and role["Arn"] == role_arn else None
            if not trust or not identity.trusts_service(trust, LAMBDA, role_arn, {}):
                raise ServiceError("AccessDeniedException", NOT_ASSUMED, 403)

        self._gateway.journal.decide(decide, LAMBDA, "sts:AssumeRole", role_arn, account=account)

    def invoke(self, record: dict[str, Any], event: Any) -> None:
        """Take an event for a function; it runs on its own."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, record, event), daemon=True).start()

    def _run(self, record: dict[str, Any], event: Any) -> None:
        configuration: dict[str, Any] = record.get("config") or record
        _, _, _, region, account, *_ = configuration["FunctionArn"].split(":")
        set_request_account_id(account)
        set_request_region(region)
        settings: dict[str, Any] = (
            record.get("event_invoke_config") or (record.get("event_invoke_configs") or {}).get("$LATEST") or {}
        )
        result, attempts = self._attempt(record, event, settings)
        if not result.get("error"):
            return
        try:
            self._keep(configuration, settings, event, result, attempts)
        except AWS_ERRORS as error:
            log.warning("Lambda loses an event of %s: %s", configuration["FunctionArn"], error)

    def _attempt(self, record: dict[str, Any], event: Any, settings: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """The last result, and how often the function ran."""
        retries = settings.get("MaximumRetryAttempts", RETRIES)
        until = time.monotonic() + settings.get("MaximumEventAgeInSeconds", EVENT_AGE)
        attempts = 0
        while True:
            seen = self._released
            result: dict[str, Any] = lambda_svc._execute_function(  # pyright: ignore[reportPrivateUsage]
                record, event
            )
            left = until - time.monotonic()
            if result.get("throttle"):
                if record.get("concurrency") == 0 or left <= 0:
                    return result, attempts
                with self._slots:
                    self._slots.wait_for(lambda seen=seen: self._released != seen, left)
                continue
            attempts += 1
            delay = _delay(attempts)
            if not result.get("error") or attempts > retries or delay > left:
                return result, attempts
            threading.Event().wait(delay)

    def _keep(
        self, configuration: dict[str, Any], settings: dict[str, Any], event: Any, result: dict[str, Any], attempts: int
    ) -> None:
        """Send an event that failed for good to where its function says, as the function's role.

        Raises `ServiceError` or `ClientError` where the role may not.
        """
        destination: str | None = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        dead_letters: str | None = (configuration.get("DeadLetterConfig") or {}).get("TargetArn")
        if destination:
            record = _failure(configuration, event, result, attempts)
            self._send(configuration, destination, json.dumps(record), {})
        if dead_letters:
            self._send(configuration, dead_letters, json.dumps(event), _attributes(result))

    def _send(self, configuration: dict[str, Any], target: str, body: str, attributes: dict[str, Any]) -> None:
        self.check_trust(configuration["Role"])
        _, _, service, region, account, name = target.split(":", 5)
        found = lambda_runtime.execution_credentials(configuration)
        credentials = Credentials(
            found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"]
        )
        client = self._gateway.service_client(service, region, credentials, LAMBDA)
        match service:
            case "sqs":
                owner = Caller(account, f"arn:aws:iam::{account}:root", root(account))
                asked = Call("sqs", "GetQueueUrl", region, owner, {"QueueName": name})
                url = self._gateway.forward(asked)["QueueUrl"]
                client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
            case "sns":
                client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)
            case "lambda":
                client.invoke(FunctionName=target, InvocationType="Event", Payload=body)
            case _:
                message = f"The local cloud does not send failed events to {target}."
                raise ServiceError("UnsupportedOperation", message, 501)


def _delay(attempts: int) -> float:
    """Seconds before the next attempt: AWS waits a minute and then two, ministack states a shorter measure."""
    base: float = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS  # pyright: ignore[reportPrivateUsage]
    return base * 2 ** (attempts - 1)


def _error(result: dict[str, Any]) -> dict[str, Any]:
    body = result.get("body")
    return cast(dict[str, Any], body) if isinstance(body, dict) else {"errorMessage": str(body)}


def _attributes(result: dict[str, Any]) -> dict[str, Any]:
    """What a dead letter tells beside the event."""
    error = _error(result)
    message = str(error.get("errorMessage") or error.get("message") or "").encode()[:ERROR_BYTES]
    return {
        "RequestID": {"DataType": "String", "StringValue": new_uuid()},
        "ErrorCode": {"DataType": "Number", "StringValue": "429" if result.get("throttle") else "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": message.decode(errors="ignore") or "Unknown"},
    }


def _failure(configuration: dict[str, Any], event: Any, result: dict[str, Any], attempts: int) -> dict[str, Any]:
    """The record of a failed invocation, for a destination."""
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": new_uuid(),
            "functionArn": f"{configuration['FunctionArn']}:$LATEST",
            "condition": "EventAgeExceeded" if result.get("throttle") else "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": result.get("function_error") or "Unhandled",
        },
        "responsePayload": _error(result),
    }
