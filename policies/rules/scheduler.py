"""Rules for schedules of EventBridge Scheduler."""

from __future__ import annotations

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import Findings, is_key_arn, look_up, require

SCHEDULE = "aws:scheduler/schedule:Schedule"


@resource_rule("scheduler-schedule-require-customer-key", Severity.MEDIUM, ("CKV_AWS_297",), (SCHEDULE,))
def require_customer_key(schedule: Resource) -> Findings:
    """Every schedule encrypts what it sends under a customer key by its full ARN."""
    yield from require(
        look_up(schedule.properties, "kmsKeyArn"),
        is_key_arn,
        "the schedule has no customer key; set kms_key_arn to the full ARN of the product's data key.",
    )
