"""Policies around the scan of a finished image: the function that judges, the gate that waits for it, and who asks."""

from __future__ import annotations

from model.documents import PolicyDocument, Statement, trust_policy
from model.hub_policies import function_basics, given_topic_key
from model.names import ProductNames


def scan_function_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What the function that judges scans does: ask Inspector, and report on the product's topic."""
    return PolicyDocument(
        (
            _read_inspector("ReadScans"),
            Statement("ReportScan", ("sns:Publish",), (names.topic_arn,)),
            *given_topic_key(names),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
            *function_basics(names, names.scan_function),
        )
    )


def scan_gate_trust(names: ProductNames) -> PolicyDocument:
    """Trust for Step Functions, for this state machine only.

    Source: Step Functions Developer Guide, "Preventing cross-service confused deputy issues in Step Functions".
    """
    return trust_policy(
        Statement(
            "AssumedByGate",
            ("sts:AssumeRole",),
            principal={"Service": "states.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account},
                "ArnEquals": {"aws:SourceArn": names.scan_gate_arn},
            },
        )
    )


def scan_gate_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What the state machine does: call the function, and keep encrypted executions, logs and traces.

    Sources: Step Functions Developer Guide, "Data at rest encryption in Step Functions", "Using CloudWatch Logs to log
    execution history" and "Trace Step Functions request data in AWS X-Ray".
    """
    return PolicyDocument(
        (
            Statement("JudgeScan", ("lambda:InvokeFunction",), (names.function_arn(names.scan_function),)),
            Statement(
                "EncryptExecutions",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                (data_key_arn,),
                conditions={"StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": names.scan_gate_arn}},
            ),
            Statement(
                "EncryptLogs",
                ("kms:GenerateDataKey",),
                (data_key_arn,),
                conditions={
                    "StringEquals": {
                        "kms:EncryptionContext:SourceArn": f"arn:aws:logs:{names.region}:{names.account}:*"
                    }
                },
            ),
            # Log deliveries and their resource policies have no resource level (Service Authorization Reference).
            Statement(
                "DeliverLogs",
                (
                    "logs:CreateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:DescribeLogGroups",
                    "logs:DescribeResourcePolicies",
                    "logs:GetLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:UpdateLogDelivery",
                ),
            ),
            Statement(
                "WriteTraces",
                (
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                    "xray:PutTelemetryRecords",
                    "xray:PutTraceSegments",
                ),
            ),
        )
    )


def scan_execution_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What the execution role does beside `execution_policy`: collect findings, and wait for the gate.

    Source: Image Builder User Guide, "Supported step actions for your workflow document", ExecuteStateMachine; the
    first statement follows `AWSServiceRoleForImageBuilder`.
    """
    return PolicyDocument(
        (
            _read_inspector("CollectFindings"),
            Statement("StartGate", ("states:StartExecution",), (names.scan_gate_arn,)),
            Statement("FollowGate", ("states:DescribeExecution",), (names.scan_gate_executions,)),
            Statement(
                "ReadGateOutcome",
                ("kms:Decrypt",),
                (data_key_arn,),
                conditions={
                    "StringEquals": {
                        "kms:ViaService": f"states.{names.region}.amazonaws.com",
                        "kms:EncryptionContext:aws:states:stateMachineArn": names.scan_gate_arn,
                    }
                },
            ),
        )
    )


def _read_inspector(sid: str) -> Statement:
    """Neither has a resource level (Service Authorization Reference, Amazon Inspector2)."""
    return Statement(sid, ("inspector2:ListCoverage", "inspector2:ListFindings"))
