"""How a group comes to its desired capacity: launches, what becomes of them, and terminations.

Nothing waits in the background: a group moves on whenever somebody asks for it or changes it.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.auto_scaling.records import Activity, Group, LaunchConfiguration, Lifecycle, Member, Status
from local.cloud.call import Credentials, ServiceError
from local.cloud.gateway import Gateway, service_error

SERVICE = "autoscaling.amazonaws.com"

SESSION = "AutoScaling"
"""Name of the service's sessions (User Guide, "Service-linked roles")."""

RETRY_AFTER = timedelta(seconds=1)
"""How long a group waits after a launch that failed; AWS lengthens it with every failure, by what it does not say."""

GROUP_TAG = "aws:autoscaling:groupName"


class Scaling:
    """Moves groups on, as the service-linked role of their account: it launches, and it uses the image's key."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def advance(self, group: Group, configuration: LaunchConfiguration) -> None:
        """Look after the group's instances, then launch or terminate what its desired capacity asks for."""
        now = self._gateway.clock.now()
        try:
            ec2 = self._gateway.service_client("ec2", group.region, self._session(group), SERVICE)
            self._look_after(group, ec2, now)
            self._shrink(group, ec2, now)
        except ServiceError as error:
            self._refused(group, error, now)
            return
        self._grow(group, configuration, ec2, now)

    def _session(self, group: Group) -> Credentials:
        return self._gateway.assume_service_role(group.service_role_arn, SERVICE, SESSION)

    def _look_after(self, group: Group, ec2: Any, now: datetime) -> None:
        for member in list(group.members):
            instance = _instance(ec2, member.instance_id)
            state = instance["State"]["Name"]
            ended = state in {"shutting-down", "terminated"}
            if member.lifecycle == Lifecycle.TERMINATING:
                if state == "terminated":
                    member.activity.end(Status.SUCCESSFUL, now)
                    group.members.remove(member)
            elif member.lifecycle == Lifecycle.PENDING and ended:
                reason = instance.get("StateReason", {}).get(
                    "Message", "Client.UserInitiatedShutdown: User initiated shutdown"
                )
                message = (
                    "Instance became unhealthy while waiting for instance to be in InService state. "
                    f"Termination Reason: {reason}"
                )
                member.activity.end(Status.CANCELLED, now, message)
                group.members.remove(member)
            elif member.lifecycle == Lifecycle.PENDING and state == "running":
                member.activity.end(Status.SUCCESSFUL, now)
                member.lifecycle = Lifecycle.IN_SERVICE
            elif member.lifecycle == Lifecycle.IN_SERVICE and state != "running":
                why = (
                    f"At {_time(now)} an instance was taken out of service in response to an EC2 health check "
                    "indicating it has been terminated or stopped."
                )
                self._terminate(group, member, why, ec2, now)

    def _shrink(self, group: Group, ec2: Any, now: datetime) -> None:
        while len(group.serving) > group.desired:
            # The default termination policy ends with the oldest one (User Guide, "Default termination policy").
            member = group.serving[0]
            count = len(group.serving)
            why = (
                f"{group.reason}At {_time(now)} an instance was taken out of service in response to a difference "
                f"between desired and actual capacity, shrinking the capacity from {count} to {count - 1}.  "
                f"At {_time(now)} instance {member.instance_id} was selected for termination."
            )
            self._terminate(group, member, why, ec2, now)

    def _terminate(self, group: Group, member: Member, why: str, ec2: Any, now: datetime) -> None:
        try:
            ec2.terminate_instances(InstanceIds=[member.instance_id])
        except ClientError as error:
            raise service_error(error) from error
        member.lifecycle = Lifecycle.TERMINATING
        member.activity = Activity(
            group.name,
            group.arn,
            f"Terminating EC2 instance: {member.instance_id}",
            why,
            now,
            Status.IN_PROGRESS,
            _details(member.subnet_id, member.zone),
        )
        group.activities.insert(0, member.activity)

    def _grow(self, group: Group, configuration: LaunchConfiguration, ec2: Any, now: datetime) -> None:
        if _waits(group, now):
            return
        while len(group.serving) < group.desired:
            subnet = min(group.subnets, key=lambda one: sum(member.subnet_id == one for member in group.serving))
            count = len(group.serving)
            activity = Activity(
                group.name, group.arn, "Launching a new EC2 instance", self._cause(group, count, now), now,
                Status.PRE_IN_SERVICE, {"Subnet ID": subnet},
            )  # fmt: skip
            group.activities.insert(0, activity)
            try:
                instance = ec2.run_instances(**_request(group, configuration, subnet))["Instances"][0]
            except ClientError as error:
                message = service_error(error).message
                activity.end(Status.FAILED, now, f"{message} Launching EC2 instance failed.")
                return
            zone = instance["Placement"]["AvailabilityZone"]
            activity.description += f": {instance['InstanceId']}"
            activity.details = _details(subnet, zone)
            group.members.append(
                Member(instance["InstanceId"], instance["InstanceType"], configuration.name, subnet, zone, activity)
            )

    def _refused(self, group: Group, error: ServiceError, now: datetime) -> None:
        if _waits(group, now) or len(group.serving) == group.desired:
            return
        count = len(group.serving)
        activity = Activity(
            group.name, group.arn, "Launching a new EC2 instance", self._cause(group, count, now), now, Status.FAILED
        )
        activity.end(Status.FAILED, now, f"{error.message} Launching EC2 instance failed.")
        group.activities.insert(0, activity)

    @staticmethod
    def _cause(group: Group, count: int, now: datetime) -> str:
        return (
            f"{group.reason}At {_time(now)} an instance was started in response to a difference between desired and "
            f"actual capacity, increasing the capacity from {count} to {count + 1}."
        )


def _waits(group: Group, now: datetime) -> bool:
    unsuccessful = {Status.FAILED, Status.CANCELLED}
    ends = [one.ended for one in group.activities if one.status in unsuccessful and one.ended is not None]
    return bool(ends) and now - max(ends) < RETRY_AFTER


def _instance(ec2: Any, instance_id: str) -> Any:
    try:
        return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    except ClientError as error:
        raise service_error(error) from error


def _request(group: Group, configuration: LaunchConfiguration, subnet: str) -> dict[str, Any]:
    """RunInstances, as a launch configuration describes it."""
    stated = configuration.parameters
    tags = [{"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in group.tags if tag.get("PropagateAtLaunch")]
    tags.append({"Key": GROUP_TAG, "Value": group.name})
    request: dict[str, Any] = {
        "ImageId": stated["ImageId"],
        "InstanceType": stated["InstanceType"],
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": subnet,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
    }
    if profile := stated.get("IamInstanceProfile"):
        request["IamInstanceProfile"] = {"Arn" if profile.startswith("arn:") else "Name": profile}
    if "SecurityGroups" in stated:
        request["SecurityGroupIds"] = stated["SecurityGroups"]
    if "MetadataOptions" in stated:
        request["MetadataOptions"] = stated["MetadataOptions"]
    if "UserData" in stated:
        # The client encodes it anew.
        request["UserData"] = base64.b64decode(stated["UserData"])
    return request


def _details(subnet: str, zone: str) -> dict[str, str]:
    return {"Subnet ID": subnet, "Availability Zone": zone}


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def reason(now: datetime, text: str) -> str:
    """The beginning of the causes of what a user's request leads to."""
    return f"At {_time(now)} {text}.  "
