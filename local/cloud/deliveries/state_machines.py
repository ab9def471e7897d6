"""State machines call functions with their own role; ministack calls them with nobody's.

Source: Step Functions Developer Guide, "How AWS Step Functions works with IAM" and "Invoke an AWS Lambda function with
Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

from local.cloud.call import Credentials, ServiceError
from local.cloud.gateway import Gateway

STATES = "states.amazonaws.com"

_running: ContextVar[str] = ContextVar("golden_ami_execution")


class StateMachines:
    """Has each task that calls a function decided by the state machine's role."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def install(self) -> None:
        """Take the place of ministack's own calls of functions."""
        run = stepfunctions._run_execution  # pyright: ignore[reportPrivateUsage]
        call = stepfunctions._call_lambda  # pyright: ignore[reportPrivateUsage]

        def run_execution(execution_arn: str) -> Any:
            _running.set(execution_arn)
            return run(execution_arn)

        def call_lambda(function: str, event: Any) -> Any:
            try:
                self._authorize(function)
            except ServiceError as error:
                raise stepfunctions._ExecutionError(  # pyright: ignore[reportPrivateUsage]
                    "Lambda.AWSLambdaException", error.message
                ) from error
            return call(function, event)

        for operation in ("_create_state_machine", "_update_state_machine"):
            setattr(stepfunctions, operation, _keeping_tracing(getattr(stepfunctions, operation)))
        stepfunctions._run_execution = run_execution  # pyright: ignore[reportPrivateUsage]
        stepfunctions._call_lambda = call_lambda  # pyright: ignore[reportPrivateUsage]

    def _authorize(self, function: str) -> None:
        """Raise `ServiceError` where the running state machine's role does not trust it, or may not call a function."""
        execution = _running.get()
        machine_arn: str = stepfunctions._executions[execution]["stateMachineArn"]  # pyright: ignore[reportPrivateUsage]
        role: str = stepfunctions._state_machines[machine_arn]["roleArn"]  # pyright: ignore[reportPrivateUsage]
        _, _, _, region, account, *_ = machine_arn.split(":")
        source = {"aws:SourceAccount": account, "aws:SourceArn": machine_arn}
        session = execution.rsplit(":", 1)[-1]
        credentials: Credentials = self._gateway.assume_service_role(role, STATES, session, source)
        name = function.rsplit(":function:", 1)[-1]
        arn = function if function.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
        self._gateway.authorize(credentials, "lambda:InvokeFunction", arn, region)


def _keeping_tracing(operation: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Keep what a request says of tracing, which ministack drops."""

    def keep(request: dict[str, Any]) -> Any:
        answer = operation(request)
        found = [
            machine
            for arn, machine in stepfunctions._state_machines.items()  # pyright: ignore[reportPrivateUsage]
            if request.get("stateMachineArn") == arn or machine["name"] == request.get("name")
        ]
        if answer[0] == 200 and found and "tracingConfiguration" in request:
            found[0]["tracingConfiguration"] = request["tracingConfiguration"]
        return answer

    return keep
