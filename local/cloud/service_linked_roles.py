"""Service-linked roles: ministack knows neither their names nor their policies as AWS has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud.call import Call, Caller, ServiceError
from local.cloud.gateway import Gateway, root
from local.cloud.service import Operation, Service


@dataclass(frozen=True)
class Definition:
    """How AWS makes a service's role: its name, and the managed policy under `aws-service-role/` that it has."""

    name: str
    policy: str


DEFINITIONS: Mapping[str, Definition] = {
    "agentless.inspector2.amazonaws.com": Definition(
        "AWSServiceRoleForAmazonInspector2Agentless", "AmazonInspector2AgentlessServiceRolePolicy"
    ),
    "autoscaling.amazonaws.com": Definition("AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"),
    "ec2fastlaunch.amazonaws.com": Definition("AWSServiceRoleForEC2FastLaunch", "EC2FastLaunchServiceRolePolicy"),
    "inspector2.amazonaws.com": Definition("AWSServiceRoleForAmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
}
"""Services whose role can be made here (the service's own guide, "Service-linked roles")."""


class ServiceLinkedRoles:
    """`iam:CreateServiceLinkedRole` beside what `others` does of IAM, and the same for services that make their own."""

    name = "iam"
    whole = False
    resource_of = None

    def __init__(self, gateway: Gateway, others: Service) -> None:
        self._gateway = gateway
        self._others = others
        self.operations: Mapping[str, Operation] = {**others.operations, "CreateServiceLinkedRole": self._create}

    def reset(self) -> None:
        """Roles are kept by ministack."""
        self._others.reset()

    def _create(self, call: Call) -> dict[str, Any]:
        service = call.parameters["AWSServiceName"]
        if service not in DEFINITIONS or "CustomSuffix" in call.parameters:
            what = f"a suffix for {service}" if service in DEFINITIONS else service
            message = f"The local cloud's CreateServiceLinkedRole does not do {what}."
            raise ServiceError("UnsupportedOperation", message, 501)
        self.authorize(call.caller, service, call.region)
        return {"Role": self.make(call.caller.account, service, call.parameters.get("Description", ""))}

    def authorize(self, caller: Caller, service: str, region: str) -> None:
        """The caller must be allowed `iam:CreateServiceLinkedRole` on the role; raises `ServiceError`."""
        arn = service_linked_role_arn(caller.account, service)
        context = {"iam:AWSServiceName": service}
        self._gateway.authorize(caller, "iam:CreateServiceLinkedRole", arn, region, context, code="AccessDenied")

    def exists(self, account: str, service: str) -> bool:
        """Whether an account has a service's role."""
        try:
            self._iam(account, "GetRole", RoleName=DEFINITIONS[service].name)
        except ServiceError as error:
            if error.code != "NoSuchEntity":
                raise
            return False
        return True

    def make(self, account: str, service: str, description: str = "") -> dict[str, Any]:
        """Make an account's role for a service, as IAM describes it; raises `ServiceError` where it is there."""
        definition = DEFINITIONS[service]
        if self.exists(account, service):
            name = definition.name
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise ServiceError("InvalidInput", message)
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = self._iam(
            account,
            "CreateRole",
            RoleName=definition.name,
            Path=f"/aws-service-role/{service}/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            Description=description,
        )["Role"]
        policy = f"arn:aws:iam::aws:policy/aws-service-role/{definition.policy}"
        self._iam(account, "AttachRolePolicy", RoleName=definition.name, PolicyArn=policy)
        return made

    def _iam(self, account: str, operation: str, **parameters: Any) -> dict[str, Any]:
        owner = Caller(account, f"arn:aws:iam::{account}:root", root(account))
        return self._gateway.forward(Call("iam", operation, "us-east-1", owner, parameters))


def service_linked_role_arn(account: str, service: str) -> str:
    """ARN of an account's role for a service, whether it is there or not."""
    return f"arn:aws:iam::{account}:role/aws-service-role/{service}/{DEFINITIONS[service].name}"
