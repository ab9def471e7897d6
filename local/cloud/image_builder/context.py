"""What every operation needs: the state, the way to other services, and common checks of IAM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, Credentials, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.image_builder import errors
from local.cloud.image_builder.store import Shelf, Store, timestamp
from runtime.functions.aws_errors import code_of

PRINCIPAL = "imagebuilder.amazonaws.com"
SERVICE_ROLE = "AWSServiceRoleForImageBuilder"
_SERVICE_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": PRINCIPAL}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Context:
    """Shared by the operations and the builds."""

    store: Store
    gateway: Gateway
    work: Path

    def shelf(self, call: Call) -> Shelf:
        """The resources of the caller's account in the call's Region."""
        return self.store.shelf(call.caller.account, call.region)

    def now(self) -> str:
        """The time as resources carry it."""
        return timestamp(self.gateway.clock.now())

    def authorize_tags(self, call: Call, arn: str) -> None:
        """Tags at creation need `imagebuilder:TagResource` beside the operation (Service Authorization Reference)."""
        if call.parameters.get("tags"):
            self.gateway.authorize(call.caller, "imagebuilder:TagResource", arn, call.region)

    def authorize_pass_role(self, call: Call, role_arn: str, service: str) -> None:
        """A role handed to a service needs `iam:PassRole` (IAM User Guide, "Grant permissions to pass a role")."""
        context = {"iam:PassedToService": service}
        self.gateway.authorize(call.caller, "iam:PassRole", role_arn, call.region, context)

    def execution_role(self, account: str, role: str | None) -> str:
        """ARN of the role that a pipeline works with: its own, or the service-linked one."""
        if role is None:
            return f"arn:aws:iam::{account}:role/aws-service-role/{PRINCIPAL}/{SERVICE_ROLE}"
        return role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"

    def assume(self, account: str, role: str | None, image_arn: str) -> Credentials:
        """Credentials of the role that a pipeline works with, for one image.

        Raises:
            ServiceError: The role's trust does not admit Image Builder.
        """
        source = {"aws:SourceAccount": account, "aws:SourceArn": image_arn}
        return self.gateway.assume_service_role(self.execution_role(account, role), PRINCIPAL, "ImageBuilder", source)

    def ensure_service_role(self, call: Call) -> None:
        """Make the service-linked role at the first pipeline of an account, as the caller.

        Raises:
            ServiceError: The caller may not make it.
        """
        account = call.caller.account
        iam = self.gateway.root_client("iam", account, call.region)
        try:
            iam.get_role(RoleName=SERVICE_ROLE)
        except ClientError as error:
            if code_of(error) != "NoSuchEntity":
                raise
            context = {"iam:AWSServiceName": PRINCIPAL}
            arn = self.execution_role(account, None)
            self.gateway.authorize(call.caller, "iam:CreateServiceLinkedRole", arn, call.region, context)
            # Not by CreateServiceLinkedRole: ministack writes the name in another case than AWS.
            iam.create_role(
                RoleName=SERVICE_ROLE,
                Path=f"/aws-service-role/{PRINCIPAL}/",
                AssumeRolePolicyDocument=json.dumps(_SERVICE_TRUST),
            )
            policy = f"arn:aws:iam::aws:policy/aws-service-role/{SERVICE_ROLE}"
            iam.attach_role_policy(RoleName=SERVICE_ROLE, PolicyArn=policy)

    def profile_role(self, account: str, region: str, profile: str) -> str:
        """ARN of the role in an instance profile.

        Raises:
            ServiceError: The profile does not exist or holds no role.
        """
        iam = self.gateway.root_client("iam", account, region)
        try:
            roles: list[dict[str, Any]] = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"][
                "Roles"
            ]
        except ClientError as error:
            raise errors.invalid_value(
                "instanceProfileName",
                "The provided instance profile does not exist. "
                "Please specify a different instance profile and try again.",
            ) from error
        if not roles:
            raise errors.invalid_value("instanceProfileName", "The provided instance profile has no role.")
        return roles[0]["Arn"]


def reason_of(error: Exception) -> str:
    """What an AWS error says, without the client's preamble."""
    if isinstance(error, ClientError):
        details: Mapping[str, Any] = error.response.get("Error", {})
        return str(details.get("Message") or error)
    if isinstance(error, ServiceError):
        return error.message
    return str(error)


AWS_ERRORS = (ClientError, ServiceError)
"""What a call to another service may raise."""
