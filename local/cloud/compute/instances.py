"""Instances after their launch: described, stopped, ended; and their volumes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, reject_others
from local.cloud.compute.filters import matching, page
from local.cloud.compute.launches import Launches
from local.cloud.compute.records import INSTANCE_STATE_CODES, Instance, Kind, State, Volume
from local.cloud.compute.store import Store
from local.cloud.gateway import Gateway

USER_REQUEST = "User initiated"


class Instances:
    """Operations on instances and volumes."""

    def __init__(self, gateway: Gateway, store: Store, access: Access, launches: Launches) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access
        self._launches = launches

    def run(self, call: Call) -> dict[str, Any]:
        """RunInstances."""
        reservation, instances = self._launches.run(call)
        now = self._gateway.clock.now()
        return {
            "ReservationId": reservation,
            "OwnerId": call.caller.account,
            "Instances": [self._shown(instance, now) for instance in instances],
        }

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeInstances: a reservation for each instance."""
        reject_others(call, frozenset({"InstanceIds", "Filters", "MaxResults", "NextToken"}))
        self._access.describe(call)
        now = self._gateway.clock.now()
        readers = {
            "image-id": lambda instance: [instance.image_id],
            "instance-id": lambda instance: [instance.id],
            "instance-state-name": lambda instance: [instance.now(now).value],
            "instance-type": lambda instance: [instance.instance_type],
            "subnet-id": lambda instance: [instance.subnet_id],
            "vpc-id": lambda instance: [instance.vpc_id],
        }
        chosen = matching(
            self._stated(call), call.parameters.get("Filters", []), readers, lambda instance: instance.tags
        )
        shown, token = page(chosen, call.parameters)
        reservations = [
            {"ReservationId": one.reservation_id, "OwnerId": one.owner, "Instances": [self._shown(one, now)]}
            for one in shown
        ]
        return {"Reservations": reservations, **({"NextToken": token} if token else {})}

    def describe_status(self, call: Call) -> dict[str, Any]:
        """DescribeInstanceStatus: running instances, or all of them."""
        reject_others(call, frozenset({"InstanceIds", "IncludeAllInstances", "MaxResults", "NextToken"}))
        self._access.describe(call)
        now = self._gateway.clock.now()
        chosen = [
            instance
            for instance in self._stated(call)
            if call.parameters.get("IncludeAllInstances") or instance.now(now) == State.RUNNING
        ]
        shown, token = page(chosen, call.parameters)
        statuses: list[dict[str, Any]] = []
        for instance in shown:
            state = instance.now(now)
            health = {"Status": "ok" if state == State.RUNNING else "not-applicable"}
            statuses.append(
                {
                    "InstanceId": instance.id,
                    "InstanceState": _state(state),
                    "InstanceStatus": health,
                    "SystemStatus": health,
                }
            )
        return {"InstanceStatuses": statuses, **({"NextToken": token} if token else {})}

    def stop(self, call: Call) -> dict[str, Any]:
        """StopInstances."""
        return {"StoppingInstances": self._change(call, {State.RUNNING, State.PENDING}, State.STOPPING, State.STOPPED)}

    def start(self, call: Call) -> dict[str, Any]:
        """StartInstances."""
        return {"StartingInstances": self._change(call, {State.STOPPED}, State.PENDING, State.RUNNING)}

    def terminate(self, call: Call) -> dict[str, Any]:
        """TerminateInstances: volumes go too where their mapping says so."""
        ended = {State.SHUTTING_DOWN, State.TERMINATED}
        changed = self._change(call, set(State) - ended, State.SHUTTING_DOWN, None, then=self._drop_volumes)
        return {"TerminatingInstances": changed}

    def describe_volumes(self, call: Call) -> dict[str, Any]:
        """DescribeVolumes: with their encryption."""
        reject_others(call, frozenset({"VolumeIds", "Filters", "MaxResults", "NextToken"}))
        self._access.describe(call)
        account, region = call.caller.account, call.region
        ids = call.parameters.get("VolumeIds")
        found = (
            [self._store.volume(volume_id, account, region) for volume_id in ids]
            if ids
            else [one for one in self._store.of(Kind.VOLUME, account, region) if isinstance(one, Volume)]
        )
        readers = {
            "attachment.instance-id": lambda volume: [volume.instance_id] if volume.instance_id else [],
            "encrypted": lambda volume: [str(volume.encryption is not None).lower()],
            "snapshot-id": lambda volume: [volume.snapshot_id],
            "volume-id": lambda volume: [volume.id],
        }
        chosen = matching(found, call.parameters.get("Filters", []), readers, lambda volume: volume.tags)
        shown, token = page(chosen, call.parameters)
        return {"Volumes": [_volume(one) for one in shown], **({"NextToken": token} if token else {})}

    def _stated(self, call: Call) -> list[Instance]:
        account, region = call.caller.account, call.region
        ids = call.parameters.get("InstanceIds")
        if ids:
            return [self._store.instance(instance_id, account, region) for instance_id in ids]
        return [one for one in self._store.of(Kind.INSTANCE, account, region) if isinstance(one, Instance)]

    def _change(
        self,
        call: Call,
        allowed: set[State],
        entered: State,
        already: State | None,
        then: Callable[[Instance], None] | None = None,
    ) -> list[dict[str, Any]]:
        reject_others(call, frozenset({"InstanceIds", "Force", "SkipOsShutdown"}))
        now = self._gateway.clock.now()
        instances = self._stated(call)
        for instance in instances:
            self._access.record(call, instance)
            unchanged = already is not None and instance.now(now) in {already, entered}
            ended = already is None and instance.now(now) not in allowed
            if instance.now(now) not in allowed and not unchanged and not ended:
                message = f"The instance '{instance.id}' is not in a state from which it can be {entered.value}."
                raise ServiceError("IncorrectInstanceState", message)
        changed: list[dict[str, Any]] = []
        for instance in instances:
            before = instance.now(now)
            if before in allowed:
                instance.enter(entered, now)
                instance.transition_reason = f"{USER_REQUEST} ({now:%Y-%m-%d %H:%M:%S} GMT)"
                if then:
                    then(instance)
            changed.append(
                {"InstanceId": instance.id, "PreviousState": _state(before), "CurrentState": _state(instance.state)}
            )
        return changed

    def _drop_volumes(self, instance: Instance) -> None:
        for volume_id in instance.volumes:
            volume = self._store.volume(volume_id, instance.owner, instance.region)
            if volume.delete_on_termination:
                self._store.remove(volume)
            else:
                volume.instance_id = ""
        instance.volumes = ()

    def _shown(self, instance: Instance, now: datetime) -> dict[str, Any]:
        state = instance.now(now)
        if state == State.TERMINATED and instance.volumes:
            self._drop_volumes(instance)
        options = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"}
        shown: dict[str, Any] = {
            "InstanceId": instance.id,
            "ImageId": instance.image_id,
            "InstanceType": instance.instance_type,
            "LaunchTime": instance.created,
            "State": _state(state),
            "StateTransitionReason": instance.transition_reason,
            "SubnetId": instance.subnet_id,
            "VpcId": instance.vpc_id,
            "SecurityGroups": list(instance.security_groups),
            "MetadataOptions": {**options, **instance.metadata_options, "State": "applied"},
            "RootDeviceName": instance.root_device,
            "RootDeviceType": "ebs",
            "Architecture": instance.architecture,
            "Placement": {"AvailabilityZone": f"{instance.region}a", "Tenancy": "default"},
            "BlockDeviceMappings": [self._device(volume_id, instance) for volume_id in instance.volumes],
            "Tags": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
        }
        if instance.platform:
            shown["Platform"] = instance.platform
        if instance.profile_arn:
            shown["IamInstanceProfile"] = {"Arn": instance.profile_arn}
        if instance.failure and state == State.TERMINATED:
            shown["StateReason"] = {"Code": instance.failure.code, "Message": instance.failure.message}
            shown["StateTransitionReason"] = instance.failure.code
        return shown

    def _device(self, volume_id: str, instance: Instance) -> dict[str, Any]:
        volume = self._store.volume(volume_id, instance.owner, instance.region)
        ebs = {"VolumeId": volume.id, "Status": "attached", "DeleteOnTermination": volume.delete_on_termination}
        return {"DeviceName": volume.device, "Ebs": ebs}


def _state(state: State) -> dict[str, Any]:
    return {"Code": INSTANCE_STATE_CODES[state], "Name": state.value}


def _volume(volume: Volume) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "VolumeId": volume.id,
        "Size": volume.size,
        "State": "in-use" if volume.instance_id else "available",
        "VolumeType": volume.volume_type,
        **volume.performance.shown(),
        "SnapshotId": volume.snapshot_id,
        "CreateTime": volume.created,
        "Encrypted": volume.encryption is not None,
        "AvailabilityZone": f"{volume.region}a",
        "Attachments": [],
        "Tags": [{"Key": key, "Value": value} for key, value in volume.tags.items()],
    }
    if volume.instance_id:
        attachment = {
            "InstanceId": volume.instance_id,
            "VolumeId": volume.id,
            "Device": volume.device,
            "State": "attached",
            "DeleteOnTermination": volume.delete_on_termination,
        }
        shown["Attachments"].append(attachment)
    if volume.encryption:
        shown["KmsKeyId"] = volume.encryption.key_arn
    return shown
