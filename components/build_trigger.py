"""What starts builds and reports how they end: two functions, their events, and where failed events stay."""

from __future__ import annotations

import json
from functools import partial

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.build_schedule import BuildSchedule, BuildScheduleArgs
from components.function import DELIVERY_RETRIES, EVENT_AGE, ProductFunction, ProductFunctionArgs
from components.function_layer import FunctionLayerArgs, Layer
from model.distribution import DistributionPlan
from model.documents import PolicyDocument
from model.files.retention import Retention
from model.files.schedule import Schedule
from model.hub_policies import queue_policy, report_function_policy, start_function_policy, sweep_function_policy
from model.names import SCRIPTS_PREFIX, ProductNames
from runtime.functions.retention import Rules
from runtime.functions.settings import Settings

DEAD_LETTER_RETENTION = 14 * 24 * 3600
"""Seconds that a failed event is kept; SQS's longest."""

RECONCILIATION = "rate(15 minutes)"
"""How often the start function looks without an event."""

SWEEP = "rate(1 day)"
"""How often images are looked for that may go; Image Builder runs lifecycle policies as often (User Guide, "How
lifecycle policy execution works")."""


class BuildTriggerArgs(ComponentArgs):
    """What the functions work on."""

    names: ProductNames
    plan: DistributionPlan
    operating_system: str
    entry_script: str
    bucket: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]
    pipeline_arn: pulumi.Output[str]
    topic_arn: pulumi.Output[str]
    recipe_arn: pulumi.Output[str]
    schedule: Schedule | None = None
    dependencies: tuple[str, ...] = ()
    """What the schedule looks at before it builds, beside the recipe; empty where it builds always."""
    retention: Retention | None = None


class BuildTrigger(pulumi.ComponentResource):
    """Starts a build where an upload or an ended build makes one due, and reports each outcome."""

    start_function: pulumi.Output[str]
    layer_arn: pulumi.Output[str]
    """Layer of the product's functions."""
    dead_letters_arn: pulumi.Output[str]
    """Queue of what the product's functions failed on."""

    def __init__(self, name: str, args: BuildTriggerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:BuildTrigger", name, None, opts)
        names = args.names
        mine = ResourceOptions(parent=self)
        self._dead_letters = self._queue(name, args)
        layer = Layer(f"{name}-layer", FunctionLayerArgs(names=names), mine)
        environment = _environment(args)

        def function(stem: str, function_name: str, policy: partial[PolicyDocument]) -> aws.lambda_.Function:
            made = ProductFunctionArgs(
                names=names,
                function_name=function_name,
                module=stem.replace("-", "_"),
                policy=policy,
                environment=environment,
                layer_arn=layer.arn,
                data_key_arn=args.data_key_arn,
                dead_letters_arn=self._dead_letters.arn,
            )
            return ProductFunction(f"{name}-{stem}", made, mine).function

        reads = partial(start_function_policy, names, dependencies=args.dependencies)
        start = function("start-build", names.start_function, reads)
        report = function("report-outcome", names.report_function, partial(report_function_policy, names, args.plan))
        self._on_upload(name, args, start)
        self._on_image_state(name, args, start, report)
        self._on_reconciliation(name, args, start)
        if args.schedule:
            BuildSchedule(
                f"{name}-schedule",
                BuildScheduleArgs(
                    names=names,
                    schedule=args.schedule,
                    function_arn=start.arn,
                    data_key_arn=args.data_key_arn,
                    dead_letters_arn=self._dead_letters.arn,
                ),
                mine,
            )
        if args.retention:
            sweep = function("sweep-images", names.sweep_function, partial(sweep_function_policy, names, args.plan))
            self._daily(name, args, sweep)
        self.start_function, self.layer_arn, self.dead_letters_arn = start.name, layer.arn, self._dead_letters.arn
        self.register_outputs({"startFunction": self.start_function})

    def _queue(self, name: str, args: BuildTriggerArgs) -> aws.sqs.Queue:
        """Where failed events stay, and the alarm that tells people of them on the product's topic."""
        names = args.names
        mine = ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            f"{name}-dead-letters",
            name=names.dead_letter_queue,
            kms_master_key_id=args.data_key_arn,
            message_retention_seconds=DEAD_LETTER_RETENTION,
            opts=mine,
        )
        aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=queue.url,
            policy=queue_policy(names, args.plan.retention).json(),
            opts=mine,
        )
        aws.cloudwatch.MetricAlarm(
            f"{name}-dead-letters-alarm",
            name=names.dead_letter_alarm,
            alarm_description=f"Events of {names.product} failed for good; see the queue {names.dead_letter_queue}",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": names.dead_letter_queue},
            statistic="Maximum",
            period=60,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            alarm_actions=[args.topic_arn],
            opts=mine,
        )
        return queue

    def _on_upload(self, name: str, args: BuildTriggerArgs, start: aws.lambda_.Function) -> None:
        names = args.names
        permission = aws.lambda_.Permission(
            f"{name}-upload-permission",
            function=start.name,
            statement_id="StartedByUploads",
            action="lambda:InvokeFunction",
            principal="s3.amazonaws.com",
            source_arn=names.bucket_arn,
            # A bucket's ARN names no account: somebody else could own the name after us.
            source_account=names.account,
            opts=ResourceOptions(parent=self),
        )
        aws.s3.BucketNotification(
            f"{name}-upload",
            bucket=args.bucket,
            lambda_functions=[
                aws.s3.BucketNotificationLambdaFunctionArgs(
                    id="start-build",
                    lambda_function_arn=start.arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=SCRIPTS_PREFIX,
                )
            ],
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _on_image_state(
        self, name: str, args: BuildTriggerArgs, start: aws.lambda_.Function, report: aws.lambda_.Function
    ) -> None:
        names = args.names
        mine = ResourceOptions(parent=self)
        pattern = {
            "source": ["aws.imagebuilder"],
            "detail-type": ["EC2 Image Builder Image State Change"],
            "resources": [{"prefix": names.image_arn_pattern.removesuffix("*")}],
            "detail": {"state": {"status": ["AVAILABLE", "FAILED", "CANCELLED"]}},
        }
        rule = aws.cloudwatch.EventRule(
            f"{name}-image-state",
            name=names.image_state_rule,
            description=f"Images of {names.product} that are done",
            event_pattern=json.dumps(pattern),
            opts=mine,
        )
        for stem, function in (("start", start), ("report", report)):
            self._deliver(f"{name}-{stem}", stem, "CalledByImageState", args, rule, function)

    def _on_reconciliation(self, name: str, args: BuildTriggerArgs, start: aws.lambda_.Function) -> None:
        """AWS delivers events at least once nearly always: now and then the function looks by itself."""
        names = args.names
        rule = aws.cloudwatch.EventRule(
            f"{name}-reconciliation",
            name=names.reconciliation_rule,
            description=f"Looks for uploads of {names.product} whose event was lost",
            schedule_expression=RECONCILIATION,
            opts=ResourceOptions(parent=self),
        )
        self._deliver(f"{name}-reconciliation", "start", "CalledByReconciliation", args, rule, start)

    def _daily(self, name: str, args: BuildTriggerArgs, sweep: aws.lambda_.Function) -> None:
        """Age comes without an event."""
        names = args.names
        rule = aws.cloudwatch.EventRule(
            f"{name}-sweep",
            name=names.sweep_rule,
            description=f"Looks for images of {names.product} that may go",
            schedule_expression=SWEEP,
            opts=ResourceOptions(parent=self),
        )
        self._deliver(f"{name}-sweep", "sweep", "CalledDaily", args, rule, sweep)

    def _deliver(
        self,
        name: str,
        target: str,
        statement: str,
        args: BuildTriggerArgs,
        rule: aws.cloudwatch.EventRule,
        function: aws.lambda_.Function,
    ) -> None:
        mine = ResourceOptions(parent=self)
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            function=function.name,
            statement_id=statement,
            action="lambda:InvokeFunction",
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            source_account=args.names.account,
            opts=mine,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            target_id=target,
            arn=function.arn,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_retry_attempts=DELIVERY_RETRIES, maximum_event_age_in_seconds=EVENT_AGE
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=self._dead_letters.arn),
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )


def _environment(args: BuildTriggerArgs) -> pulumi.Output[dict[str, str]]:
    names = args.names
    stated = args.retention
    rules = Rules(stated.after_days, stated.keep_newest, stated.unused_days) if stated else None
    return pulumi.Output.all(args.bucket, args.data_key_arn, args.pipeline_arn, args.topic_arn, args.recipe_arn).apply(
        lambda known: Settings(
            product=names.product,
            operating_system=args.operating_system,
            entry_script=args.entry_script,
            hub=names.account,
            bucket=known[0],
            data_key_arn=known[1],
            pipeline_arn=known[2],
            topic_arn=known[3],
            # A recipe that was deployed since the last build is an update too.
            dependencies=" ".join((known[4], *args.dependencies)) if args.dependencies else "",
            retention=rules.json() if rules else "",
        ).environment()
    )
