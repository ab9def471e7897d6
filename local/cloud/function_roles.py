"""What Lambda asks of a function's role before it takes the function: trust, and the right to send dead letters."""

from __future__ import annotations

from typing import Any

from local.cloud import identity, protocol
from local.cloud.call import Call, ServiceError
from local.cloud.deliveries.invocations import NOT_ASSUMED, Invocations
from local.cloud.gateway import Gateway
from local.cloud.guard import SignedRequest

INVALID = "InvalidParameterValueException"
SENDS = {
    "sns": ("sns:Publish", "The provided execution role does not have permissions to call Publish on SNS"),
    "sqs": ("sqs:SendMessage", "The provided execution role does not have permissions to call SendMessage on SQS"),
}
"""What a role needs for a function's dead letters, and Lambda's words where it does not have it."""


class FunctionRoles:
    """Checks the role of a function that is made or changed (Lambda Developer Guide, "Adding a dead-letter queue")."""

    services = frozenset({"lambda"})

    def __init__(self, gateway: Gateway, invocations: Invocations) -> None:
        self._gateway = gateway
        self._invocations = invocations

    def check(self, signed: SignedRequest) -> None:
        """Raise `ServiceError` (InvalidParameterValueException) for a role that does not serve its function."""
        operation = protocol.operation_of("lambda", signed.request)
        if operation is None or operation.name not in {"CreateFunction", "UpdateFunctionConfiguration"}:
            return
        try:
            parameters = protocol.parameters(operation, signed.request)
            role: str = parameters.get("Role") or self._known_role(signed, parameters["FunctionName"])
        except ServiceError:
            # Malformed, or nothing there: Lambda itself says so.
            return
        if "Role" in parameters:
            try:
                self._invocations.check_trust(role)
            except ServiceError as error:
                raise ServiceError(INVALID, NOT_ASSUMED) from error
        target: str | None = parameters.get("DeadLetterConfig", {}).get("TargetArn")
        if target:
            self._check_dead_letters(role, parameters["FunctionName"], target)

    def _known_role(self, signed: SignedRequest, function: str) -> str:
        asked = {"FunctionName": function}
        call = Call("lambda", "GetFunctionConfiguration", signed.region, signed.caller, asked)
        found: dict[str, Any] = self._gateway.forward(call)
        return found["Role"]

    def _check_dead_letters(self, role: str, function: str, target: str) -> None:
        _, _, service, region, *_ = target.split(":")
        if service not in SENDS:
            return
        action, refusal = SENDS[service]
        name = function.rsplit(":", 1)[-1]
        session = identity.service_session(role, name, self._gateway.clock.now().timestamp())
        try:
            # Not written down: Lambda looks at the role, and sends nothing yet.
            identity.authorize(session.access_key_id, action, target, region, {}, INVALID)
        except ServiceError as error:
            raise ServiceError(INVALID, refusal) from error
