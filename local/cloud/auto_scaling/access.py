"""What a caller's identity policies must allow for a call of Auto Scaling.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2 Auto Scaling".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.auto_scaling.records import Group
from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway

REFUSED = "AccessDenied"


def configuration_arn(call: Call, name: str, identifier: str = "*") -> str:
    """ARN of a launch configuration; what does not exist yet has no identifier of its own."""
    owner = f"{call.region}:{call.caller.account}"
    return f"arn:aws:autoscaling:{owner}:launchConfiguration:{identifier}:launchConfigurationName/{name}"


def group_arn(call: Call, name: str, identifier: str = "*") -> str:
    """ARN of a group; what does not exist yet has no identifier of its own."""
    owner = f"{call.region}:{call.caller.account}"
    return f"arn:aws:autoscaling:{owner}:autoScalingGroup:{identifier}:autoScalingGroupName/{name}"


class Access:
    """Holds calls against their caller's policies; every method raises `ServiceError` (AccessDenied)."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def require(self, call: Call, resource_arn: str, context: Mapping[str, Any] | None = None) -> None:
        """The caller must be allowed the call on a resource."""
        keys = {**call.context, **(context or {})}
        action = f"autoscaling:{call.operation}"
        self._gateway.authorize(call.caller, action, resource_arn, call.region, keys, code=REFUSED)

    def describe(self, call: Call) -> None:
        """Descriptions have no resource level."""
        self.require(call, "*")

    def group(self, call: Call, group: Group) -> None:
        """The caller must be allowed the call on a group, whose tags are condition keys under two names."""
        keys = {
            f"{prefix}:ResourceTag/{tag['Key']}": tag.get("Value", "")
            for tag in group.tags
            for prefix in ("aws", "autoscaling")
        }
        self.require(call, group.arn, keys)

    def pass_profile(self, call: Call, profile: str) -> None:
        """Whoever states an instance profile must be allowed to pass its roles to EC2 (User Guide, "IAM role").

        Raises `ServiceError` also where there is no such profile.
        """
        iam = self._gateway.root_client("iam", call.caller.account, "us-east-1")
        try:
            found = iam.get_instance_profile(InstanceProfileName=profile.rsplit("/", 1)[-1])["InstanceProfile"]
        except ClientError as error:
            raise ServiceError("ValidationError", f"Invalid IamInstanceProfile: {profile}") from error
        context = {"iam:PassedToService": "ec2.amazonaws.com"}
        for role in found["Roles"]:
            self._gateway.authorize(call.caller, "iam:PassRole", role["Arn"], call.region, context, code=REFUSED)
