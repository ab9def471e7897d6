"""Rules for Step Functions."""

from __future__ import annotations

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import Findings, is_key_arn, look_up, require

STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"


@resource_rule(
    "states-machine-require-customer-key", Severity.HIGH, ("AWS.StepFunctions.encryption-at-rest",), (STATE_MACHINE,)
)
def require_customer_key(machine: Resource) -> Findings:
    """Every state machine encrypts its executions under a customer key by its full ARN."""
    yield from require(
        look_up(machine.properties, "encryptionConfiguration", "kmsKeyId"),
        is_key_arn,
        "executions have no customer key; set encryption_configuration to the full ARN of the product's data key.",
    )


@resource_rule("states-machine-require-log", Severity.MEDIUM, ("CKV_AWS_285", "StepFunctions.1"), (STATE_MACHINE,))
def require_log(machine: Resource) -> Findings:
    """Every state machine logs all that its executions do."""
    yield from require(
        look_up(machine.properties, "loggingConfiguration", "level"),
        lambda level: level == "ALL",
        'what executions do is not logged; set logging_configuration with level "ALL".',
    )


@resource_rule("states-machine-require-trace", Severity.LOW, ("CKV_AWS_284",), (STATE_MACHINE,))
def require_trace(machine: Resource) -> Findings:
    """Every state machine is traced."""
    yield from require(
        look_up(machine.properties, "tracingConfiguration", "enabled"),
        lambda enabled: enabled is True,
        "executions are not traced; set tracing_configuration.enabled to True.",
    )
