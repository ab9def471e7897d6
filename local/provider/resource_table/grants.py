"""Grants of KMS keys, of this account's and of others' (AWS KMS API reference, CreateGrant)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.difference import SET, Comparison
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType
from local.provider.waiting import message_has
from local.provider.work import Work

PRINCIPAL_NOT_YET_KNOWN = message_has("InvalidArnException", "principal")
"""A role made a moment ago may not be known to KMS yet (IAM user guide, "Eventual consistency")."""

IDENTITY = frozenset({"keyId", "granteePrincipal", "operations", "constraints", "name", "retiringPrincipal"})
"""A named grant with all of these equal is the same grant to KMS, which makes no second one (CreateGrant, "Name")."""


def _identify(work: Work, answer: Mapping[str, Any]) -> str:
    # KMS tells the token this once.
    work.state["grantToken"] = answer["GrantToken"]
    return f"{work.inputs['keyId']}:{answer['GrantId']}"


def _parts(resource_id: str) -> tuple[str, str]:
    """Key and grant: the key may be an ARN, which has colons itself."""
    key, _, grant = resource_id.rpartition(":")
    return key, grant


def _read(work: Work) -> dict[str, Any] | None:
    key, grant_id = _parts(work.id)
    marker = None
    while True:
        page = work.call("ListGrants", KeyId=key, GrantId=grant_id, Marker=marker)
        for grant in page["Grants"]:
            if grant["GrantId"] == grant_id:
                return {**work.properties(grant), "keyId": key}
        if not page.get("Truncated"):
            return None
        marker = page["NextMarker"]


def _delete(work: Work) -> None:
    key, grant = _parts(work.id)
    if not work.known("retireOnDelete"):
        work.call("RevokeGrant", KeyId=key, GrantId=grant)
        return
    # RetireGrant alone takes no key id.
    arn = key if key.startswith("arn:") else f"arn:aws:kms:{work.region}:{work.account}:key/{key}"
    work.call("RetireGrant", KeyId=arn, GrantId=grant)


ROWS = (
    ResourceType(
        token="aws:kms/grant:Grant",
        service="kms",
        create=Call("CreateGrant", retried=PRINCIPAL_NOT_YET_KNOWN),
        identify=_identify,
        read=_read,
        delete=_delete,
        unread=frozenset({"grantCreationTokens", "grantToken", "retireOnDelete"}),
        missing=("NotFoundException", "InvalidGrantIdException"),
        renames={"grantCreationTokens": "GrantTokens"},
        defaults={"retireOnDelete": False},
        auto_name=AutoName(maximum=255, prefix_property=None),
        key=IDENTITY,
        comparison=Comparison({"operations": SET, "constraints": SET, "grantCreationTokens": SET}),
        import_id=lambda resource_id: {"keyId": _parts(resource_id)[0]},
    ),
)
