"""What has a product built again without an upload: a schedule that calls the start function."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.function import DELIVERY_RETRIES, EVENT_AGE
from model.files.schedule import Schedule
from model.names import ProductNames
from model.schedule_policies import schedule_role_policy, schedule_role_trust

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""What EventBridge Scheduler replaces by an occurrence's time, the same for each of its deliveries; its execution id is
new with each attempt (EventBridge Scheduler User Guide, "Adding context attributes")."""


class BuildScheduleArgs(ComponentArgs):
    """When to build, what to call, and where failed calls stay."""

    names: ProductNames
    schedule: Schedule
    function_arn: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]
    dead_letters_arn: pulumi.Output[str]


class BuildSchedule(pulumi.ComponentResource):
    """A schedule of EventBridge Scheduler, with a role that may do nothing else."""

    def __init__(self, name: str, args: BuildScheduleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:BuildSchedule", name, None, opts)
        names, schedule = args.names, args.schedule
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=names.build_schedule,
            description=f"Schedule of {names.product}",
            assume_role_policy=schedule_role_trust(names).json(),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="start-builds",
            role=role.name,
            policy=args.data_key_arn.apply(lambda arn: schedule_role_policy(names, arn).json()),
            opts=mine,
        )
        event = {
            "source": "schedule",
            "scheduledTime": SCHEDULED_TIME,
            "startCondition": schedule.start_condition.value,
        }
        made = aws.scheduler.Schedule(
            f"{name}-schedule",
            name=names.build_schedule,
            description=f"Builds {names.product} again",
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.time_zone,
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            kms_key_arn=args.data_key_arn,
            target=aws.scheduler.ScheduleTargetArgs(
                arn=args.function_arn,
                role_arn=role.arn,
                input=json.dumps(event),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=DELIVERY_RETRIES, maximum_event_age_in_seconds=EVENT_AGE
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=args.dead_letters_arn),
            ),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"arn": made.arn})
