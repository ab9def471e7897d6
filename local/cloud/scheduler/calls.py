"""What a schedule does when it is due: it calls its function as its role, and keeps a call that was refused.

Sources: EventBridge Scheduler User Guide, "Adding context attributes", "Configuring a dead-letter queue", "Encryption
at rest" and "Confused deputy prevention".
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Credentials, ServiceError
from local.cloud.gateway import Gateway, service_error
from local.cloud.scheduler.records import Schedule, group_arn

log = logging.getLogger("golden-ami.cloud")

SCHEDULER = "scheduler.amazonaws.com"


class Calls:
    """Calls targets; AWS repeats what fails for a while, but what is refused here stays refused at the same moment."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def call(self, schedule: Schedule, time: datetime) -> None:
        """Call a schedule's target for a time that has come."""
        execution = uuid.uuid4().hex
        try:
            credentials = self._role(schedule)
        except ServiceError as error:
            log.warning("Scheduler does not call for %s: %s", schedule.arn, error)
            return
        try:
            self._invoke(schedule, credentials, _filled(schedule, time, execution))
        except ServiceError as error:
            log.warning("Scheduler does not call %s: %s", schedule.settings["Target"]["Arn"], error)
            self._keep(schedule, credentials, execution, error)

    def _role(self, schedule: Schedule) -> Credentials:
        """The schedule's role, which must trust Scheduler for the schedule's group."""
        context = {
            "aws:SourceAccount": schedule.account,
            "aws:SourceArn": group_arn(schedule.account, schedule.region),
        }
        role: str = schedule.settings["Target"]["RoleArn"]
        return self._gateway.assume_service_role(role, SCHEDULER, schedule.name, context)

    def _invoke(self, schedule: Schedule, credentials: Credentials, payload: str) -> None:
        client = self._gateway.service_client("lambda", schedule.region, credentials, SCHEDULER)
        function: str = schedule.settings["Target"]["Arn"]
        try:
            if schedule.sealed is not None:
                via = f"scheduler.{schedule.region}.amazonaws.com"
                keys = self._gateway.key_client(credentials, schedule.region, via)
                keys.decrypt(CiphertextBlob=schedule.sealed, EncryptionContext=schedule.encryption_context)
            client.invoke(FunctionName=function, InvocationType="Event", Payload=payload.encode())
        except ClientError as error:
            raise service_error(error) from error

    def _keep(self, schedule: Schedule, credentials: Credentials, execution: str, error: ServiceError) -> None:
        """Put a call that failed into the schedule's dead-letter queue, if its role may do so."""
        queue: str | None = (schedule.settings["Target"].get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        _, _, _, region, account, name = queue.split(":")
        told = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message,
            "EXECUTION_ID": execution,
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": schedule.settings["Target"]["Arn"],
        }
        attributes: dict[str, Any] = {key: {"DataType": "String", "StringValue": text} for key, text in told.items()}
        body: str = schedule.settings["Target"].get("Input") or "{}"
        client = self._gateway.service_client("sqs", region, credentials, SCHEDULER)
        root = self._gateway.root_client("sqs", account, region)
        try:
            url = root.get_queue_url(QueueName=name)["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
        except ClientError as refused:
            log.warning("Scheduler loses a call of %s: %s", schedule.arn, refused)


def _filled(schedule: Schedule, time: datetime, execution: str) -> str:
    """What is sent, with the words replaced that stand for facts of the call."""
    text: str = schedule.settings["Target"].get("Input") or "{}"
    words = {
        "<aws.scheduler.schedule-arn>": schedule.arn,
        "<aws.scheduler.scheduled-time>": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "<aws.scheduler.execution-id>": execution,
        "<aws.scheduler.attempt-number>": "1",
    }
    for word, value in words.items():
        text = text.replace(word, value)
    return text
