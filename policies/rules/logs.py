"""Rules for CloudWatch Logs."""

from __future__ import annotations

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import Findings, is_key_arn, look_up, require

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

RETENTION = 365
"""Days that logs are kept at least (Security Hub CloudWatch.16)."""


@resource_rule("logs-group-require-customer-key", Severity.HIGH, ("CKV_AWS_158", "AWS-0017"), (LOG_GROUP,))
def require_customer_key(group: Resource) -> Findings:
    """Every log group is encrypted under a customer key by its full ARN."""
    yield from require(
        look_up(group.properties, "kmsKeyId"),
        is_key_arn,
        "the log group has no customer key; set kms_key_id to the full ARN of the product's data key.",
    )


@resource_rule("logs-group-require-retention", Severity.MEDIUM, ("CKV_AWS_338", "CloudWatch.16"), (LOG_GROUP,))
def require_retention(group: Resource) -> Findings:
    """Every log group says how long it keeps logs, and that is a year or more.

    Neither missing nor 0 will do: both keep logs for ever, which nobody decided.
    """
    yield from require(
        look_up(group.properties, "retentionInDays"),
        lambda value: isinstance(value, int | float) and value >= RETENTION,
        f"logs are not kept for a stated year or more; set retention_in_days to {RETENTION} or more.",
    )
