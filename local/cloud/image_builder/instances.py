"""Build and test instances: EC2's part of a build, done as the role that the pipeline works with."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.image_builder.workbench import Cancelled

CREATED_BY = "EC2 Image Builder"
"""Value of the tag `CreatedBy` on all that Image Builder makes (managed policy AWSServiceRoleForImageBuilder)."""

INSTANCE_TYPE = "m5.large"
"""Used where the infrastructure names none; AWS chooses by availability (inferred)."""

WAIT_SECONDS = 300.0
"""Longest wait for a state of EC2's."""

_INTERVAL = 0.05


class InstanceError(RuntimeError):
    """An instance or image did not reach the state it should."""


class Instances:
    """Launches, stops, images and terminates the instances of one build."""

    def __init__(self, ec2: Any, cancelled: threading.Event, image_arn: str) -> None:
        self._ec2 = ec2
        self._cancelled = cancelled
        self._arn = image_arn

    def tags(self, extra: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """Image Builder's own tags and further ones, as EC2 takes them."""
        tags = {**(extra or {}), "CreatedBy": CREATED_BY, "Ec2ImageBuilderArn": self._arn}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def launch(
        self,
        image_id: str,
        name: str,
        infrastructure: Mapping[str, Any],
        devices: list[dict[str, Any]],
        user_data: str | None = None,
    ) -> str:
        """Launch an instance and wait until it runs; returns its id. `user_data` is encoded already.

        Raises:
            InstanceError: EC2 ended it, for example because the key of a volume may not be used.
        """
        tags = self.tags({**infrastructure.get("resourceTags", {}), "Name": name})
        request: dict[str, Any] = {
            "ImageId": image_id,
            "InstanceType": (infrastructure.get("instanceTypes") or [INSTANCE_TYPE])[0],
            "MinCount": 1,
            "MaxCount": 1,
            "IamInstanceProfile": {"Name": infrastructure["instanceProfileName"]},
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        }
        if infrastructure.get("subnetId"):
            request["SubnetId"] = infrastructure["subnetId"]
            request["SecurityGroupIds"] = infrastructure["securityGroupIds"]
        if infrastructure.get("keyPair"):
            request["KeyName"] = infrastructure["keyPair"]
        options = infrastructure.get("instanceMetadataOptions")
        if options:
            names = {"httpTokens": "HttpTokens", "httpPutResponseHopLimit": "HttpPutResponseHopLimit"}
            request["MetadataOptions"] = {names[key]: value for key, value in options.items()}
        if user_data:
            request["UserData"] = base64.b64decode(user_data)
        if devices:
            request["BlockDeviceMappings"] = [device_mapping(device) for device in devices]
        instance_id: str = self._ec2.run_instances(**request)["Instances"][0]["InstanceId"]
        try:
            self._wait_for_instance(instance_id, "running")
        except Cancelled:
            self.terminate(instance_id)
            raise
        return instance_id

    def describe(self, instance_id: str) -> dict[str, Any]:
        """An instance as EC2 describes it."""
        return self._ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def stop(self, instance_id: str) -> None:
        """Stop an instance and wait for it."""
        self._ec2.stop_instances(InstanceIds=[instance_id])
        self._wait_for_instance(instance_id, "stopped")

    def terminate(self, instance_id: str) -> None:
        """Terminate an instance."""
        self._ec2.terminate_instances(InstanceIds=[instance_id])

    def create_image(self, instance_id: str, name: str, description: str | None, tags: Mapping[str, str]) -> str:
        """Make an image of a stopped instance and wait for it; returns its id.

        Its snapshots are encrypted as the instance's volumes are (EC2 API Reference, CreateImage).
        """
        kinds = ("image", "snapshot")
        request: dict[str, Any] = {
            "InstanceId": instance_id,
            "Name": name,
            "TagSpecifications": [{"ResourceType": kind, "Tags": self.tags(tags)} for kind in kinds],
        }
        if description:
            request["Description"] = description
        image_id: str = self._ec2.create_image(**request)["ImageId"]
        wait_for_image(self._ec2, image_id, self._cancelled)
        return image_id

    def _wait_for_instance(self, instance_id: str, wanted: str) -> None:
        def reached() -> bool:
            answer = self._ec2.describe_instances(InstanceIds=[instance_id])
            instance: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
            state = instance["State"]["Name"]
            if state in ("terminated", "shutting-down"):
                reason: Mapping[str, str] = instance.get("StateReason") or {}
                message = reason.get("Message") or instance.get("StateTransitionReason") or "no reason given"
                raise InstanceError(f"instance {instance_id} is {state}: {message}")
            return state == wanted

        wait(reached, f"instance {instance_id} to be {wanted}", self._cancelled)


def wait_for_image(ec2: Any, image_id: str, cancelled: threading.Event) -> None:
    """Wait until an image is available.

    Raises:
        InstanceError: It failed.
    """

    def available() -> bool:
        found: list[dict[str, Any]] = ec2.describe_images(ImageIds=[image_id])["Images"]
        state = found[0]["State"] if found else "pending"
        if state in ("failed", "error", "invalid", "deregistered"):
            reason: Mapping[str, str] = found[0].get("StateReason") or {}
            raise InstanceError(f"image {image_id} is {state}: {reason.get('Message', 'no reason given')}")
        return state == "available"

    wait(available, f"image {image_id} to be available", cancelled)


def wait(reached: Callable[[], bool], what: str, cancelled: threading.Event) -> None:
    """Ask until a condition holds.

    Raises:
        InstanceError: It does not hold within `WAIT_SECONDS`.
        Cancelled: The build was cancelled.
    """
    for _ in range(int(WAIT_SECONDS / _INTERVAL)):
        if reached():
            return
        if cancelled.wait(_INTERVAL):
            raise Cancelled
    raise InstanceError(f"waited {WAIT_SECONDS:g} s for {what}")


def device_mapping(device: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's block device as EC2 takes it."""
    mapping: dict[str, Any] = {"DeviceName": device["deviceName"]}
    if "noDevice" in device:
        return {**mapping, "NoDevice": ""}
    if device.get("virtualName"):
        return {**mapping, "VirtualName": device["virtualName"]}
    names = {
        "encrypted": "Encrypted",
        "deleteOnTermination": "DeleteOnTermination",
        "iops": "Iops",
        "kmsKeyId": "KmsKeyId",
        "snapshotId": "SnapshotId",
        "volumeSize": "VolumeSize",
        "volumeType": "VolumeType",
        "throughput": "Throughput",
    }
    ebs: Mapping[str, Any] = device.get("ebs") or {}
    return {**mapping, "Ebs": {names[key]: value for key, value in ebs.items() if value is not None}}
