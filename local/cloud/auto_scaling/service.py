"""The operations of Auto Scaling."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from local.cloud.auto_scaling.access import Access, configuration_arn, group_arn
from local.cloud.auto_scaling.descriptions import shown_activity, shown_configuration, shown_group
from local.cloud.auto_scaling.placement import placement
from local.cloud.auto_scaling.records import Group, LaunchConfiguration
from local.cloud.auto_scaling.scaling import SERVICE, Scaling, reason
from local.cloud.auto_scaling.store import Store
from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import reject_others
from local.cloud.gateway import Gateway, service_error
from local.cloud.service import Operation
from local.cloud.service_linked_roles import ServiceLinkedRoles, service_linked_role_arn

Item = TypeVar("Item")

KNOWN_OF_CONFIGURATION = frozenset(
    {
        "IamInstanceProfile", "ImageId", "InstanceType", "LaunchConfigurationName", "MetadataOptions",
        "SecurityGroups", "UserData",
    }
)  # fmt: skip

KNOWN_OF_GROUP = frozenset(
    {
        "AutoScalingGroupName", "AvailabilityZones", "DesiredCapacity", "LaunchConfigurationName", "MaxSize",
        "MinSize", "Tags", "VPCZoneIdentifier",
    }
)  # fmt: skip

PAGE = 50
"""Items of a page where the caller does not say (API Reference, DescribeAutoScalingGroups, MaxRecords)."""


class AutoScaling:
    """Launch configurations and groups."""

    name = "autoscaling"
    whole = True
    resource_of = None

    def __init__(self, gateway: Gateway, service_linked_roles: ServiceLinkedRoles) -> None:
        self._gateway = gateway
        self._roles = service_linked_roles
        self._store = Store()
        self._access = Access(gateway)
        self._scaling = Scaling(gateway)
        operations: dict[str, Operation] = {
            "CreateAutoScalingGroup": self._create_group,
            "CreateLaunchConfiguration": self._create_configuration,
            "DeleteAutoScalingGroup": self._delete_group,
            "DeleteLaunchConfiguration": self._delete_configuration,
            "DescribeAutoScalingGroups": self._describe_groups,
            "DescribeLaunchConfigurations": self._describe_configurations,
            "DescribeScalingActivities": self._describe_activities,
            "SetDesiredCapacity": self._set_desired_capacity,
        }
        self.operations: Mapping[str, Operation] = {name: self._alone(run) for name, run in operations.items()}

    def reset(self) -> None:
        """Forget everything."""
        self._store.clear()

    def _alone(self, run: Operation) -> Operation:
        """One call at a time, so that no capacity is launched twice."""

        def locked(call: Call) -> dict[str, Any]:
            with self._store.lock:
                return run(call)

        return locked

    def _create_configuration(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        name = parameters["LaunchConfigurationName"]
        reject_others(call, KNOWN_OF_CONFIGURATION)
        for required in ("ImageId", "InstanceType"):
            if not parameters.get(required):
                message = (
                    "Valid requests must contain either the InstanceID parameter or both the ImageId and InstanceType "
                    "parameters."
                )
                raise ServiceError("ValidationError", message)
        context = {"autoscaling:ImageId": parameters["ImageId"], "autoscaling:InstanceType": parameters["InstanceType"]}
        self._access.require(call, configuration_arn(call, name), context)
        if "IamInstanceProfile" in parameters:
            self._access.pass_profile(call, parameters["IamInstanceProfile"])
        if name in self._store.configurations(call):
            message = (
                "Launch Configuration by this name already exists - "
                f"A launch configuration already exists with the name {name}"
            )
            raise ServiceError("AlreadyExists", message)
        self._check_image(call, parameters["ImageId"])
        arn = configuration_arn(call, name, str(uuid.uuid4()))
        made = LaunchConfiguration(name, arn, self._gateway.clock.now(), dict(parameters))
        self._store.configurations(call)[name] = made
        return {}

    def _check_image(self, call: Call, image: str) -> None:
        ec2 = self._gateway.root_client("ec2", call.caller.account, call.region)
        try:
            ec2.describe_images(ImageIds=[image])
        except ClientError as error:
            message = f"AMI {image} is invalid: {service_error(error).message}"
            raise ServiceError("ValidationError", message) from error

    def _create_group(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        name = parameters["AutoScalingGroupName"]
        reject_others(call, KNOWN_OF_GROUP)
        tags = parameters.get("Tags", [])
        context: dict[str, Any] = {
            "autoscaling:LaunchConfigurationName": parameters.get("LaunchConfigurationName", ""),
            "autoscaling:MaxSize": str(parameters["MaxSize"]),
            "autoscaling:MinSize": str(parameters["MinSize"]),
            **{f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in tags},
        }
        if tags:
            context["aws:TagKeys"] = [tag["Key"] for tag in tags]
        self._access.require(call, group_arn(call, name), context)
        if name in self._store.groups(call):
            message = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
            raise ServiceError("AlreadyExists", message)
        if "LaunchConfigurationName" not in parameters:
            message = (
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
                "MixedInstancesPolicy parameter."
            )
            raise ServiceError("ValidationError", message)
        configuration = self._store.configuration(call, parameters["LaunchConfigurationName"])
        minimum, maximum = parameters["MinSize"], parameters["MaxSize"]
        desired = parameters.get("DesiredCapacity", minimum)
        _check_bounds(minimum, maximum, desired)
        subnets, zones = placement(call, self._gateway)
        self._ensure_role(call)
        now = self._gateway.clock.now()
        group = Group(
            name=name,
            arn=group_arn(call, name, str(uuid.uuid4())),
            account=call.caller.account,
            region=call.region,
            created=now,
            configuration=configuration.name,
            service_role_arn=service_linked_role_arn(call.caller.account, SERVICE),
            minimum=minimum,
            maximum=maximum,
            desired=desired,
            subnets=subnets,
            zones=zones,
            stated_subnets=parameters.get("VPCZoneIdentifier", ""),
            tags=tuple(tags),
            reason=reason(
                now, f"a user request created an AutoScalingGroup changing the desired capacity from 0 to {desired}"
            ),
        )
        self._store.groups(call)[name] = group
        self._scaling.advance(group, configuration)
        return {}

    def _ensure_role(self, call: Call) -> None:
        """An account's first group makes the service-linked role, if its caller may (User Guide, that section)."""
        account = call.caller.account
        if self._roles.exists(account, SERVICE):
            return
        try:
            self._roles.authorize(call.caller, SERVICE, call.region)
        except ServiceError as error:
            message = f"The default Service-Linked Role for Auto Scaling could not be created. {error.message}"
            raise ServiceError(error.code, message, error.status) from error
        self._roles.make(account, SERVICE)

    def _set_desired_capacity(self, call: Call) -> dict[str, Any]:
        reject_others(call, frozenset({"AutoScalingGroupName", "DesiredCapacity", "HonorCooldown"}))
        group = self._store.group(call, call.parameters["AutoScalingGroupName"])
        self._access.group(call, group)
        if group.deleting:
            raise _pending_delete(group)
        wanted = call.parameters["DesiredCapacity"]
        if wanted > group.maximum or wanted < group.minimum:
            bound, side = (group.maximum, "above max") if wanted > group.maximum else (group.minimum, "below min")
            message = f"New SetDesiredCapacity value {wanted} is {side} value {bound} for the AutoScalingGroup."
            raise ServiceError("ValidationError", message)
        now = self._gateway.clock.now()
        group.reason = reason(
            now,
            "a user request explicitly set group desired capacity changing the desired capacity "
            f"from {group.desired} to {wanted}",
        )
        group.desired = wanted
        self._scaling.advance(group, self._store.configuration_of(group))
        return {}

    def _delete_group(self, call: Call) -> dict[str, Any]:
        group = self._store.group(call, call.parameters["AutoScalingGroupName"])
        self._access.group(call, group)
        self._advance(call, group)
        if group.members and not call.parameters.get("ForceDelete"):
            message = (
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group."
            )
            raise ServiceError("ResourceInUse", message)
        now = self._gateway.clock.now()
        group.reason = reason(
            now, f"a user request deleted an AutoScalingGroup changing the desired capacity from {group.desired} to 0"
        )
        group.desired = group.minimum = group.maximum = 0
        group.deleting = True
        self._advance(call, group)
        return {}

    def _delete_configuration(self, call: Call) -> dict[str, Any]:
        configuration = self._store.configuration(call, call.parameters["LaunchConfigurationName"])
        self._access.require(call, configuration.arn)
        for group in list(self._store.groups(call).values()):
            self._advance(call, group)
        for group in self._store.groups(call).values():
            if group.configuration == configuration.name:
                message = (
                    f"Cannot delete launch configuration {configuration.name} because it is attached to "
                    f"AutoScalingGroup {group.name}"
                )
                raise ServiceError("ResourceInUse", message)
        del self._store.configurations(call)[configuration.name]
        return {}

    def _advance(self, call: Call, group: Group) -> None:
        """Move a group on; one that is being deleted goes with its last instance."""
        self._scaling.advance(group, self._store.configuration_of(group))
        if group.deleting and not group.members:
            del self._store.groups(call)[group.name]

    def _describe_groups(self, call: Call) -> dict[str, Any]:
        reject_others(call, frozenset({"AutoScalingGroupNames", "MaxRecords", "NextToken"}))
        self._access.describe(call)
        names = call.parameters.get("AutoScalingGroupNames")
        for group in list(self._store.groups(call).values()):
            if not names or group.name in names:
                self._advance(call, group)
        # Names of groups that are not there are passed over (API Reference, DescribeAutoScalingGroups).
        chosen = [group for group in self._store.groups(call).values() if not names or group.name in names]
        shown, following = _page(chosen, call)
        return {"AutoScalingGroups": [shown_group(one) for one in shown], **following}

    def _describe_configurations(self, call: Call) -> dict[str, Any]:
        self._access.describe(call)
        names = call.parameters.get("LaunchConfigurationNames")
        chosen = [one for one in self._store.configurations(call).values() if not names or one.name in names]
        shown, following = _page(chosen, call)
        return {"LaunchConfigurations": [shown_configuration(one) for one in shown], **following}

    def _describe_activities(self, call: Call) -> dict[str, Any]:
        reject_others(call, frozenset({"ActivityIds", "AutoScalingGroupName", "MaxRecords", "NextToken"}))
        self._access.describe(call)
        name = call.parameters.get("AutoScalingGroupName")
        groups = [self._store.group(call, name)] if name else list(self._store.groups(call).values())
        for group in groups:
            self._advance(call, group)
        ids = call.parameters.get("ActivityIds")
        found = [one for group in groups for one in group.activities if not ids or one.id in ids]
        shown, following = _page(sorted(found, key=lambda one: one.started, reverse=True), call)
        return {"Activities": [shown_activity(one) for one in shown], **following}


def _check_bounds(minimum: int, maximum: int, desired: int) -> None:
    if minimum > maximum:
        message = f"Max bound, {maximum}, must be greater than or equal to min bound, {minimum}"
        raise ServiceError("ValidationError", message)
    if not minimum <= desired <= maximum:
        message = f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        raise ServiceError("ValidationError", message)


def _pending_delete(group: Group) -> ServiceError:
    message = f"AutoScalingGroup name not found - AutoScalingGroup '{group.name}' is pending delete"
    return ServiceError("ValidationError", message)


def _page(items: Sequence[Item], call: Call) -> tuple[list[Item], dict[str, str]]:
    token = call.parameters.get("NextToken") or "0"
    if not (token.isascii() and token.isdigit()):
        raise ServiceError("InvalidNextToken", "The NextToken value is not valid.")
    start = int(token)
    end = start + int(call.parameters.get("MaxRecords") or PAGE)
    return list(items[start:end]), {"NextToken": str(end)} if end < len(items) else {}
