"""IAM instance profiles (IAM API reference)."""

from __future__ import annotations

from typing import Any

from local.provider import tags
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting, Tagging
from local.provider.waiting import message_has
from local.provider.work import Work

ROLE_NOT_YET_KNOWN = message_has("NoSuchEntity", "role")


def _read(work: Work) -> dict[str, Any]:
    profile = work.call("GetInstanceProfile", InstanceProfileName=work.id)["InstanceProfile"]
    roles = profile.get("Roles") or ()
    return {
        **work.properties({name: value for name, value in profile.items() if name != "Roles"}),
        "role": roles[0]["RoleName"] if roles else None,
        "tags": tags.from_list(profile.get("Tags") or ()),
    }


def _set_role(work: Work) -> None:
    for role in work.call("GetInstanceProfile", InstanceProfileName=work.id)["InstanceProfile"].get("Roles") or ():
        work.call("RemoveRoleFromInstanceProfile", InstanceProfileName=work.id, RoleName=role["RoleName"])
    if work.inputs.get("role"):
        work.run(
            Call(
                "AddRoleToInstanceProfile",
                identity={"InstanceProfileName": "id", "RoleName": "role"},
                only=frozenset(),
                retried=ROLE_NOT_YET_KNOWN,
            )
        )


def _delete(work: Work) -> None:
    for role in work.call("GetInstanceProfile", InstanceProfileName=work.id)["InstanceProfile"].get("Roles") or ():
        work.call("RemoveRoleFromInstanceProfile", InstanceProfileName=work.id, RoleName=role["RoleName"])
    work.call("DeleteInstanceProfile", InstanceProfileName=work.id)


ROWS = (
    ResourceType(
        token="aws:iam/instanceProfile:InstanceProfile",
        service="iam",
        create=Call("CreateInstanceProfile"),
        identify=lambda work, answer: answer["InstanceProfile"]["InstanceProfileName"],
        read=_read,
        settings=(Setting(frozenset({"role"}), _set_role, after_create=True),),
        delete=_delete,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagInstanceProfile", InstanceProfileName=work.id, Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagInstanceProfile", InstanceProfileName=work.id, TagKeys=keys),
        ),
        unread=frozenset({"namePrefix"}),
        missing=("NoSuchEntity",),
        renames={"name": "InstanceProfileName", "uniqueId": "InstanceProfileId"},
        defaults={"path": "/"},
        auto_name=AutoName(maximum=128),
        key=frozenset({"name"}),
    ),
)
