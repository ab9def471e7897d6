"""One function of a product: its role, its log, and how failed events are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.function_layer import LAMBDA_RUNTIME
from components.retention import LOG_RETENTION
from model.documents import PolicyDocument
from model.hub_policies import service_trust
from model.names import ProductNames
from runtime.functions.build_lock import FUNCTION_TIMEOUT
from runtime.layer import ARCHITECTURE

PROJECT = Path(__file__).parent.parent

SOURCES = (
    "model/__init__.py",
    "model/manifest.py",
    "model/names.py",
    "runtime/__init__.py",
    "runtime/functions/__init__.py",
    "runtime/functions/accounts.py",
    "runtime/functions/aws_errors.py",
    "runtime/functions/build_lock.py",
    "runtime/functions/build_state.py",
    "runtime/functions/channel_marks.py",
    "runtime/functions/dependencies.py",
    "runtime/functions/destinations.py",
    "runtime/functions/findings.py",
    "runtime/functions/holdings.py",
    "runtime/functions/inspection.py",
    "runtime/functions/judge_scan.py",
    "runtime/functions/outcome.py",
    "runtime/functions/pinning.py",
    "runtime/functions/pipeline_runs.py",
    "runtime/functions/provenance.py",
    "runtime/functions/reconciliation.py",
    "runtime/functions/report_outcome.py",
    "runtime/functions/reports.py",
    "runtime/functions/retention.py",
    "runtime/functions/scan_report.py",
    "runtime/functions/scan_verdict.py",
    "runtime/functions/script_checks.py",
    "runtime/functions/secret_rules.py",
    "runtime/functions/secret_scan.py",
    "runtime/functions/settings.py",
    "runtime/functions/shared_images.py",
    "runtime/functions/shell_lint.py",
    "runtime/functions/start_build.py",
    "runtime/functions/sweep.py",
    "runtime/functions/sweep_images.py",
    "runtime/functions/uploads.py",
)
"""What all functions carry, named one by one: a folder would pick up caches and show changes that are none."""

RETRIES = 2
"""Times that Lambda repeats a failed event; its own maximum."""

EVENT_AGE = 3600
"""Seconds after which an event that still fails is kept for people instead."""

DELIVERY_RETRIES = 185
"""Times that EventBridge's rules and schedules try to reach a function; their own default, within `EVENT_AGE`."""

MEMORY = 1024
"""MiB; shellcheck alone takes some hundred."""


class ProductFunctionArgs(ComponentArgs):
    """What a function is and works on."""

    names: ProductNames
    function_name: str
    module: str
    """Its module below `runtime/functions`."""
    policy: Callable[[str], PolicyDocument]
    """Its role's policy, by the data key's ARN."""
    environment: pulumi.Output[dict[str, str]]
    layer_arn: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]
    dead_letters_arn: pulumi.Output[str]


class ProductFunction(pulumi.ComponentResource):
    """A function with a role of its own, an encrypted log, bounded retries and a queue for what fails for good."""

    function: aws.lambda_.Function

    def __init__(self, name: str, args: ProductFunctionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:ProductFunction", name, None, opts)
        mine = ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=args.names.log_group(args.function_name),
            kms_key_id=args.data_key_arn,
            retention_in_days=LOG_RETENTION,
            opts=mine,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=args.function_name,
            description=f"Function {args.function_name}",
            assume_role_policy=service_trust("AssumedByLambda", "lambda.amazonaws.com").json(),
            opts=mine,
        )
        role_policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="work",
            role=role.name,
            policy=args.data_key_arn.apply(lambda arn: args.policy(arn).json()),
            opts=mine,
        )
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=args.function_name,
            role=role.arn,
            runtime=LAMBDA_RUNTIME,
            architectures=[ARCHITECTURE],
            handler=f"runtime.functions.{args.module}.lambda_handler",
            code=pulumi.AssetArchive({path: pulumi.FileAsset(str(PROJECT / path)) for path in SOURCES}),
            layers=[args.layer_arn],
            timeout=FUNCTION_TIMEOUT,
            memory_size=MEMORY,
            kms_key_arn=args.data_key_arn,
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=args.dead_letters_arn),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=log_group.name),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=args.environment),
            opts=ResourceOptions(parent=self, depends_on=[role_policy]),
        )
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-retries",
            function_name=self.function.name,
            maximum_retry_attempts=RETRIES,
            maximum_event_age_in_seconds=EVENT_AGE,
            opts=mine,
        )
        self.register_outputs({"arn": self.function.arn})
