"""Roles that are handed to services which ministack keeps: whoever hands one over needs `iam:PassRole` on it.

Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service". Image Builder, EC2 and Auto Scaling
ask for it themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from local.cloud import protocol
from local.cloud.call import ServiceError
from local.cloud.gateway import Gateway
from local.cloud.guard import SignedRequest
from local.cloud.ministack_corrections import role_arn_by_name

Roles = Callable[[str, dict[str, Any]], Iterable[str | None]]
"""Tells the ARNs of the roles in a call, from its caller's account and its parameters."""


def _stated(name: str) -> Roles:
    return lambda _account, parameters: [parameters.get(name)]


def _of_targets(_account: str, parameters: dict[str, Any]) -> Iterable[str | None]:
    return [target.get("RoleArn") for target in parameters["Targets"]]


def _by_name(account: str, parameters: dict[str, Any]) -> Iterable[str | None]:
    return [role_arn_by_name(account, parameters["RoleName"])]


PASSES: dict[tuple[str, str], tuple[str, Roles]] = {
    ("events", "PutRule"): ("events.amazonaws.com", _stated("RoleArn")),
    ("events", "PutTargets"): ("events.amazonaws.com", _of_targets),
    ("iam", "AddRoleToInstanceProfile"): ("ec2.amazonaws.com", _by_name),
    ("lambda", "CreateFunction"): ("lambda.amazonaws.com", _stated("Role")),
    ("lambda", "UpdateFunctionConfiguration"): ("lambda.amazonaws.com", _stated("Role")),
    ("states", "CreateStateMachine"): ("states.amazonaws.com", _stated("roleArn")),
    ("states", "UpdateStateMachine"): ("states.amazonaws.com", _stated("roleArn")),
}
"""Operations that hand a role over, and to whom (Service Authorization Reference, "Dependent actions")."""


class PassedRoles:
    """Decides on `iam:PassRole`."""

    services = frozenset(service for service, _ in PASSES)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def check(self, signed: SignedRequest) -> None:
        """Raise `ServiceError` (AccessDeniedException; AccessDenied of IAM) where the caller may not pass a role."""
        operation = protocol.operation_of(signed.service, signed.request)
        found = PASSES.get((signed.service, operation.name)) if operation else None
        if operation is None or found is None:
            return
        service, roles = found
        try:
            parameters = protocol.parameters(operation, signed.request)
        except ServiceError:
            # The service itself says what is wrong.
            return
        code = "AccessDenied" if signed.service == "iam" else "AccessDeniedException"
        context = {"iam:PassedToService": service}
        for role in roles(signed.caller.account, parameters):
            if role:
                self._gateway.authorize(signed.caller, "iam:PassRole", role, signed.region, context, code)
