"""What identity policies must allow for a call of EC2, resource by resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.cloud.call import Call, ServiceError
from local.cloud.compute.records import Kind, Record
from local.cloud.gateway import Gateway

REFUSED = "UnauthorizedOperation"


class Access:
    """Holds calls against their caller's policies, in EC2's words and with its condition keys."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def require(
        self, call: Call, resource_arn: str, context: Mapping[str, Any] | None = None, action: str | None = None
    ) -> None:
        """The caller must be allowed an action (the call's own, if none is given) on a resource.

        Raises `ServiceError` (UnauthorizedOperation).
        """
        keys = {**call.context, "ec2:Region": call.region, **(context or {})}
        try:
            self._gateway.authorize(
                call.caller, f"ec2:{action or call.operation}", resource_arn, call.region, keys, code=REFUSED
            )
        except ServiceError as error:
            message = f"You are not authorized to perform this operation. {error.message}"
            raise ServiceError(error.code, message, 403) from error

    def record(self, call: Call, record: Record, context: Mapping[str, Any] | None = None) -> None:
        """The caller must be allowed the call on a record, whose tags are condition keys."""
        self.require(call, record.arn, {**tag_keys(record.tags), **(context or {})})

    def describe(self, call: Call) -> None:
        """Descriptions have no resource level."""
        self.require(call, "*")

    def tags(self, call: Call, requested: Mapping[Kind, Mapping[str, str]], region: str | None = None) -> None:
        """Tagging at creation needs `ec2:CreateTags` under `ec2:CreateAction` (EC2 User Guide, "Tag on create")."""
        for kind, tags in requested.items():
            if tags:
                context = {"ec2:CreateAction": call.operation, **request_keys(tags)}
                self.require(call, new_arn(kind, call, region), context, action="CreateTags")


def new_arn(kind: Kind | str, call: Call, region: str | None = None) -> str:
    """ARN pattern of what does not exist yet."""
    account = "" if kind in {Kind.IMAGE, Kind.SNAPSHOT} else call.caller.account
    return f"arn:aws:ec2:{region or call.region}:{account}:{kind}/*"


def tag_keys(tags: Mapping[str, str]) -> dict[str, Any]:
    """Condition keys of a resource's tags; EC2 knows them under two names."""
    return {f"{prefix}:ResourceTag/{key}": value for key, value in tags.items() for prefix in ("aws", "ec2")}


def request_keys(tags: Mapping[str, str]) -> dict[str, Any]:
    """Condition keys of the tags that a call brings."""
    return {**{f"aws:RequestTag/{key}": value for key, value in tags.items()}, "aws:TagKeys": list(tags)}


def requested_tags(call: Call, kinds: frozenset[Kind]) -> dict[Kind, dict[str, str]]:
    """Tags of a call's `TagSpecifications` by kind; raises `ServiceError` for a kind that the call does not make."""
    found: dict[Kind, dict[str, str]] = {}
    for specification in call.parameters.get("TagSpecifications", []):
        name = specification.get("ResourceType", "")
        if name not in kinds:
            raise ServiceError("InvalidParameterValue", f"'{name}' is not a taggable resource type for this operation.")
        tags = {tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])}
        found.setdefault(Kind(name), {}).update(tags)
    return found


def adds(call: Call) -> bool:
    """Whether a call's `OperationType` adds what it lists or removes it; raises `ServiceError` if neither."""
    match call.parameters.get("OperationType"):
        case "add":
            return True
        case "remove":
            return False
        case None:
            raise ServiceError("MissingParameter", "The request must contain the parameter operationType")
        case other:
            raise ServiceError("InvalidParameterValue", f"Value ({other}) for parameter operationType is invalid.")


def reject_others(call: Call, known: frozenset[str]) -> None:
    """What an operation here does not heed is an error that names it; raises `ServiceError`."""
    others = sorted(set(call.parameters) - known)
    if others:
        raise ServiceError(
            "UnsupportedOperation", f"The local cloud's {call.operation} does not heed {', '.join(others)}."
        )
