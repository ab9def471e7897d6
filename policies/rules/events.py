"""Rules for EventBridge rules and where they send events."""

from __future__ import annotations

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import Findings, is_given, look_up, require

TARGET = "aws:cloudwatch/eventTarget:EventTarget"


@resource_rule("events-target-require-dead-letters", Severity.MEDIUM, ("AWS.EventBridge.dead-letter-queue",), (TARGET,))
def require_dead_letters(target: Resource) -> Findings:
    """Every target of a rule keeps the events that do not reach it."""
    yield from require(
        look_up(target.properties, "deadLetterConfig", "arn"),
        is_given,
        "events that do not arrive are lost; set dead_letter_config.arn.",
    )
