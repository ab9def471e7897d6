"""Policies of a product's schedule: who calls the start function, and what that looks up before it builds."""

from __future__ import annotations

from model.documents import PolicyDocument, Statement, trust_policy
from model.names import ProductNames

SCHEDULER = "scheduler.amazonaws.com"

PUBLIC_PARAMETERS = "/aws/service/"


def schedule_role_trust(names: ProductNames) -> PolicyDocument:
    """Trust for EventBridge Scheduler, for schedules of the hub's default group only.

    Source: EventBridge Scheduler User Guide, "Confused deputy prevention": the source is the group, never a schedule.
    """
    return trust_policy(
        Statement(
            "AssumedByScheduler",
            ("sts:AssumeRole",),
            principal={"Service": SCHEDULER},
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account},
                "ArnEquals": {"aws:SourceArn": names.schedule_group_arn},
            },
        )
    )


def schedule_role_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What EventBridge Scheduler does as the schedule's role: call the function, and keep calls that failed for good.

    Sources: EventBridge Scheduler User Guide, "Encryption at rest" (what it sends is decrypted with the role) and
    "Configuring a dead-letter queue"; SQS Developer Guide, "Key management".
    """
    function = names.function_arn(names.start_function)
    return PolicyDocument(
        (
            Statement("StartBuilds", ("lambda:InvokeFunction",), (function,)),
            Statement("KeepFailedCalls", ("sqs:SendMessage",), (names.dead_letter_queue_arn,)),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
        )
    )


def dependency_statements(names: ProductNames, dependencies: tuple[str, ...]) -> tuple[Statement, ...]:
    """What looking up the newest of each dependency takes: `ssm:<parameter>`, or a component's ARN with wildcards."""
    parameters = tuple(_parameter_arn(names, each[4:]) for each in dependencies if each.startswith("ssm:"))
    # The version that an `x` stands for is not known before it is asked for.
    components = tuple(f"{'/'.join(each.split('/')[:2])}/*" for each in dependencies if each.startswith("arn:"))
    statements: list[Statement] = []
    if parameters:
        statements.append(Statement("ReadBaseImage", ("ssm:GetParameter",), parameters))
    if components:
        statements.append(Statement("ReadComponents", ("imagebuilder:GetComponent",), tuple(dict.fromkeys(components))))
    return tuple(statements)


def _parameter_arn(names: ProductNames, parameter: str) -> str:
    account = "" if parameter.startswith(PUBLIC_PARAMETERS) else names.account
    return f"arn:aws:ssm:{names.region}:{account}:parameter{parameter}"
