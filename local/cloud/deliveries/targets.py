"""EventBridge's targets: who admits events.amazonaws.com, and where an event goes that nobody takes.

Source: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" and "Using dead-letter queues to
process undelivered events".
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, lambda_svc

from local.cloud.call import Call, Caller, ServiceError
from local.cloud.deliveries.admission import EVENTS, Admission, Sender
from local.cloud.gateway import Gateway, root

log = logging.getLogger("golden-ami.cloud")

ERROR_CODES = {"ResourceNotFoundException": "NO_RESOURCE"}
"""EventBridge's names of errors; whatever else refuses a delivery is a missing permission."""


@dataclass(frozen=True)
class _Delivery:
    """An event on its way to one target of a rule."""

    target: dict[str, Any]
    rule_arn: str
    account: str

    @property
    def sender(self) -> Sender:
        return Sender(EVENTS, self.rule_arn, self.account)


_running: ContextVar[_Delivery] = ContextVar("golden_ami_delivery")


class Targets:
    """Delivers what rules match; a target's policy decides, and its dead-letter queue takes what is refused."""

    def __init__(self, gateway: Gateway, admission: Admission) -> None:
        self._gateway = gateway
        self._admission = admission

    def install(self) -> None:
        """Take the place of ministack's own deliveries to functions, queues and topics."""
        invoke = eventbridge._invoke_target  # pyright: ignore[reportPrivateUsage]
        to_queue = eventbridge._dispatch_to_sqs  # pyright: ignore[reportPrivateUsage]
        to_topic = eventbridge._dispatch_to_sns  # pyright: ignore[reportPrivateUsage]

        def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
            _running.set(_Delivery(target, rule.get("Arn", ""), get_account_id()))
            invoke(target, event, rule, view)

        def dispatch_to_lambda(arn: str, payload: str) -> None:
            self._deliver(payload, self._admission.function, None, lambda: _invoke(arn, payload))

        def dispatch_to_sqs(spec: Any, payload: str, parameters: dict[str, Any] | None = None) -> None:
            admission = self._admission
            self._deliver(payload, admission.queue, admission.queue_key, lambda: to_queue(spec, payload, parameters))

        def dispatch_to_sns(arn: str, payload: str) -> None:
            admission = self._admission
            self._deliver(payload, admission.topic, admission.topic_key, lambda: to_topic(arn, payload))

        eventbridge._invoke_target = invoke_target  # pyright: ignore[reportPrivateUsage]
        eventbridge._dispatch_to_lambda = dispatch_to_lambda  # pyright: ignore[reportPrivateUsage]
        eventbridge._dispatch_to_sqs = dispatch_to_sqs  # pyright: ignore[reportPrivateUsage]
        eventbridge._dispatch_to_sns = dispatch_to_sns  # pyright: ignore[reportPrivateUsage]

    def _deliver(
        self,
        payload: str,
        admit: Callable[[str, Sender], None],
        admit_key: Callable[[str, Sender], None] | None,
        carry_out: Callable[[], None],
    ) -> None:
        delivery = _running.get()
        arn = delivery.target["Arn"]

        def deliver() -> None:
            try:
                admit(arn, delivery.sender)
                if admit_key:
                    admit_key(arn, delivery.sender)
            except ServiceError as error:
                log.warning("EventBridge does not deliver to %s: %s", arn, error)
                self._keep(delivery, payload, error)
                return
            carry_out()

        # Events are put on the server's loop, and looking up a key waits for that loop.
        threading.Thread(target=contextvars.copy_context().run, args=(deliver,), daemon=True).start()

    def _keep(self, delivery: _Delivery, payload: str, error: ServiceError) -> None:
        """Put an event that was refused into its target's dead-letter queue, if that admits EventBridge."""
        queue: str | None = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        try:
            self._admission.queue(queue, delivery.sender)
            self._admission.queue_key(queue, delivery.sender)
        except ServiceError as refused:
            log.warning("EventBridge loses an event of %s: %s", delivery.rule_arn, refused)
            return
        attributes = {
            "RULE_ARN": delivery.rule_arn,
            "TARGET_ARN": delivery.target["Arn"],
            "ERROR_CODE": ERROR_CODES.get(error.code, "NO_PERMISSIONS"),
            "ERROR_MESSAGE": error.message,
        }
        send_as_owner(self._gateway, queue, payload, attributes)


def send_as_owner(gateway: Gateway, queue: str, body: str, attributes: dict[str, str]) -> None:
    """Send to a queue what a service was admitted to send to it; attributes are texts."""
    _, _, _, region, account, name = queue.split(":")
    caller = Caller(account, f"arn:aws:iam::{account}:root", root(account))
    url = gateway.forward(Call("sqs", "GetQueueUrl", region, caller, {"QueueName": name}))["QueueUrl"]
    texts = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    message = {"QueueUrl": url, "MessageBody": body, "MessageAttributes": texts}
    gateway.forward(Call("sqs", "SendMessage", region, caller, message))


def _invoke(arn: str, payload: str) -> None:
    function, configuration, _ = lambda_svc._get_func_record_for_ref(arn)  # pyright: ignore[reportPrivateUsage]
    if function and configuration:
        record = lambda_svc._execution_record_for_config(  # pyright: ignore[reportPrivateUsage]
            function, configuration
        )
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))
