"""Images: made from instances, copied across Regions and accounts, shared, described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, adds, new_arn, reject_others, requested_tags, tag_keys
from local.cloud.compute.encryption import KeyUse, key_arn_of
from local.cloud.compute.filters import matching, page
from local.cloud.compute.records import (
    Encryption,
    Failure,
    Image,
    ImageDevice,
    Kind,
    Snapshot,
    State,
    new_id,
)
from local.cloud.compute.store import Store
from local.cloud.gateway import Gateway

KEY_REFUSED = "Client.InternalError"
"""EC2 checks a key after it has answered: "the action can appear to complete, but eventually fails" (CopyImage)."""

MADE = frozenset({Kind.IMAGE, Kind.SNAPSHOT})
"""What making or copying an image makes and the caller can tag."""


class Images:
    """Operations on images."""

    def __init__(self, gateway: Gateway, store: Store, access: Access, keys: KeyUse) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access
        self._keys = keys

    def create(self, call: Call) -> dict[str, Any]:
        """CreateImage: snapshots of an instance's volumes, under their keys."""
        reject_others(
            call,
            frozenset({"InstanceId", "Name", "Description", "NoReboot", "BlockDeviceMappings", "TagSpecifications"}),
        )
        instance = self._store.instance(call.parameters["InstanceId"], call.caller.account, call.region)
        tags = requested_tags(call, MADE)
        self._access.record(call, instance)
        self._access.require(call, new_arn(Kind.IMAGE, call))
        self._access.require(call, new_arn(Kind.SNAPSHOT, call))
        self._access.tags(call, tags)
        now = self._gateway.clock.now()
        if instance.now(now) not in {State.RUNNING, State.STOPPED}:
            raise ServiceError("IncorrectState", f"Instance '{instance.id}' is {instance.state}.")
        self._unique_name(call, call.parameters["Name"])
        if call.parameters.get("BlockDeviceMappings"):
            message = "The local cloud's CreateImage does not heed BlockDeviceMappings."
            raise ServiceError("UnsupportedOperation", message)
        devices = tuple(self._snapshot_volume(call, volume, tags, now) for volume in instance.volumes)
        image = self._new(call, call.parameters["Name"], devices, tags, now)
        image.root_device, image.platform = instance.root_device, instance.platform
        image.source_instance = instance.id
        return {"ImageId": self._store.add(image).id}

    def _snapshot_volume(
        self, call: Call, volume_id: str, tags: Mapping[Kind, dict[str, str]], now: datetime
    ) -> ImageDevice:
        volume = self._store.volume(volume_id, call.caller.account, call.region)
        snapshot = Snapshot(
            id=new_id("snap"),
            owner=call.caller.account,
            region=call.region,
            created=now,
            tags=dict(tags.get(Kind.SNAPSHOT, {})),
            state=State.PENDING,
            since=now,
            size=volume.size,
            encryption=volume.encryption,
            description=f"Created by CreateImage({volume.instance_id})",
            volume_id=volume.id,
        )
        self._store.add(snapshot)
        return ImageDevice(volume.device, snapshot.id, volume.size, volume.volume_type, volume.delete_on_termination)

    def copy(self, call: Call) -> dict[str, Any]:
        """CopyImage: from any Region, of an own image or one whose image and snapshots are shared with the caller.

        Whether the caller may use both keys shows only afterwards: the copy fails.
        """
        known = {
            "Name", "Description", "SourceImageId", "SourceRegion", "Encrypted", "KmsKeyId", "CopyImageTags",
            "TagSpecifications", "ClientToken",
        }  # fmt: skip
        reject_others(call, frozenset(known))
        parameters = call.parameters
        source = self._store.image(parameters["SourceImageId"], call.caller.account, parameters["SourceRegion"])
        tags = requested_tags(call, MADE)
        self._access.require(call, new_arn(Kind.IMAGE, call), tag_keys(source.tags))
        self._access.require(call, new_arn(Kind.SNAPSHOT, call))
        self._access.tags(call, tags)
        token = (call.operation, call.caller.account, call.region, parameters.get("ClientToken") or new_id("token"))
        if known_ids := self._store.client_tokens.get(token):
            return {"ImageId": known_ids[0]}
        now = self._gateway.clock.now()
        if source.now(now) != State.AVAILABLE:
            raise ServiceError("InvalidAMIID.Unavailable", f"The image ID '[{source.id}]' is not available")
        self._unique_name(call, parameters["Name"])
        copies = [self._copy_device(call, source, device, tags, now) for device in source.devices]
        image = self._new(call, parameters["Name"], tuple(device for device, _ in copies), tags, now)
        image.root_device, image.platform = source.root_device, source.platform
        image.source_image, image.source_region = source.id, source.region
        image.failure = next((failure for _, failure in copies if failure), None)
        if parameters.get("CopyImageTags"):
            image.tags = {**source.tags, **image.tags} if source.owner == call.caller.account else image.tags
        self._store.add(image)
        self._store.client_tokens[token] = [image.id]
        return {"ImageId": image.id}

    def _copy_device(
        self, call: Call, source: Image, device: ImageDevice, tags: Mapping[Kind, dict[str, str]], now: datetime
    ) -> tuple[ImageDevice, Failure | None]:
        snapshot = self._store.snapshot(device.snapshot_id, source.region)
        account = call.caller.account
        if snapshot.owner != account and account not in snapshot.permissions and not source.public:
            message = f"You do not have permission to access the storage of this ami: {source.id}"
            raise ServiceError("InvalidRequest", message)
        encryption, failure = self._copied_encryption(call, snapshot)
        copied = Snapshot(
            id=new_id("snap"),
            owner=account,
            region=call.region,
            created=now,
            tags=dict(tags.get(Kind.SNAPSHOT, {})),
            state=State.PENDING,
            since=now,
            failure=failure,
            size=snapshot.size,
            encryption=encryption,
            description=f"Copied for DestinationAmi from SourceAmi {source.id} for SourceSnapshot {snapshot.id}.",
        )
        self._store.add(copied)
        return ImageDevice(
            device.name, copied.id, device.size, device.volume_type, device.delete_on_termination
        ), failure

    def _copied_encryption(self, call: Call, source: Snapshot) -> tuple[Encryption | None, Failure | None]:
        parameters = call.parameters
        if not (source.encryption or parameters.get("Encrypted") or parameters.get("KmsKeyId")):
            return None, None
        if parameters.get("KmsKeyId") and parameters.get("Encrypted") is False:
            raise ServiceError("InvalidParameterCombination", "KmsKeyId is only allowed for encrypted copies.")
        foreign = source.owner != call.caller.account
        if source.encryption and source.encryption.is_default_key and foreign:
            raise ServiceError("InvalidRequest", "Snapshots encrypted with the AWS managed key cannot be shared.")
        key_arn = key_arn_of(parameters.get("KmsKeyId"), call.caller.account, call.region)
        if key_arn.split(":")[3] != call.region:
            message = f"The key {key_arn} does not exist in {call.region}"
            return Encryption(key_arn), Failure(KEY_REFUSED, f"Given key ID is not accessible: {message}")
        try:
            return self._keys.copy(call, source.encryption, key_arn), None
        except ServiceError as error:
            # EC2 says the first half only; the second spares its reader the search for the statement that is missing.
            return Encryption(key_arn), Failure(KEY_REFUSED, f"Given key ID is not accessible: {error.message}")

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
        images = [image for image in found if isinstance(image, Image) and image.may_be_launched_by(account)]
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
        """DescribeImageAttribute: description, launch permissions or block devices of an own image."""
        reject_others(call, frozenset({"ImageId", "Attribute"}))
        image = self._own(call)
        self._access.record(call, image)
        match call.parameters["Attribute"]:
            case "launchPermission":
                return {"ImageId": image.id, "LaunchPermissions": image.permissions}
            case "description":
                return {"ImageId": image.id, "Description": {"Value": image.description}}
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

    def _new(
        self,
        call: Call,
        name: str,
        devices: tuple[ImageDevice, ...],
        tags: Mapping[Kind, dict[str, str]],
        now: datetime,
    ) -> Image:
        return Image(
            id=new_id("ami"),
            owner=call.caller.account,
            region=call.region,
            created=now,
            tags=dict(tags.get(Kind.IMAGE, {})),
            state=State.PENDING,
            since=now,
            name=name,
            description=call.parameters.get("Description", ""),
            devices=devices,
        )

    def _unique_name(self, call: Call, name: str) -> None:
        """A name serves one image; what failed gives its name back, so that a copy can be tried again."""
        now = self._gateway.clock.now()
        for image in self._store.of(Kind.IMAGE, call.caller.account, call.region):
            if isinstance(image, Image) and image.name == name and image.now(now) != State.FAILED:
                message = f"AMI name {name} is already in use by AMI {image.id}"
                raise ServiceError("InvalidAMIName.Duplicate", message)

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
