"""The gate between a scan and the rest of a build, in Amazon States Language.

Image Builder's step ExecuteStateMachine fails with the execution, and the image with the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.names import ProductNames

GATE_ERROR = "ScanRefused"
"""Error with which the gate fails an image."""

SERVICE_ERRORS = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""What passes by itself (Step Functions Developer Guide, "Handle transient Lambda service exceptions")."""


def gate_definition(names: ProductNames, rules: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the scan of `instance`, and end in failure where `image` does not go on.

    The state machine hands the rules over: a function's environment holds 4 KB.
    """
    return {
        "Comment": f"Whether images of {names.product} go on with what a scan found",
        "StartAt": "Judge",
        "States": {
            "Judge": {
                "Type": "Task",
                "Resource": names.function_arn(names.scan_function),
                "Parameters": {"image.$": "$.image", "instance.$": "$.instance", "rules": dict(rules)},
                "Retry": [
                    {"ErrorEquals": list(SERVICE_ERRORS), "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2}
                ],
                "Next": "Decide",
            },
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.passed", "BooleanEquals": True, "Next": "Passed"}],
                "Default": "Refused",
            },
            "Passed": {"Type": "Succeed"},
            "Refused": {"Type": "Fail", "Error": GATE_ERROR, "CausePath": "$.reason"},
        },
    }
