"""S3's notifications: a destination's policy must admit s3.amazonaws.com for the bucket.

Source: S3 User Guide, "Granting permissions to publish event notification messages to a destination".
"""

from __future__ import annotations

import logging
from typing import Any

from ministack.services import s3, sns, sqs

from local.cloud.call import ServiceError
from local.cloud.deliveries.admission import S3, Admission, Sender
from local.cloud.ministack_corrections import bucket_owner

log = logging.getLogger("golden-ami.cloud")

UNREACHABLE = "Unable to validate the following destination configurations"


class Notifications:
    """Holds deliveries to functions against the functions' policies; ministack asks queues and topics only."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def install(self) -> None:
        """Take the place of ministack's decisions on destinations."""
        validate = s3._validate_notification_configs  # pyright: ignore[reportPrivateUsage]
        deliver = s3._deliver_event_to_lambda  # pyright: ignore[reportPrivateUsage]

        def validate_configurations(
            configurations: list[dict[str, Any]],
            region: str,
            bucket: str = "",
            skip_destination_validation: bool = False,
        ) -> Any:
            refused = validate(configurations, region, bucket, skip_destination_validation)
            if refused or skip_destination_validation:
                return refused
            functions = [one["arn"] for one in configurations if one["type"] == "lambda"]
            unreachable = [arn for arn in functions if not self._admits(arn, bucket)]
            if not unreachable:
                return None
            return s3._invalid_notification_config(  # pyright: ignore[reportPrivateUsage]
                f"{UNREACHABLE}: {', '.join(unreachable)}"
            )

        def deliver_to_function(arn: str, event: dict[str, Any], region: str) -> None:
            bucket: str = event["Records"][0]["s3"]["bucket"]["name"]
            if self._admits(arn, bucket):
                deliver(arn, event, region)

        s3._validate_notification_configs = validate_configurations  # pyright: ignore[reportPrivateUsage]
        s3._deliver_event_to_lambda = deliver_to_function  # pyright: ignore[reportPrivateUsage]
        sqs.queue_policy_allows = self._queue_allows
        sns.topic_policy_allows = self._topic_allows

    def _admits(self, function: str, bucket: str) -> bool:
        try:
            self._admission.function(function, _bucket(bucket))
        except ServiceError as error:
            log.warning("S3 does not notify %s: %s", function, error)
            return False
        return True

    def _queue_allows(self, arn: str, service: str, source_arn: str, source_account: str) -> bool:
        return _allows(self._admission.queue, arn, Sender(service, source_arn, source_account))

    def _topic_allows(self, arn: str, service: str, source_arn: str, source_account: str) -> bool:
        return _allows(self._admission.topic, arn, Sender(service, source_arn, source_account))


def _allows(admit: Any, arn: str, sender: Sender) -> bool:
    try:
        admit(arn, sender)
    except ServiceError as error:
        log.warning("%s does not deliver to %s: %s", sender.service, arn, error)
        return False
    return True


def _bucket(name: str) -> Sender:
    return Sender(S3, f"arn:aws:s3:::{name}", bucket_owner(name) or "")
