"""The gate that finished images pass with what a scan found: a state machine and the function that judges."""

from __future__ import annotations

import json
from functools import partial

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.function import ProductFunction, ProductFunctionArgs
from components.retention import LOG_RETENTION
from model.files.scan import Scan
from model.names import ProductNames
from model.scan_gate import gate_definition
from model.scan_policies import scan_function_policy, scan_gate_policy, scan_gate_trust
from runtime.functions.settings import ScanSettings


class ScanGateArgs(ComponentArgs):
    """What is judged by which rules, and where it is reported."""

    names: ProductNames
    scan: Scan
    layer_arn: pulumi.Output[str]
    dead_letters_arn: pulumi.Output[str]
    data_key_arn: pulumi.Output[str]
    topic_arn: pulumi.Output[str]


class ScanGate(pulumi.ComponentResource):
    """Function and state machine; the workflow that waits for them names the state machine by its known ARN."""

    arn: pulumi.Output[str]
    """ARN of the state machine."""

    def __init__(self, name: str, args: ScanGateArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:scan:ScanGate", name, None, opts)
        names, mine = args.names, ResourceOptions(parent=self)
        product = names.product
        judge = ProductFunction(
            f"{name}-judge-scan",
            ProductFunctionArgs(
                names=names,
                function_name=names.scan_function,
                module="judge_scan",
                policy=partial(scan_function_policy, names),
                environment=args.topic_arn.apply(lambda arn: ScanSettings(product, arn).environment()),
                layer_arn=args.layer_arn,
                data_key_arn=args.data_key_arn,
                dead_letters_arn=args.dead_letters_arn,
            ),
            mine,
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=names.scan_gate_log_group,
            kms_key_id=args.data_key_arn,
            retention_in_days=LOG_RETENTION,
            opts=mine,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=names.scan_gate,
            description=f"State machine {names.scan_gate}",
            assume_role_policy=scan_gate_trust(names).json(),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="work",
            role=role.name,
            policy=args.data_key_arn.apply(lambda arn: scan_gate_policy(names, arn).json()),
            opts=mine,
        )
        machine = aws.sfn.StateMachine(
            f"{name}-gate",
            name=names.scan_gate,
            role_arn=role.arn,
            definition=json.dumps(gate_definition(names, args.scan.rules)),
            encryption_configuration=aws.sfn.StateMachineEncryptionConfigurationArgs(
                type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=args.data_key_arn, kms_data_key_reuse_period_seconds=300
            ),
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ALL", include_execution_data=True, log_destination=pulumi.Output.format("{0}:*", log_group.arn)
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            opts=ResourceOptions(parent=self, depends_on=[policy, judge.function]),
        )
        self.arn = machine.arn
        self.register_outputs({"arn": self.arn})
