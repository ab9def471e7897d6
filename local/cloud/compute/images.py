"""Images as they are: described, shared, deregistered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, adds, reject_others, tag_keys
from local.cloud.compute.filters import matching, page
from local.cloud.compute.records import (
    Encryption,
    Image,
    ImageDevice,
    Kind,
    Snapshot,
    State,
)
from local.cloud.compute.store import Store
from local.cloud.gateway import Gateway


class Images:
    """Operations on images that are there."""

    def __init__(self, gateway: Gateway, store: Store, access: Access) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access

    def deregister(self, call: Call) -> dict[str, Any]:
        """DeregisterImage: the snapshots stay, unless their deletion is asked for."""
        reject_others(call, frozenset({"ImageId", "DeleteAssociatedSnapshots"}))
        image = self._own(call)
        self._access.record(call, image)
        self._store.remove(image)
        results: list[dict[str, str]] = []
        if call.parameters.get("DeleteAssociatedSnapshots"):
            for device in image.devices:
                result = self._delete_snapshot(call, device.snapshot_id)
                results.append({"SnapshotId": device.snapshot_id, "ReturnCode": result})
        return {"Return": True, "DeleteSnapshotResults": results}

    def _delete_snapshot(self, call: Call, snapshot_id: str) -> str:
        snapshot = self._store.snapshot(snapshot_id, call.region)
        try:
            self._access.require(call, snapshot.arn, tag_keys(snapshot.tags), action="DeleteSnapshot")
        except ServiceError:
            # Told beside the result: the image is gone all the same (API Reference, DeleteSnapshotReturnCode).
            return "missing-permissions"
        self._store.remove(snapshot)
        return "success"

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeImages: own, shared and public ones."""
        known = {"ImageIds", "Owners", "ExecutableUsers", "Filters", "MaxResults", "NextToken", "IncludeDeprecated",
                 "IncludeDisabled"}  # fmt: skip
        reject_others(call, frozenset(known))
        self._access.describe(call)
        account = call.caller.account
        ids = call.parameters.get("ImageIds")
        found: Iterable[Any] = (
            [self._store.image(image_id, account, call.region) for image_id in ids]
            if ids
            else self._store.everywhere(Kind.IMAGE, call.region)
        )
        images = [image for image in found if isinstance(image, Image) and self._store.shows(image, account)]
        owners = call.parameters.get("Owners")
        if owners:
            wanted = {account if owner == "self" else owner for owner in owners}
            images = [image for image in images if image.owner in wanted or image.owner_alias in wanted]
        for user in call.parameters.get("ExecutableUsers", []):
            images = [image for image in images if _executable_by(image, account if user == "self" else user)]
        now = self._gateway.clock.now()
        readers = {
            "architecture": lambda image: [image.architecture],
            "block-device-mapping.encrypted": lambda image: [str(self._encrypted(image)).lower()],
            "block-device-mapping.snapshot-id": lambda image: [device.snapshot_id for device in image.devices],
            "creation-date": lambda image: [_date(image.created)],
            "description": lambda image: [image.description],
            "image-id": lambda image: [image.id],
            "image-type": lambda _image: ["machine"],
            "is-public": lambda image: [str(image.public).lower()],
            "name": lambda image: [image.name],
            "owner-alias": lambda image: [image.owner_alias] if image.owner_alias else [],
            "owner-id": lambda image: [image.owner],
            "platform": lambda image: [image.platform] if image.platform else [],
            "root-device-name": lambda image: [image.root_device],
            "root-device-type": lambda _image: ["ebs"],
            "state": lambda image: [image.now(now).value],
            "virtualization-type": lambda _image: ["hvm"],
        }
        chosen = matching(images, call.parameters.get("Filters", []), readers, lambda image: image.tags)
        shown, token = page(chosen, call.parameters)
        answer: dict[str, Any] = {"Images": [self._shown(image, account, now) for image in shown]}
        return {**answer, "NextToken": token} if token else answer

    def describe_attribute(self, call: Call) -> dict[str, Any]:
        """DescribeImageAttribute: description, launch permissions, block devices or last launch of an own image."""
        reject_others(call, frozenset({"ImageId", "Attribute"}))
        image = self._own(call)
        self._access.record(call, image)
        match call.parameters["Attribute"]:
            case "launchPermission":
                return {"ImageId": image.id, "LaunchPermissions": image.permissions}
            case "description":
                return {"ImageId": image.id, "Description": {"Value": image.description}}
            case "lastLaunchedTime":
                launched = image.last_launched(self._gateway.clock.now())
                return {"ImageId": image.id, "LastLaunchedTime": {"Value": _date(launched)} if launched else {}}
            case "blockDeviceMapping":
                return {"ImageId": image.id, "BlockDeviceMappings": self._devices(image)}
            case other:
                raise ServiceError("UnsupportedOperation", f"The local cloud does not keep an image's {other}.")

    def modify_attribute(self, call: Call) -> dict[str, Any]:
        """ModifyImageAttribute: description and launch permissions."""
        known = {"ImageId", "Attribute", "LaunchPermission", "OperationType", "UserIds", "UserGroups", "Description",
                 "OrganizationArns", "OrganizationalUnitArns"}  # fmt: skip
        reject_others(call, frozenset(known))
        image = self._own(call)
        changes = _changes(call)
        context: dict[str, Any] = {}
        if added := [entry["UserId"] for entry in changes["Add"] if "UserId" in entry]:
            context["ec2:Add/userId"] = added
        self._access.record(call, image, context)
        if changes["Add"] and self._under_default_key(image):
            raise ServiceError("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared")
        if {"Group": "all"} in changes["Add"] and self._encrypted(image):
            raise ServiceError("InvalidParameter", "Encrypted images cannot be made public")
        for entry in changes["Add"]:
            if entry not in image.permissions:
                image.permissions.append(entry)
        image.permissions = [entry for entry in image.permissions if entry not in changes["Remove"]]
        if "Description" in call.parameters:
            image.description = call.parameters["Description"].get("Value", "")
        return {}

    def reset_attribute(self, call: Call) -> dict[str, Any]:
        """ResetImageAttribute: shared with nobody."""
        reject_others(call, frozenset({"ImageId", "Attribute"}))
        image = self._own(call)
        self._access.record(call, image)
        image.permissions = []
        return {}

    def _own(self, call: Call) -> Image:
        image = self._store.image(call.parameters["ImageId"], call.caller.account, call.region)
        if image.owner != call.caller.account:
            raise ServiceError("AuthFailure", f"Not authorized for image: {image.id}", 403)
        return image

    def _encryption(self, device: ImageDevice, region: str) -> Encryption | None:
        snapshot = self._store.find(Kind.SNAPSHOT, device.snapshot_id, region)
        return snapshot.encryption if isinstance(snapshot, Snapshot) else None

    def _encrypted(self, image: Image) -> bool:
        return any(self._encryption(device, image.region) for device in image.devices)

    def _under_default_key(self, image: Image) -> bool:
        encryptions = [self._encryption(device, image.region) for device in image.devices]
        return any(encryption is not None and encryption.is_default_key for encryption in encryptions)

    def _devices(self, image: Image) -> list[dict[str, Any]]:
        devices: list[dict[str, Any]] = []
        for device in image.devices:
            ebs: dict[str, Any] = {
                "SnapshotId": device.snapshot_id,
                "VolumeSize": device.size,
                "VolumeType": device.volume_type,
                "DeleteOnTermination": device.delete_on_termination,
                "Encrypted": self._encryption(device, image.region) is not None,
                **device.performance.shown(),
            }
            devices.append({"DeviceName": device.name, "Ebs": ebs})
        return devices

    def _shown(self, image: Image, account: str, now: datetime) -> dict[str, Any]:
        state = image.now(now)
        shown: dict[str, Any] = {
            "ImageId": image.id,
            "ImageLocation": f"{image.owner_alias or image.owner}/{image.name}",
            "ImageType": "machine",
            "Name": image.name,
            "Description": image.description,
            "OwnerId": image.owner,
            "Public": image.public,
            "State": state.value,
            "CreationDate": _date(image.created),
            "Architecture": image.architecture,
            "PlatformDetails": "Windows" if image.platform else "Linux/UNIX",
            "UsageOperation": "RunInstances:0002" if image.platform else "RunInstances",
            "BlockDeviceMappings": self._devices(image),
            "RootDeviceName": image.root_device,
            "RootDeviceType": "ebs",
            "VirtualizationType": "hvm",
            "Hypervisor": "xen",
            "EnaSupport": True,
            "ImdsSupport": "v2.0",
            # Tags are each account's own: those of a shared image stay with its owner.
            "Tags": [{"Key": key, "Value": value} for key, value in image.tags.items()]
            if image.owner == account
            else [],
        }
        optional = {
            "ImageOwnerAlias": image.owner_alias,
            "Platform": image.platform,
            "SourceImageId": image.source_image,
            "SourceImageRegion": image.source_region,
            "SourceInstanceId": image.source_instance,
        }
        if launched := image.last_launched(now):
            shown["LastLaunchedTime"] = _date(launched)
        shown.update({name: value for name, value in optional.items() if value})
        if image.failure and state == State.FAILED:
            shown["StateReason"] = {"Code": image.failure.code, "Message": image.failure.message}
        return shown


def _executable_by(image: Image, user: str) -> bool:
    return image.public if user == "all" else {"UserId": user} in image.permissions


def _changes(call: Call) -> dict[str, list[dict[str, str]]]:
    parameters = call.parameters
    changes: dict[str, list[dict[str, str]]] = {"Add": [], "Remove": []}
    for kind in changes:
        changes[kind] += parameters.get("LaunchPermission", {}).get(kind, [])
    names = {
        "UserIds": "UserId",
        "UserGroups": "Group",
        "OrganizationArns": "OrganizationArn",
        "OrganizationalUnitArns": "OrganizationalUnitArn",
    }
    listed = [{name: value} for parameter, name in names.items() for value in parameters.get(parameter, [])]
    if listed:
        changes["Add" if adds(call) else "Remove"] += listed
    return changes


def _date(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
