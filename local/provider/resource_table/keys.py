"""KMS: keys, replicas of multi-Region keys, and aliases (AWS KMS API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider import tags
from local.provider.difference import POLICY, Comparison
from local.provider.errors import ProviderError, is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting, Tagging
from local.provider.waiting import message_has, until
from local.provider.work import Work

STATE_TIMEOUT = 60.0
"""Seconds in which a key leaves the states Creating and Updating."""

PRINCIPAL_NOT_YET_KNOWN = message_has("MalformedPolicyDocumentException", "principal")
"""A role made a moment ago may not be known to KMS yet (IAM user guide, "Eventual consistency")."""

TAGGING = Tagging(
    tag=lambda work, new: work.call("TagResource", KeyId=work.id, Tags=tags.to_list(new, "TagKey", "TagValue")),
    untag=lambda work, keys: work.call("UntagResource", KeyId=work.id, TagKeys=keys),
)


def _metadata(work: Work) -> dict[str, Any] | None:
    metadata: dict[str, Any] = work.call("DescribeKey", KeyId=work.id)["KeyMetadata"]
    return None if metadata["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion") else metadata


def _common(work: Work, metadata: Mapping[str, Any]) -> dict[str, Any]:
    listed = [tag for page in _pages(work, "ListResourceTags", KeyId=work.id) for tag in page.get("Tags") or ()]
    rotation = _rotation(work)
    return {
        **work.properties(metadata),
        "keyId": metadata["KeyId"],
        "description": metadata.get("Description", ""),
        "policy": work.call("GetKeyPolicy", KeyId=work.id, PolicyName="default")["Policy"],
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        "keyRotationEnabled": rotation["KeyRotationEnabled"],
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays") if rotation["KeyRotationEnabled"] else None,
        "isEnabled": metadata["Enabled"],
        "enabled": metadata["Enabled"],
        "tags": tags.from_list(listed),
    }


def _rotation(work: Work) -> dict[str, Any]:
    try:
        return dict(work.call("GetKeyRotationStatus", KeyId=work.id))
    except ClientError as error:
        # Asymmetric, HMAC and imported keys do not rotate.
        if is_one_of(error, ("UnsupportedOperationException",)):
            return {"KeyRotationEnabled": False}
        raise


def _pages(work: Work, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    marker = None
    while True:
        page = work.call(operation, Marker=marker, **parameters)
        pages.append(page)
        if not page.get("Truncated"):
            return pages
        marker = page["NextMarker"]


def _read_key(work: Work) -> dict[str, Any] | None:
    metadata = _metadata(work)
    if metadata is None:
        return None
    return {
        **_common(work, metadata),
        "customerMasterKeySpec": metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec"),
        "multiRegion": bool(metadata.get("MultiRegion")),
        "xksKeyId": (metadata.get("XksKeyConfiguration") or {}).get("Id"),
    }


def _set_rotation(work: Work) -> None:
    if not work.inputs.get("enableKeyRotation"):
        work.call("DisableKeyRotation", KeyId=work.id)
        return
    work.call("EnableKeyRotation", KeyId=work.id, RotationPeriodInDays=work.inputs.get("rotationPeriodInDays"))


def _set_enabled(work: Work) -> None:
    enabled = work.inputs.get("isEnabled", work.inputs.get("enabled", True))
    work.call("EnableKey" if enabled else "DisableKey", KeyId=work.id)


def _set_policy(work: Work) -> None:
    if work.inputs.get("policy"):
        work.run(
            Call(
                "PutKeyPolicy",
                identity={"KeyId": "id"},
                fixed={"PolicyName": "default"},
                only=frozenset({"policy", "bypassPolicyLockoutSafetyCheck"}),
                retried=PRINCIPAL_NOT_YET_KNOWN,
            )
        )


def _describe(work: Work) -> None:
    work.call("UpdateKeyDescription", KeyId=work.id, Description=work.inputs.get("description") or "")


def _schedule_deletion(work: Work) -> None:
    window = work.known("deletionWindowInDays")
    try:
        work.call("ScheduleKeyDeletion", KeyId=work.id, PendingWindowInDays=window)
    except ClientError as error:
        # Already on its way, as after an interrupted run.
        if not is_one_of(error, ("KMSInvalidStateException",)) or _metadata(work) is not None:
            raise


def _primary_region(work: Work) -> str:
    arn = str(work.inputs["primaryKeyArn"])
    parts = arn.split(":")
    if len(parts) != 6 or not parts[3]:
        raise ProviderError(f"primaryKeyArn must be the ARN of a multi-Region key, not {arn!r}")
    return parts[3]


def _replicate(work: Work) -> str:
    primary = str(work.inputs["primaryKeyArn"])
    region = _primary_region(work)
    if region == work.region:
        raise ProviderError(f"region must be another than the primary key's, {region}")
    parameters = work.parameters(
        Call(
            "ReplicateKey",
            only=frozenset({"policy", "bypassPolicyLockoutSafetyCheck", "description", "tags"}),
            fixed={"KeyId": primary, "ReplicaRegion": work.region},
        )
    )
    answer = work.call("ReplicateKey", region=region, **parameters)
    replica = str(answer["ReplicaKeyMetadata"]["KeyId"])
    until(
        lambda: work.call("DescribeKey", KeyId=replica)["KeyMetadata"]["KeyState"] not in ("Creating", "Updating"),
        f"replica key {replica} in {work.region}",
        STATE_TIMEOUT,
    )
    return replica


def _read_replica(work: Work) -> dict[str, Any] | None:
    metadata = _metadata(work)
    if metadata is None:
        return None
    primary = (metadata.get("MultiRegionConfiguration") or {}).get("PrimaryKey") or {}
    return {
        **_common(work, metadata),
        "keySpec": metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec"),
        "primaryKeyArn": primary.get("Arn") or work.known("primaryKeyArn"),
    }


def _read_alias(work: Work) -> dict[str, Any] | None:
    for page in _pages(work, "ListAliases"):
        for alias in page["Aliases"]:
            if alias["AliasName"] == work.id and alias.get("TargetKeyId"):
                key = alias["TargetKeyId"]
                return {
                    "name": alias["AliasName"],
                    "arn": alias["AliasArn"],
                    "targetKeyId": key,
                    "targetKeyArn": f"{alias['AliasArn'].partition(':alias/')[0]}:key/{key}",
                }
    return None


def _check_alias(inputs: Mapping[str, Any]) -> dict[str, str]:
    name = inputs.get("name")
    if name is not None and (not str(name).startswith("alias/") or str(name).startswith("alias/aws/")):
        return {"name": f"name must begin with 'alias/' and not with 'alias/aws/', not {name!r}"}
    return {}


class _AliasComparison(Comparison):
    """A key's id and its ARN are one target."""

    def same(self, desired: Any, actual: Any, path: str) -> bool:
        if path == "targetKeyId" and isinstance(desired, str) and isinstance(actual, str):
            return desired.rpartition("/")[2] == actual.rpartition("/")[2]
        return super().same(desired, actual, path)


KEY_SETTINGS = (
    Setting(frozenset({"policy"}), _set_policy),
    Setting(frozenset({"description"}), _describe),
)

ROWS = (
    ResourceType(
        token="aws:kms/key:Key",
        service="kms",
        create=Call("CreateKey", retried=PRINCIPAL_NOT_YET_KNOWN),
        identify=lambda work, answer: answer["KeyMetadata"]["KeyId"],
        read=_read_key,
        settings=(
            *KEY_SETTINGS,
            Setting(frozenset({"enableKeyRotation", "rotationPeriodInDays"}), _set_rotation, after_create=True),
            Setting(frozenset({"isEnabled"}), _set_enabled, after_create=True),
        ),
        delete=_schedule_deletion,
        tagging=TAGGING,
        local=frozenset({"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"}),
        missing=("NotFoundException",),
        renames={"customerMasterKeySpec": "KeySpec", "isEnabled": "", "xksKeyId": "XksKeyId"},
        defaults={
            "keyUsage": "ENCRYPT_DECRYPT",
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "isEnabled": True,
            "enableKeyRotation": False,
            "bypassPolicyLockoutSafetyCheck": False,
            "multiRegion": False,
        },
        comparison=Comparison({"policy": POLICY}, frozenset({"policy", "rotationPeriodInDays", "description"})),
    ),
    ResourceType(
        token="aws:kms/replicaKey:ReplicaKey",
        service="kms",
        create=_replicate,
        identify=lambda work, answer: str(answer),
        created_with=frozenset({"primaryKeyArn", "policy", "description"}),
        read=_read_replica,
        settings=(*KEY_SETTINGS, Setting(frozenset({"enabled"}), _set_enabled, after_create=True)),
        delete=_schedule_deletion,
        tagging=TAGGING,
        local=frozenset({"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"}),
        missing=("NotFoundException",),
        defaults={"enabled": True, "bypassPolicyLockoutSafetyCheck": False},
        comparison=Comparison({"policy": POLICY}, frozenset({"policy", "description"})),
        key=frozenset({"primaryKeyArn"}),
    ),
    ResourceType(
        token="aws:kms/alias:Alias",
        service="kms",
        create=Call("CreateAlias", identity={"AliasName": "name"}),
        identify=lambda work, answer: str(work.inputs["name"]),
        read=_read_alias,
        settings=(Setting(frozenset({"targetKeyId"}), Call("UpdateAlias", identity={"AliasName": "id"})),),
        delete=Call("DeleteAlias", identity={"AliasName": "id"}),
        unread=frozenset({"namePrefix"}),
        missing=("NotFoundException",),
        created_with=frozenset({"name"}),
        auto_name=AutoName(maximum=256),
        key=frozenset({"name"}),
        comparison=_AliasComparison(),
        volatile=frozenset({"targetKeyArn"}),
        check=_check_alias,
    ),
)
