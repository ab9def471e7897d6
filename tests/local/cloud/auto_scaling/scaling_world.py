"""A hub that shares an image under its key with a target, and the groups that launch from it there."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.local.cloud.served_cloud import FOR_AWS, TARGET, Role, ServedCloud, root_of, statement

SERVICE = "autoscaling.amazonaws.com"
ZONE = "us-east-1a"
USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
GRANT_OPERATIONS = ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
                    "GenerateDataKeyWithoutPlaintext", "DescribeKey", "CreateGrant"]  # fmt: skip


def service_role(account: str = TARGET) -> str:
    return f"arn:aws:iam::{account}:role/aws-service-role/{SERVICE}/AWSServiceRoleForAutoScaling"


def until(reached: Callable[[], Any]) -> Any:
    """What a condition comes to hold, waited for no longer than states of EC2 last."""
    pause = threading.Event()
    for _ in range(200):
        if found := reached():
            return found
        pause.wait(0.05)
    raise AssertionError(reached)


def safe_form(only: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a key by which a target makes the grant, and no other."""
    principal = root_of(TARGET)
    to_service = {"StringEquals": {"kms:GranteePrincipal": service_role()}}
    return [
        statement("kms:CreateGrant", Principal=principal, Condition={**only, **to_service}),
        statement(["kms:ListGrants", "kms:RevokeGrant"], Principal=principal, Condition=only),
        {
            **statement("kms:CreateGrant", Principal=principal, Effect="Deny"),
            "Condition": {
                "StringNotEquals": {"kms:GranteePrincipal": service_role()},
                "BoolIfExists": {"kms:GrantIsForAWSResource": "false"},
            },
        },
    ]


@dataclass
class World:
    cloud: ServedCloud
    key: str
    image: str
    operator: Role
    """The target's role that the key's policy admits: to its use, and to the one grant."""

    def scaling(self, who: Any = TARGET) -> Any:
        return self.cloud.client("autoscaling", who)

    def configuration(self, who: Any = TARGET, **more: Any) -> str:
        """A new launch configuration."""
        name = self.cloud.name("configuration")
        request = {"LaunchConfigurationName": name, "ImageId": self.image, "InstanceType": "m5.large", **more}
        self.scaling(who).create_launch_configuration(**request)
        return name

    def group(self, who: Any = TARGET, **more: Any) -> str:
        """A new group, of one instance unless told otherwise."""
        name = self.cloud.name("group")
        request = {"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 4, "DesiredCapacity": 1, **more}
        if "LaunchConfigurationName" not in request:
            request["LaunchConfigurationName"] = self.configuration()
        if not {"VPCZoneIdentifier", "AvailabilityZones"} & set(request):
            request["AvailabilityZones"] = [ZONE]
        self.scaling(who).create_auto_scaling_group(**request)
        return name

    def wanting(self, group: str, capacity: int) -> None:
        self.scaling().set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=capacity)

    def found(self, group: str) -> Any:
        shown = self.scaling().describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        return shown[0] if shown else None

    def activities(self, group: str) -> Any:
        """Activities of a group, newest first."""
        return self.scaling().describe_scaling_activities(AutoScalingGroupName=group)["Activities"]

    def ended(self, group: str, count: int = 1) -> Any:
        """The activities of a group that have ended, once there are so many."""

        def reached() -> Any:
            over = [one for one in self.activities(group) if "EndTime" in one]
            return over if len(over) >= count else None

        return until(reached)

    def serving(self, group: str, count: int) -> Any:
        """A group's instances, once so many are in service and no others are left."""

        def reached() -> bool:
            found = self.found(group)["Instances"]
            return len(found) == count and all(one["LifecycleState"] == "InService" for one in found)

        until(reached)
        return self.found(group)["Instances"]

    def grant(self, who: Any = None, **more: Any) -> str:
        request = {"KeyId": self.key, "GranteePrincipal": service_role(), "Operations": GRANT_OPERATIONS, **more}
        return self.cloud.client("kms", who or self.operator).create_grant(**request)["GrantId"]

    def instance(self, instance: str) -> Any:
        found = self.cloud.client("ec2", TARGET).describe_instances(InstanceIds=[instance])
        return found["Reservations"][0]["Instances"][0]


def make_world(cloud: ServedCloud) -> World:
    """A key under the safe form, and an image under it that the target may launch."""
    grants = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
    operator = cloud.role(TARGET, statement([*USE, *grants, "ec2:*"]))
    only = {"ArnEquals": {"aws:PrincipalArn": operator.arn}}
    key = cloud.key(
        statement(USE, Principal=root_of(TARGET), Condition=only),
        statement(grants, Principal=root_of(TARGET), Condition={**only, **FOR_AWS}),
        *safe_form(only),
    )
    return World(cloud, key, shared_image(cloud, key, TARGET), operator)


def shared_image(cloud: ServedCloud, key: str | None, account: str, owner: str = "111111111111") -> str:
    """An image of the hub's, under a key if one is given, which an account may launch."""
    ec2 = cloud.client("ec2", owner)
    base = ec2.describe_images(Owners=["amazon"])["Images"][0]
    ebs: dict[str, Any] = {"Encrypted": True, "KmsKeyId": key} if key else {}
    disk = {"DeviceName": base["RootDeviceName"], "Ebs": ebs}
    launched = ec2.run_instances(ImageId=base["ImageId"], MinCount=1, MaxCount=1, BlockDeviceMappings=[disk])
    instance = launched["Instances"][0]["InstanceId"]
    until(lambda: ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"])
    image = ec2.create_image(InstanceId=instance, Name=cloud.name("image"))["ImageId"]
    available(ec2, image)
    (device,) = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
    if account != owner:
        added = {"Add": [{"UserId": account}]}
        ec2.modify_image_attribute(ImageId=image, LaunchPermission=added)
        ec2.modify_snapshot_attribute(SnapshotId=device["Ebs"]["SnapshotId"], CreateVolumePermission=added)
    return image


def available(ec2: Any, image: str) -> None:
    until(lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available")


def profile(cloud: ServedCloud, account: str = TARGET) -> tuple[str, str]:
    """Name of a new instance profile, and its role's ARN."""
    iam = cloud.client("iam", account)
    name = cloud.name("profile")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name, role
