"""Launches as they happen: by each consumer role and by Auto Scaling, and what refused them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from botocore.exceptions import ClientError

from local.people import APPLICATION_OPERATOR
from model.launch_access import Step
from model.names import channel_parameter
from tests.stacks.permissions.documents import PRODUCT
from tests.stacks.waiting import until
from tests.stacks.world import World

INSTANCE_TYPE = "t3.large"

_REFUSED = re.compile(r"perform: (?P<action>[\w:]+) on resource: (?P<resource>\S+)")
_OF_ACTION = {
    "iam:PassRole": Step.INSTANCE_PROFILE,
    "kms:CreateGrant": Step.GRANT,
    "ssm:GetParameter": Step.CHANNEL,
    "ssm:GetParameters": Step.CHANNEL,
}


@dataclass(frozen=True)
class Actual:
    """What came of a launch, in AWS's words; empty where the instance ran."""

    text: str = ""

    @property
    def action(self) -> str:
        """The action that was refused; empty where the launch failed for another reason, or ran."""
        found = _REFUSED.search(self.text)
        return found["action"] if found else ""

    @property
    def step(self) -> Step | None:
        """The step of the launch that was refused; None where it ran."""
        if not self.text:
            return None
        if step := _OF_ACTION.get(self.action):
            return step
        if self.action != "ec2:RunInstances":
            # What is left is the key: its use is refused, or it is in no state to be used.
            return Step.KEY
        return Step.IMAGE if ":image/" in self.text else Step.INSTANCE


class Launching(Protocol):
    """Whoever launches in a Region."""

    def launch(self) -> Actual:
        """Launch one instance, and end it."""
        ...


@dataclass
class ByRole:
    """A consumer role, and the operator who looks after its instances; `profile` is empty where it has none."""

    world: World
    role: str
    region: str
    profile: str

    def launch(self) -> Actual:
        """Read the channel, and launch from what it names, with the profile that the role gives its instances."""
        parameter = channel_parameter(PRODUCT)
        profile = {"IamInstanceProfile": {"Name": self.profile}} if self.profile else {}
        try:
            self._ssm.get_parameter(Name=parameter)
            launched = self._ec2.run_instances(
                ImageId=f"resolve:ssm:{parameter}", InstanceType=INSTANCE_TYPE, MinCount=1, MaxCount=1, **profile
            )
        except ClientError as error:
            return Actual(str(error))
        instance = launched["Instances"][0]["InstanceId"]
        try:
            found = until(lambda: self._settled(instance), f"{instance} runs or ends")
        finally:
            self._operator.terminate_instances(InstanceIds=[instance])
        return Actual("" if found["State"]["Name"] == "running" else found["StateReason"]["Message"])

    def _settled(self, instance: str) -> Any:
        found = self._operator.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return None if found["State"]["Name"] == "pending" else found

    @cached_property
    def _actor(self) -> Any:
        return self.world.session.person(APPLICATION_OPERATOR, self.role.split(":")[4])

    @cached_property
    def _consumer(self) -> Any:
        return self._actor.assume(self.role, "launch")

    @cached_property
    def _ssm(self) -> Any:
        return self._consumer.ssm(self.region)

    @cached_property
    def _ec2(self) -> Any:
        return self._consumer.ec2(self.region)

    @cached_property
    def _operator(self) -> Any:
        return self._actor.ec2(self.region)


@dataclass
class ByGroup:
    """An Auto Scaling group of one instance, for each launch a new one."""

    world: World
    account: str
    region: str
    profile: str

    def launch(self) -> Actual:
        """Let a new group launch, and delete it with its instance."""
        name = f"predicted-{uuid.uuid4().hex[:12]}"
        self._scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=self._configuration,
            MinSize=0,
            MaxSize=1,
            DesiredCapacity=1,
            AvailabilityZones=[f"{self.region}a"],
        )
        try:
            activity = until(lambda: self._ended(name), f"{name} launches")
        finally:
            self._scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        return Actual("" if activity["StatusCode"] == "Successful" else activity["StatusMessage"])

    def close(self) -> None:
        """Delete what groups are made from, once the last of them is gone."""
        if "_configuration" in self.__dict__:
            until(lambda: not self._groups(), "all groups are deleted")
            self._scaling.delete_launch_configuration(LaunchConfigurationName=self._configuration)

    def _groups(self) -> Any:
        found = self._scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return [group for group in found if group["LaunchConfigurationName"] == self._configuration]

    def _ended(self, group: str) -> Any:
        activities = self._scaling.describe_scaling_activities(AutoScalingGroupName=group)["Activities"]
        return next((one for one in reversed(activities) if "EndTime" in one), None)

    @cached_property
    def _scaling(self) -> Any:
        return self.world.client("autoscaling", self.account, self.region)

    @cached_property
    def _configuration(self) -> str:
        ssm = self.world.client("ssm", self.account, self.region)
        image = ssm.get_parameter(Name=channel_parameter(PRODUCT))["Parameter"]["Value"]
        name = f"predicted-{uuid.uuid4().hex[:12]}"
        self._scaling.create_launch_configuration(
            LaunchConfigurationName=name,
            ImageId=image,
            InstanceType=INSTANCE_TYPE,
            IamInstanceProfile=self.profile,
        )
        return name


def profile_of(world: World, role: str) -> str:
    """Name of the instance profile that holds a role; empty where none does."""
    iam = world.client("iam", role.split(":")[4])
    found = iam.list_instance_profiles_for_role(RoleName=role.rsplit("/", 1)[-1])["InstanceProfiles"]
    return found[0]["InstanceProfileName"] if found else ""
