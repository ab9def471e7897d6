"""What starts builds and reports how they end: two functions, their events, and where failed events stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.retention import LOG_RETENTION
from model.documents import PolicyDocument
from model.hub_policies import queue_policy, report_function_policy, service_trust, start_function_policy, topic_policy
from model.names import SCRIPTS_PREFIX, ProductNames
from runtime.functions.settings import Settings

PROJECT = Path(__file__).parent.parent

SOURCES = (
    "model/__init__.py",
    "model/manifest.py",
    "model/names.py",
    "runtime/__init__.py",
    "runtime/functions/__init__.py",
    "runtime/functions/build_start.py",
    "runtime/functions/outcome.py",
    "runtime/functions/report_outcome.py",
    "runtime/functions/settings.py",
    "runtime/functions/start_build.py",
)
"""What both functions carry, named one by one: a folder would pick up caches and show changes that are none."""

LAMBDA_RUNTIME = "python3.13"

DEAD_LETTER_RETENTION = 14 * 24 * 3600
"""Seconds that a failed event is kept; SQS's longest."""


class NotificationsArgs(ComponentArgs):
    """Names, and the key that encrypts messages."""

    names: ProductNames
    data_key_arn: pulumi.Output[str]


class Notifications(pulumi.ComponentResource):
    """The topic on which a product's outcomes are reported."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: NotificationsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:notifications:Notifications", name, None, opts)
        mine = ResourceOptions(parent=self)
        topic = aws.sns.Topic(f"{name}-outcomes", name=args.names.topic, kms_master_key_id=args.data_key_arn, opts=mine)
        aws.sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=topic_policy(args.names).json(), opts=mine)
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": self.topic_arn})


class BuildTriggerArgs(ComponentArgs):
    """What the functions work on."""

    names: ProductNames
    entry_script: str
    bucket: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]
    pipeline_arn: pulumi.Output[str]
    topic_arn: pulumi.Output[str]


class BuildTrigger(pulumi.ComponentResource):
    """Starts a build where an upload or an ended build makes one due, and reports each outcome."""

    start_function: pulumi.Output[str]

    def __init__(self, name: str, args: BuildTriggerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:BuildTrigger", name, None, opts)
        names = args.names
        mine = ResourceOptions(parent=self)
        self._dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            name=names.dead_letter_queue,
            kms_master_key_id=args.data_key_arn,
            message_retention_seconds=DEAD_LETTER_RETENTION,
            opts=mine,
        )
        aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=self._dead_letters.url,
            policy=queue_policy(names).json(),
            opts=mine,
        )
        # One at a time: two starts of one product that overlap could pin over each other.
        start = self._function(name, args, names.start_function, "start_build", start_function_policy, concurrency=1)
        report = self._function(name, args, names.report_function, "report_outcome", report_function_policy)
        self._on_upload(name, args, start)
        self._on_image_state(name, args, start, report)
        self.start_function = start.name
        self.register_outputs({"startFunction": self.start_function})

    def _function(
        self,
        name: str,
        args: BuildTriggerArgs,
        function_name: str,
        module: str,
        policy: Callable[[ProductNames, str], PolicyDocument],
        concurrency: int | None = None,
    ) -> aws.lambda_.Function:
        names = args.names
        mine = ResourceOptions(parent=self)
        stem = f"{name}-{module.replace('_', '-')}"
        log_group = aws.cloudwatch.LogGroup(
            f"{stem}-log",
            name=names.log_group(function_name),
            kms_key_id=args.data_key_arn,
            retention_in_days=LOG_RETENTION,
            opts=mine,
        )
        role = aws.iam.Role(
            f"{stem}-role",
            name=function_name,
            description=f"Function {function_name}",
            assume_role_policy=service_trust("AssumedByLambda", "lambda.amazonaws.com").json(),
            opts=mine,
        )
        role_policy = aws.iam.RolePolicy(
            f"{stem}-policy",
            name="work",
            role=role.name,
            policy=args.data_key_arn.apply(lambda arn: policy(names, arn).json()),
            opts=mine,
        )
        return aws.lambda_.Function(
            f"{stem}-function",
            name=function_name,
            role=role.arn,
            runtime=LAMBDA_RUNTIME,
            handler=f"runtime.functions.{module}.lambda_handler",
            code=pulumi.AssetArchive({path: pulumi.FileAsset(str(PROJECT / path)) for path in SOURCES}),
            timeout=300,
            memory_size=512,
            kms_key_arn=args.data_key_arn,
            reserved_concurrent_executions=concurrency,
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=self._dead_letters.arn),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=log_group.name),
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=_environment(args)),
            opts=ResourceOptions(parent=self, depends_on=[role_policy]),
        )

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
            aws.lambda_.Permission(
                f"{name}-{stem}-permission",
                function=function.name,
                statement_id="CalledByImageState",
                action="lambda:InvokeFunction",
                principal="events.amazonaws.com",
                source_arn=rule.arn,
                source_account=names.account,
                opts=mine,
            )
            aws.cloudwatch.EventTarget(
                f"{name}-{stem}-target",
                rule=rule.name,
                target_id=stem,
                arn=function.arn,
                opts=mine,
            )


def _environment(args: BuildTriggerArgs) -> pulumi.Output[dict[str, str]]:
    names = args.names
    return pulumi.Output.all(args.bucket, args.data_key_arn, args.pipeline_arn, args.topic_arn).apply(
        lambda known: Settings(
            product=names.product,
            entry_script=args.entry_script,
            hub=names.account,
            bucket=known[0],
            data_key_arn=known[1],
            pipeline_arn=known[2],
            topic_arn=known[3],
        ).environment()
    )
