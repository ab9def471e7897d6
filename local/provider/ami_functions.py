"""The function of the aws package that looks up an AMI (EC2 API Reference, DescribeImages)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.provider import tags
from local.provider.declarations import declarations
from local.provider.errors import ProviderError
from local.provider.invocation import Invocation
from local.provider.mapping import Mapper

UNKNOWN_REASON = {"code": "UNSET", "message": "UNSET"}
"""What pulumi-aws tells of an AMI whose state has no reason."""

EBS: Mapping[str, tuple[str, Any]] = {
    "delete_on_termination": ("DeleteOnTermination", False),
    "encrypted": ("Encrypted", False),
    "iops": ("Iops", 0),
    "snapshot_id": ("SnapshotId", ""),
    "throughput": ("Throughput", 0),
    "volume_size": ("VolumeSize", 0),
    "volume_type": ("VolumeType", ""),
}
"""Keys of the map that pulumi-aws makes of a block device, with what is told where EC2 says nothing; all is text."""


def get_ami(invocation: Invocation) -> dict[str, Any]:
    """The one AMI that fits, or with `mostRecent` the newest by its creation date."""
    given = invocation.arguments
    filters = [{"Name": entry["name"], "Values": list(entry["values"])} for entry in given.get("filters") or ()]
    owned = given.get("owners") or any(entry["Name"] in ("image-id", "owner-id") for entry in filters)
    if given.get("mostRecent") and not owned and not given.get("allowUnsafeFilter"):
        message = "Most Recent Image Not Filtered: results are not filtered by owner or image ID"
        raise ProviderError(f"{invocation.token}: {message}")
    images = _images(invocation, filters)
    if "nameRegex" in given:
        images = [image for image in images if re.search(given["nameRegex"], image.get("Name", ""))]
    if not images:
        message = "Your query returned no results. Please change your search criteria and try again."
        raise ProviderError(f"{invocation.token}: {message}")
    if len(images) > 1 and not given.get("mostRecent"):
        message = "Your query returned more than one result. Please try a more specific search criteria, or set "
        raise ProviderError(f"{invocation.token}: {message}`most_recent` attribute to true.")
    return _described(invocation, max(images, key=lambda image: image["CreationDate"]))


def _images(invocation: Invocation, filters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    given, images, token = invocation.arguments, list[Mapping[str, Any]](), None
    while True:
        page = invocation.call(
            "ec2",
            "DescribeImages",
            ExecutableUsers=given.get("executableUsers"),
            Filters=filters or None,
            IncludeDeprecated=bool(given.get("includeDeprecated")),
            NextToken=token,
            Owners=given.get("owners"),
        )
        images += page["Images"]
        token = page.get("NextToken")
        if not token:
            return images


def _described(invocation: Invocation, image: Mapping[str, Any]) -> dict[str, Any]:
    found = Mapper(invocation.token, {}).from_aws(declarations()[invocation.token].outputs, image)
    region, image_id, devices = invocation.region, image["ImageId"], image.get("BlockDeviceMappings") or ()
    reason = image.get("StateReason")
    return {
        **found,
        **invocation.arguments,
        "id": image_id,
        "arn": f"arn:aws:ec2:{region}::image/{image_id}",
        "blockDeviceMappings": [_device(device) for device in devices],
        # EC2 states a platform for Windows only; pulumi-aws tells empty text then.
        "platform": image.get("Platform") or "",
        "region": region,
        "rootSnapshotId": next(
            (
                device["Ebs"].get("SnapshotId", "")
                for device in devices
                if device["DeviceName"] == image.get("RootDeviceName") and "Ebs" in device
            ),
            "",
        ),
        "stateReason": {"code": reason["Code"], "message": reason["Message"]} if reason else UNKNOWN_REASON,
        "tags": tags.from_list(image.get("Tags") or ()),
    }


def _device(device: Mapping[str, Any]) -> dict[str, Any]:
    ebs = device.get("Ebs")
    return {
        "deviceName": device["DeviceName"],
        "ebs": {key: _text(ebs.get(name, default)) for key, (name, default) in EBS.items()} if ebs else {},
        "noDevice": device.get("NoDevice", ""),
        "virtualName": device.get("VirtualName", ""),
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FUNCTIONS: Mapping[str, Callable[[Invocation], dict[str, Any]]] = {"aws:ec2/getAmi:getAmi": get_ami}
