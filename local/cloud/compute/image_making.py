"""Making images: from instances, and as copies across Regions and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, new_arn, reject_others, requested_tags, tag_keys
from local.cloud.compute.encryption import KeyUse, key_arn_of
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


class ImageMaking:
    """CreateImage and CopyImage."""

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
        image.architecture = instance.architecture
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
        return ImageDevice(
            volume.device,
            snapshot.id,
            volume.size,
            volume.volume_type,
            volume.delete_on_termination,
            volume.performance,
        )

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
        image.architecture = source.architecture
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
        return replace(device, snapshot_id=copied.id), failure

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
