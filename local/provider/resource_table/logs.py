"""CloudWatch Logs groups (Amazon CloudWatch Logs API reference)."""

from __future__ import annotations

from typing import Any

from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting, Tagging
from local.provider.waiting import message_has
from local.provider.work import Work

KEY_NOT_YET_USABLE = message_has("AccessDeniedException", "key")
"""A key policy made a moment ago may not have reached CloudWatch Logs."""


def _arn(work: Work) -> str:
    return f"arn:aws:logs:{work.region}:{work.account}:log-group:{work.id}"


def _read(work: Work) -> dict[str, Any] | None:
    pages = work.sessions.client("logs", work.region).get_paginator("describe_log_groups")
    groups = [group for page in pages.paginate(logGroupNamePrefix=work.id) for group in page["logGroups"]]
    group = next((item for item in groups if item["logGroupName"] == work.id), None)
    if group is None:
        return None
    return {
        **work.properties(group),
        "arn": str(group.get("logGroupArn") or group["arn"]).removesuffix(":*"),
        "name": work.id,
        "retentionInDays": group.get("retentionInDays", 0),
        "logGroupClass": group.get("logGroupClass", "STANDARD"),
        "deletionProtectionEnabled": bool(group.get("deletionProtectionEnabled")),
        "tags": work.call("ListTagsForResource", resourceArn=_arn(work)).get("tags") or {},
    }


def _set_retention(work: Work) -> None:
    days = work.inputs.get("retentionInDays")
    if days:
        work.call("PutRetentionPolicy", logGroupName=work.id, retentionInDays=days)
    else:
        work.call("DeleteRetentionPolicy", logGroupName=work.id)


def _set_key(work: Work) -> None:
    if work.inputs.get("kmsKeyId"):
        work.run(
            Call(
                "AssociateKmsKey",
                identity={"logGroupName": "id", "kmsKeyId": "kmsKeyId"},
                only=frozenset(),
                retried=KEY_NOT_YET_USABLE,
            )
        )
    else:
        work.call("DisassociateKmsKey", logGroupName=work.id)


def _set_protection(work: Work) -> None:
    work.call(
        "PutLogGroupDeletionProtection",
        logGroupIdentifier=work.id,
        deletionProtectionEnabled=bool(work.inputs.get("deletionProtectionEnabled")),
    )


def _delete(work: Work) -> None:
    if not work.known("skipDestroy"):
        work.call("DeleteLogGroup", logGroupName=work.id)


ROWS = (
    ResourceType(
        token="aws:cloudwatch/logGroup:LogGroup",
        service="logs",
        create=Call("CreateLogGroup", retried=KEY_NOT_YET_USABLE),
        identify=lambda work, answer: str(work.inputs["name"]),
        read=_read,
        settings=(
            Setting(frozenset({"retentionInDays"}), _set_retention, after_create=True),
            Setting(frozenset({"kmsKeyId"}), _set_key),
            Setting(frozenset({"deletionProtectionEnabled"}), _set_protection),
        ),
        delete=_delete,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", resourceArn=_arn(work), tags=dict(new)),
            untag=lambda work, keys: work.call("UntagResource", resourceArn=_arn(work), tagKeys=keys),
        ),
        local=frozenset({"skipDestroy"}),
        unread=frozenset({"namePrefix"}),
        missing=("ResourceNotFoundException",),
        renames={"name": "logGroupName"},
        defaults={"retentionInDays": 0, "skipDestroy": False, "deletionProtectionEnabled": False},
        auto_name=AutoName(maximum=512),
        key=frozenset({"name"}),
        import_id=lambda resource_id: {"name": resource_id},
    ),
)
