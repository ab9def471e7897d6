"""Block device mappings of a launch: volumes of the image with other facts, and further, empty ones.

Source: EC2 API Reference, BlockDeviceMapping and EbsBlockDevice; EC2 User Guide, "Device names for volumes on Amazon
EC2 instances".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.cloud.call import ServiceError
from local.cloud.compute.performance import UNSTATED, Performance, performance_of
from local.cloud.compute.records import ImageDevice

KNOWN = frozenset({"DeviceName", "Ebs"})
KNOWN_EBS = frozenset(
    {"DeleteOnTermination", "Encrypted", "Iops", "KmsKeyId", "Throughput", "VolumeSize", "VolumeType"}
)

DEVICE_NAME = re.compile(r"(/dev/)?(sd[a-z][1-9]?[0-5]?|xvd[a-z]{1,2}|hd[a-z][1-9]?[0-5]?)")

NEW_VOLUME_TYPE = "gp2"
"""Type of a volume for which none is stated (API Reference, CreateVolume)."""


def stated_devices(mappings: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What a launch states of volumes, by device name; raises `ServiceError` for what no volume can be."""
    stated: dict[str, Mapping[str, Any]] = {}
    for mapping in mappings:
        name, ebs = mapping["DeviceName"], mapping.get("Ebs", {})
        if others := sorted({*set(mapping) - KNOWN, *set(ebs) - KNOWN_EBS}):
            message = f"The local cloud's volumes do not heed {', '.join(others)}."
            raise ServiceError("UnsupportedOperation", message)
        if name in stated:
            message = f"The device '{name}' is used in more than one block-device mapping"
            raise ServiceError("InvalidBlockDeviceMapping", message)
        if ebs.get("KmsKeyId") and not ebs.get("Encrypted"):
            message = "The parameter KmsKeyId requires the parameter Encrypted to be set."
            raise ServiceError("InvalidParameterDependency", message)
        stated[name] = ebs
    return stated


def new_device(name: str, ebs: Mapping[str, Any]) -> ImageDevice:
    """A volume that the image does not bring; raises `ServiceError` where it cannot be made."""
    if not DEVICE_NAME.fullmatch(name):
        message = f"Value ({name}) for parameter device is invalid. {name} is not a valid EBS device name."
        raise ServiceError("InvalidParameterValue", message)
    if "VolumeSize" not in ebs:
        raise ServiceError("MissingParameter", "The request must contain the parameter size or snapshotId")
    device = ImageDevice(name, "", ebs["VolumeSize"], ebs.get("VolumeType", NEW_VOLUME_TYPE))
    performance_of_device(device, ebs)
    return device


def performance_of_device(device: ImageDevice, ebs: Mapping[str, Any]) -> Performance:
    """What a volume has of an image's device; raises `ServiceError` where that is not to be had."""
    volume_type = ebs.get("VolumeType", device.volume_type)
    source = device.performance if volume_type == device.volume_type else UNSTATED
    return performance_of(volume_type, ebs.get("VolumeSize", device.size), ebs, source)
