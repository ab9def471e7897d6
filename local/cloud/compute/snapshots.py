"""Snapshots: shared, described, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.access import Access, adds, reject_others
from local.cloud.compute.filters import matching, page
from local.cloud.compute.records import Image, Kind, Snapshot, State
from local.cloud.compute.store import Store, not_found
from local.cloud.gateway import Gateway


class Snapshots:
    """Operations on snapshots."""

    def __init__(self, gateway: Gateway, store: Store, access: Access) -> None:
        self._gateway = gateway
        self._store = store
        self._access = access

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeSnapshots: own ones, and those that the caller may make volumes of."""
        known = {"SnapshotIds", "OwnerIds", "RestorableByUserIds", "Filters", "MaxResults", "NextToken"}
        reject_others(call, frozenset(known))
        self._access.describe(call)
        account = call.caller.account
        visible = [
            snapshot
            for snapshot in self._store.everywhere(Kind.SNAPSHOT, call.region)
            if isinstance(snapshot, Snapshot) and (snapshot.owner == account or account in snapshot.permissions)
        ]
        ids = call.parameters.get("SnapshotIds")
        if ids:
            by_id = {snapshot.id: snapshot for snapshot in visible}
            for snapshot_id in ids:
                if snapshot_id not in by_id:
                    raise not_found(Kind.SNAPSHOT, snapshot_id)
            visible = [by_id[snapshot_id] for snapshot_id in ids]
        if owners := call.parameters.get("OwnerIds"):
            wanted = {account if owner == "self" else owner for owner in owners}
            visible = [snapshot for snapshot in visible if snapshot.owner in wanted]
        for user in call.parameters.get("RestorableByUserIds", []):
            reader = account if user == "self" else user
            visible = [one for one in visible if one.owner == reader or reader in one.permissions]
        now = self._gateway.clock.now()
        readers = {
            "description": lambda snapshot: [snapshot.description],
            "encrypted": lambda snapshot: [str(snapshot.encryption is not None).lower()],
            "owner-id": lambda snapshot: [snapshot.owner],
            "snapshot-id": lambda snapshot: [snapshot.id],
            "start-time": lambda snapshot: [snapshot.created.isoformat()],
            "status": lambda snapshot: [snapshot.now(now).value],
            "volume-id": lambda snapshot: [snapshot.volume_id],
            "volume-size": lambda snapshot: [str(snapshot.size)],
        }
        chosen = matching(visible, call.parameters.get("Filters", []), readers, lambda snapshot: snapshot.tags)
        shown, token = page(chosen, call.parameters)
        answer: dict[str, Any] = {"Snapshots": [_shown(snapshot, account, now) for snapshot in shown]}
        return {**answer, "NextToken": token} if token else answer

    def describe_attribute(self, call: Call) -> dict[str, Any]:
        """DescribeSnapshotAttribute: who may make volumes of an own snapshot."""
        reject_others(call, frozenset({"SnapshotId", "Attribute"}))
        snapshot = self._own(call)
        self._access.record(call, snapshot)
        if call.parameters["Attribute"] != "createVolumePermission":
            raise ServiceError("UnsupportedOperation", "The local cloud keeps createVolumePermission only.")
        permissions = [{"UserId": user} for user in sorted(snapshot.permissions)]
        return {"SnapshotId": snapshot.id, "CreateVolumePermissions": permissions}

    def modify_attribute(self, call: Call) -> dict[str, Any]:
        """ModifySnapshotAttribute: share with accounts, or no longer."""
        known = {"SnapshotId", "Attribute", "CreateVolumePermission", "OperationType", "UserIds"}
        reject_others(call, frozenset(known))
        snapshot = self._own(call)
        added, removed = _changes(call)
        self._access.record(call, snapshot, {"ec2:Add/userId": sorted(added)} if added else None)
        if added and snapshot.encryption and snapshot.encryption.is_default_key:
            raise ServiceError("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared")
        snapshot.permissions = (snapshot.permissions | added) - removed
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteSnapshot: refused while an image needs it."""
        reject_others(call, frozenset({"SnapshotId"}))
        snapshot = self._own(call)
        self._access.record(call, snapshot)
        for image in self._images(call):
            if any(device.snapshot_id == snapshot.id for device in image.devices):
                message = f"The snapshot {snapshot.id} is currently in use by {image.id}"
                raise ServiceError("InvalidSnapshot.InUse", message)
        self._store.remove(snapshot)
        return {}

    def _images(self, call: Call) -> Iterable[Image]:
        records = self._store.of(Kind.IMAGE, call.caller.account, call.region)
        return (record for record in records if isinstance(record, Image))

    def _own(self, call: Call) -> Snapshot:
        record = self._store.own(Kind.SNAPSHOT, call.parameters["SnapshotId"], call.caller.account, call.region)
        assert isinstance(record, Snapshot)
        return record


def _changes(call: Call) -> tuple[set[str], set[str]]:
    stated = call.parameters.get("CreateVolumePermission", {})
    groups = [entry for kind in ("Add", "Remove") for entry in stated.get(kind, []) if "UserId" not in entry]
    if groups:
        raise ServiceError("UnsupportedOperation", "The local cloud shares snapshots with accounts only.")
    added = {entry["UserId"] for entry in stated.get("Add", [])}
    removed = {entry["UserId"] for entry in stated.get("Remove", [])}
    if users := call.parameters.get("UserIds", []):
        (added if adds(call) else removed).update(users)
    return added, removed


def _shown(snapshot: Snapshot, account: str, now: datetime) -> dict[str, Any]:
    state = snapshot.now(now)
    shown: dict[str, Any] = {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.owner,
        "Description": snapshot.description,
        "Encrypted": snapshot.encryption is not None,
        "Progress": "100%" if state == State.COMPLETED else "0%",
        "StartTime": snapshot.created,
        "State": state.value,
        "VolumeId": snapshot.volume_id or "vol-ffffffff",
        "VolumeSize": snapshot.size,
        "StorageTier": "standard",
        "Tags": [{"Key": key, "Value": value} for key, value in snapshot.tags.items()]
        if snapshot.owner == account
        else [],
    }
    if snapshot.encryption:
        shown["KmsKeyId"] = snapshot.encryption.key_arn
    if snapshot.failure and state == State.ERROR:
        shown["StateMessage"] = snapshot.failure.message
    return shown
