"""IAM roles (IAM API reference)."""

from __future__ import annotations

from typing import Any

from local.provider import tags
from local.provider.difference import POLICY, SET, Comparison
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting, Tagging
from local.provider.waiting import message_has
from local.provider.work import Work

PRINCIPAL_NOT_YET_KNOWN = message_has("MalformedPolicyDocument", "invalid principal")


def _read(work: Work) -> dict[str, Any]:
    role = work.call("GetRole", RoleName=work.id)["Role"]
    found = {
        **work.properties(role),
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        "description": role.get("Description") or "",
        "tags": tags.from_list(role.get("Tags") or ()),
        "managedPolicyArns": attached_policies(work),
        "inlinePolicies": [{"name": name, "policy": text} for name, text in inline_policies(work).items()],
    }
    return found


def _document(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def attached_policies(work: Work) -> list[str]:
    """ARNs of a role's managed policies."""
    pages = work.sessions.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=work.id)
    return sorted(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])


def inline_policies(work: Work) -> dict[str, str]:
    """A role's inline policies by name."""
    pages = work.sessions.client("iam").get_paginator("list_role_policies").paginate(RoleName=work.id)
    names = sorted(name for page in pages for name in page["PolicyNames"])
    return {
        name: _document(work.call("GetRolePolicy", RoleName=work.id, PolicyName=name)["PolicyDocument"])
        for name in names
    }


def _set_trust(work: Work) -> None:
    work.run(
        Call(
            "UpdateAssumeRolePolicy",
            identity={"RoleName": "id", "PolicyDocument": "assumeRolePolicy"},
            only=frozenset(),
            retried=PRINCIPAL_NOT_YET_KNOWN,
        )
    )


def _set_boundary(work: Work) -> None:
    boundary = work.inputs.get("permissionsBoundary")
    if boundary:
        work.call("PutRolePermissionsBoundary", RoleName=work.id, PermissionsBoundary=boundary)
    else:
        work.call("DeleteRolePermissionsBoundary", RoleName=work.id)


def _describe(work: Work) -> None:
    work.call(
        "UpdateRole",
        RoleName=work.id,
        Description=work.inputs.get("description") or "",
        MaxSessionDuration=work.inputs["maxSessionDuration"],
    )


def _set_attached(work: Work) -> None:
    wanted, present = set(work.inputs.get("managedPolicyArns") or ()), set(attached_policies(work))
    for arn in sorted(present - wanted):
        work.call("DetachRolePolicy", RoleName=work.id, PolicyArn=arn)
    for arn in sorted(wanted - present):
        work.call("AttachRolePolicy", RoleName=work.id, PolicyArn=arn)


def _set_inline(work: Work) -> None:
    wanted = {item["name"]: item["policy"] for item in work.inputs.get("inlinePolicies") or () if item.get("name")}
    for name in inline_policies(work):
        if name not in wanted:
            work.call("DeleteRolePolicy", RoleName=work.id, PolicyName=name)
    for name, text in wanted.items():
        work.call("PutRolePolicy", RoleName=work.id, PolicyName=name, PolicyDocument=text)


def _delete(work: Work) -> None:
    profiles = work.call("ListInstanceProfilesForRole", RoleName=work.id)["InstanceProfiles"]
    for profile in profiles:
        work.call("RemoveRoleFromInstanceProfile", InstanceProfileName=profile["InstanceProfileName"], RoleName=work.id)
    owned = work.known("forceDetachPolicies")
    if owned or work.inputs.get("managedPolicyArns"):
        for arn in attached_policies(work):
            work.call("DetachRolePolicy", RoleName=work.id, PolicyArn=arn)
    if owned or work.inputs.get("inlinePolicies"):
        for name in inline_policies(work):
            work.call("DeleteRolePolicy", RoleName=work.id, PolicyName=name)
    work.call("DeleteRole", RoleName=work.id)


ROWS = (
    ResourceType(
        token="aws:iam/role:Role",
        service="iam",
        create=Call("CreateRole", retried=PRINCIPAL_NOT_YET_KNOWN),
        identify=lambda work, answer: answer["Role"]["RoleName"],
        read=_read,
        settings=(
            Setting(frozenset({"assumeRolePolicy"}), _set_trust),
            Setting(frozenset({"description", "maxSessionDuration"}), _describe),
            Setting(frozenset({"permissionsBoundary"}), _set_boundary),
            Setting(frozenset({"managedPolicyArns"}), _set_attached, after_create=True),
            Setting(frozenset({"inlinePolicies"}), _set_inline, after_create=True),
        ),
        delete=_delete,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagRole", RoleName=work.id, Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagRole", RoleName=work.id, TagKeys=keys),
        ),
        local=frozenset({"forceDetachPolicies"}),
        unread=frozenset({"namePrefix"}),
        missing=("NoSuchEntity",),
        renames={
            "name": "RoleName",
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "uniqueId": "RoleId",
            "permissionsBoundary": "PermissionsBoundary",
            "tags": "Tags",
        },
        defaults={"path": "/", "maxSessionDuration": 3600, "description": "", "forceDetachPolicies": False},
        auto_name=AutoName(maximum=64),
        key=frozenset({"name"}),
        comparison=Comparison(
            {
                "assumeRolePolicy": POLICY,
                "managedPolicyArns": SET,
                "inlinePolicies": SET,
                "inlinePolicies.policy": POLICY,
            },
            frozenset({"managedPolicyArns", "inlinePolicies"}),
        ),
        import_id=lambda resource_id: {"name": resource_id},
    ),
)
