"""IAM policies: of a role, managed, and attached (IAM API reference)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.provider import tags
from local.provider.difference import POLICY, Comparison
from local.provider.errors import ProviderError
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting, Tagging
from local.provider.work import Work

MOST_VERSIONS = 5
"""Versions that IAM keeps of a managed policy (IAM quotas)."""


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


def _split(resource_id: str, separator: str) -> tuple[str, str]:
    first, found, second = resource_id.partition(separator)
    if not found or not first or not second:
        raise ProviderError(f"id must be <role>{separator}<policy>, not {resource_id!r}")
    return first, second


def _inline_parts(resource_id: str) -> Mapping[str, Any]:
    role, name = _split(resource_id, ":")
    return {"role": role, "name": name}


def _attachment_parts(resource_id: str) -> Mapping[str, Any]:
    role, arn = _split(resource_id, "/")
    return {"role": role, "policyArn": arn}


def _read_inline(work: Work) -> dict[str, Any]:
    role, name = _split(work.id, ":")
    answer = work.call("GetRolePolicy", RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": _text(answer["PolicyDocument"])}


def _read_attachment(work: Work) -> dict[str, Any] | None:
    role, arn = _split(work.id, "/")
    pages = work.sessions.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=role)
    attached = any(policy["PolicyArn"] == arn for page in pages for policy in page["AttachedPolicies"])
    return {"role": role, "policyArn": arn} if attached else None


def _read_managed(work: Work) -> dict[str, Any]:
    policy = work.call("GetPolicy", PolicyArn=work.id)["Policy"]
    version = work.call("GetPolicyVersion", PolicyArn=work.id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {
        **work.properties(policy),
        "description": policy.get("Description") or "",
        "policy": _text(version["Document"]),
        "tags": tags.from_list(policy.get("Tags") or ()),
    }


def _new_version(work: Work) -> None:
    versions = work.call("ListPolicyVersions", PolicyArn=work.id)["Versions"]
    if len(versions) >= MOST_VERSIONS:
        oldest = min((item for item in versions if not item["IsDefaultVersion"]), key=lambda item: item["CreateDate"])
        work.call("DeletePolicyVersion", PolicyArn=work.id, VersionId=oldest["VersionId"])
    work.call("CreatePolicyVersion", PolicyArn=work.id, PolicyDocument=work.inputs["policy"], SetAsDefault=True)


def _delete_managed(work: Work) -> None:
    for version in work.call("ListPolicyVersions", PolicyArn=work.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            work.call("DeletePolicyVersion", PolicyArn=work.id, VersionId=version["VersionId"])
    work.call("DeletePolicy", PolicyArn=work.id)


PUT_INLINE = Call(
    "PutRolePolicy",
    identity={"RoleName": "role", "PolicyName": "name", "PolicyDocument": "policy"},
    only=frozenset(),
)

ROWS = (
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        service="iam",
        create=PUT_INLINE,
        created_with=frozenset({"role", "name", "policy"}),
        identify=lambda work, answer: f"{work.inputs['role']}:{work.inputs['name']}",
        read=_read_inline,
        settings=(Setting(frozenset({"policy"}), PUT_INLINE),),
        delete=Call("DeleteRolePolicy", identity={"RoleName": "role", "PolicyName": "name"}, only=frozenset()),
        unread=frozenset({"namePrefix"}),
        missing=("NoSuchEntity",),
        auto_name=AutoName(maximum=128),
        key=frozenset({"role", "name"}),
        comparison=Comparison({"policy": POLICY}),
        import_id=_inline_parts,
    ),
    ResourceType(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        service="iam",
        create=Call("AttachRolePolicy", identity={"RoleName": "role"}),
        created_with=frozenset({"role"}),
        identify=lambda work, answer: f"{work.inputs['role']}/{work.inputs['policyArn']}",
        read=_read_attachment,
        delete=Call("DetachRolePolicy", identity={"RoleName": "role", "PolicyArn": "policyArn"}, only=frozenset()),
        missing=("NoSuchEntity",),
        key=frozenset({"role", "policyArn"}),
        import_id=_attachment_parts,
    ),
    ResourceType(
        token="aws:iam/policy:Policy",
        service="iam",
        create=Call("CreatePolicy"),
        identify=lambda work, answer: answer["Policy"]["Arn"],
        read=_read_managed,
        settings=(Setting(frozenset({"policy"}), _new_version),),
        delete=_delete_managed,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagPolicy", PolicyArn=work.id, Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagPolicy", PolicyArn=work.id, TagKeys=keys),
        ),
        unread=frozenset({"namePrefix"}),
        missing=("NoSuchEntity",),
        renames={"name": "PolicyName", "policy": "PolicyDocument"},
        defaults={"path": "/", "description": ""},
        auto_name=AutoName(maximum=128),
        key=frozenset({"name", "path"}),
        comparison=Comparison({"policy": POLICY}),
        volatile=frozenset({"attachmentCount"}),
    ),
)
