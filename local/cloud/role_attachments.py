"""Attaching managed policies to roles: IAM's `iam:PolicyARN` condition and policies that are not there.

ministack knows no such condition, and attaches anything that looks like a policy's ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.service import Operation


class RoleAttachments:
    """Decides on `AttachRolePolicy` and `DetachRolePolicy`; ministack carries them out."""

    name = "iam"
    whole = False
    resource_of = None

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.operations: Mapping[str, Operation] = {
            "AttachRolePolicy": self._change,
            "DetachRolePolicy": self._change,
        }

    def reset(self) -> None:
        """Nothing is kept here."""

    def _change(self, call: Call) -> dict[str, Any]:
        role = call.parameters["RoleName"]
        found = Call(call.service, "GetRole", call.region, call.caller, {"RoleName": role})
        try:
            arn = self._gateway.forward(found)["Role"]["Arn"]
        except ServiceError:
            # Without a role there is no path to know; who may do nothing shall not learn that it is missing.
            arn = f"arn:aws:iam::{call.caller.account}:role/{role}"
        context = {"iam:PolicyARN": call.parameters["PolicyArn"]}
        self._gateway.authorize(call.caller, f"iam:{call.operation}", arn, call.region, context, code="AccessDenied")
        if call.operation == "AttachRolePolicy":
            self._check_policy(call)
        return self._gateway.forward(call)

    def _check_policy(self, call: Call) -> None:
        policy = call.parameters["PolicyArn"]
        try:
            self._gateway.forward(Call(call.service, "GetPolicy", call.region, call.caller, {"PolicyArn": policy}))
        except ServiceError as error:
            message = f"Policy {policy} does not exist or is not attachable."
            raise ServiceError("NoSuchEntity", message, 404) from error
