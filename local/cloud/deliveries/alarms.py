"""CloudWatch's alarms on queues: when they go off, and who lets them publish.

ministack publishes no metrics of queues, and hands an alarm to a topic without asking the topic. Here an alarm on a
queue is read against the queue itself, when the queue gets a message and when somebody asks CloudWatch: as AWS would
see it once the alarm's period has passed. Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms"; SNS
Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudwatch

from local.cloud.call import Call, Caller, ServiceError
from local.cloud.deliveries.admission import Admission, Sender
from local.cloud.gateway import Gateway, root
from local.cloud.guard import SignedRequest

log = logging.getLogger("golden-ami.cloud")

CLOUDWATCH = "cloudwatch.amazonaws.com"

METRICS = {
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
}
"""Metrics of `AWS/SQS` that are read here, and the queue's attribute that holds each."""

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": ge,
    "GreaterThanThreshold": gt,
    "LessThanOrEqualToThreshold": le,
    "LessThanThreshold": lt,
}

ACTIONS = {"ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions", "OK": "OKActions"}


class Alarms:
    """Reads alarms on queues, and has topics and their keys admit CloudWatch."""

    services = frozenset({"monitoring"})

    def __init__(self, gateway: Gateway, admission: Admission) -> None:
        self._gateway = gateway
        self._admission = admission
        self._due = threading.Event()
        self._reading = threading.Lock()

    def install(self) -> None:
        """Take the place of ministack's hand-over to topics, and hear of queues that get messages."""
        dispatch = cloudwatch._dispatch_alarm_actions  # pyright: ignore[reportPrivateUsage]
        wake = esm_wake.set

        def dispatch_admitted(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
            def publish() -> None:
                actions = [arn for arn in alarm.get(ACTIONS[new]) or [] if self._admits(arn, alarm["AlarmArn"])]
                dispatch({**alarm, ACTIONS[new]: actions}, old, new, reason)

            # Alarms are put on the server's loop, and looking up a key waits for that loop.
            threading.Thread(target=contextvars.copy_context().run, args=(publish,), daemon=True).start()

        def queue_changed() -> None:
            wake()
            if not self._due.is_set():
                self._due.set()
                threading.Thread(target=self._read_all, daemon=True).start()

        cloudwatch._dispatch_alarm_actions = dispatch_admitted  # pyright: ignore[reportPrivateUsage]
        esm_wake.set = queue_changed

    def check(self, signed: SignedRequest) -> None:
        """Read the alarms before CloudWatch answers; refuses nothing."""
        self._read_all()

    def _read_all(self) -> None:
        self._due.clear()
        with self._reading:
            known: dict[tuple[str, str, str], dict[str, Any]] = cloudwatch._alarms._data  # pyright: ignore[reportPrivateUsage]
            for (account, region, _), alarm in list(known.items()):
                if alarm.get("Namespace") == "AWS/SQS" and alarm.get("MetricName") in METRICS:
                    with request_scope(account, region):
                        self._read(alarm, account, region)

    def _read(self, alarm: dict[str, Any], account: str, region: str) -> None:
        value = self._value(alarm, account, region)
        compare = OPERATORS.get(alarm["ComparisonOperator"])
        if value is None or compare is None:
            return
        old, new = alarm["StateValue"], "ALARM" if compare(value, float(alarm["Threshold"])) else "OK"
        if old == new:
            return
        reason = f"Threshold Crossed: 1 datapoint [{value}] was held against the threshold ({alarm['Threshold']})."
        alarm |= {"StateValue": new, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)  # pyright: ignore[reportPrivateUsage]
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)  # pyright: ignore[reportPrivateUsage]
        cloudwatch._evaluate_parent_alarms(alarm)  # pyright: ignore[reportPrivateUsage]

    def _value(self, alarm: dict[str, Any], account: str, region: str) -> float | None:
        """The metric as the queue has it now; None where no such queue is."""
        names = [one["Value"] for one in alarm.get("Dimensions", []) if one["Name"] == "QueueName"]
        if len(names) != 1:
            return None
        caller = Caller(account, f"arn:aws:iam::{account}:root", root(account))
        attribute = METRICS[alarm["MetricName"]]
        try:
            url = self._gateway.forward(Call("sqs", "GetQueueUrl", region, caller, {"QueueName": names[0]}))["QueueUrl"]
            asked = {"QueueUrl": url, "AttributeNames": [attribute]}
            found = self._gateway.forward(Call("sqs", "GetQueueAttributes", region, caller, asked))
        except ServiceError:
            return None
        return float(found["Attributes"][attribute])

    def _admits(self, topic: str, alarm_arn: str) -> bool:
        if topic.split(":")[2] != "sns":
            return True
        sender = Sender(CLOUDWATCH, alarm_arn, get_account_id())
        try:
            self._admission.topic(topic, sender)
            self._admission.topic_key(topic, sender)
        except ServiceError as error:
            log.warning("CloudWatch does not notify %s: %s", topic, error)
            return False
        return True
