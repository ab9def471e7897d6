"""Components: immutable versions of a document.

Source: API Reference, CreateComponent, GetComponent, ListComponents, ListComponentBuildVersions, DeleteComponent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import Context, reason_of
from local.cloud.image_builder.documents import DATA_MAXIMUM, Document, DocumentError, parse
from local.cloud.image_builder.managed_components import ACCOUNT as MANAGED
from local.cloud.image_builder.managed_components import managed_components
from local.cloud.image_builder.store import Record, Shelf, filtered, own_only, page, picked
from local.cloud.image_builder.versions import ResourceArn, Version, VersionError, arn_name, has_wildcard, newest

KIND = "component"
URI_MAXIMUM = 64 * 1024
"""Bytes of a document given by `uri` (User Guide, "Quotas")."""

_SUMMARY = ("arn", "name", "version", "platform", "supportedOsVersions", "type", "owner", "description", "dateCreated")


class Components:
    """The operations on components."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateComponent": self.create,
            "GetComponent": self.get,
            "DeleteComponent": self.delete,
            "ListComponents": self.list,
            "ListComponentBuildVersions": self.list_builds,
            "GetComponentPolicy": self.get_policy,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateComponent."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = created_arn(call, KIND)
        self._context.authorize_tags(call, str(arn))
        if shelf.find(KIND, str(arn)):
            raise errors.already_exists(str(arn))
        text, document = self._document(call)
        record: Record = {
            "arn": str(arn),
            **picked(
                given, ("name", "description", "changeDescription", "platform", "supportedOsVersions", "kmsKeyId")
            ),
            "version": arn.version,
            "type": document.type,
            "state": {"status": "ACTIVE"},
            "owner": call.caller.account,
            "data": text,
            "encrypted": True,
            "dateCreated": self._context.now(),
            "tags": dict(given.get("tags") or {}),
        }
        if document.parameters:
            record["parameters"] = [_parameter(parameter) for parameter in document.parameters]
        if given.get("dryRun"):
            raise errors.dry_run()
        shelf.put(KIND, record)
        return {
            "clientToken": given.get("clientToken"),
            "componentBuildVersionArn": str(arn),
            "latestVersionReferences": references(arn),
        }

    def _document(self, call: Call) -> tuple[str, Document]:
        text = document_text(self._context, call)
        try:
            return text, parse(text)
        except DocumentError as error:
            raise errors.invalid_combination("data", str(error)) from error

    def get(self, call: Call) -> dict[str, Any]:
        """GetComponent: by build version; without a build number or with wildcards the newest that fits."""
        record = resolved(self._context.shelf(call), call.parameters["componentBuildVersionArn"])
        return {
            "component": picked(record, record),
            "latestVersionReferences": references(ResourceArn.parse(record["arn"])),
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteComponent: not while a recipe refers to it."""
        shelf, arn = self._context.shelf(call), call.parameters["componentBuildVersionArn"]
        shelf.get(KIND, arn)
        for recipe in shelf.all("image-recipe"):
            for used in recipe.get("components", []):
                found = find(shelf, used["componentArn"])
                if found and found["arn"] == arn:
                    raise errors.in_use_by_others(arn)
        shelf.delete(KIND, arn)
        return {"componentBuildVersionArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListComponents: one entry a version; nobody shares or sells any here."""
        owner = call.parameters.get("owner", "Self")
        by_owner = {"Self": self._context.shelf(call).all(KIND), "Amazon": list(managed_components(call.region))}
        own_only({**call.parameters, "owner": "Self"})
        found = by_owner.get(owner, [])
        entries = [
            {**picked(record, _SUMMARY), "arn": ResourceArn.parse(record["arn"]).unbuilt, "status": "ACTIVE"}
            for record in found
        ]
        entries = filtered(entries, call.parameters, ("description", "name", "platform", "type", "version"))
        return page(entries, call.parameters, "componentVersionList")

    def list_builds(self, call: Call) -> dict[str, Any]:
        """ListComponentBuildVersions."""
        version = call.parameters.get("componentVersionArn")
        entries = [
            picked(record, (*_SUMMARY, "changeDescription", "state", "tags"))
            for record in (*self._context.shelf(call).all(KIND), *_managed(version))
            if version is None or ResourceArn.parse(record["arn"]).unbuilt == version
        ]
        return page(entries, call.parameters, "componentSummaryList")

    def get_policy(self, call: Call) -> dict[str, Any]:
        """GetComponentPolicy: the local cloud shares no components, so there never is a policy."""
        arn = call.parameters["componentArn"]
        resolved(self._context.shelf(call), arn)
        raise ServiceError("ResourceNotFoundException", f"The resource with ARN '{arn}' has no policy.", 404)


def document_text(context: Context, call: Call) -> str:
    """The document that a call gives as `data` or `uri`, the latter read as the caller.

    Raises:
        ServiceError: Both or none is given, it is too large, or it cannot be read.
    """
    given = call.parameters
    if (given.get("data") is None) == (given.get("uri") is None):
        raise errors.invalid_combination("data", "Exactly one of 'data' and 'uri' must be given.")
    if given.get("data") is None:
        return _fetch(context, call, given["uri"])
    if len(given["data"]) > DATA_MAXIMUM:
        raise errors.invalid_value("data", f"It must be at most {DATA_MAXIMUM} characters, it is {len(given['data'])}.")
    return given["data"]


def _fetch(context: Context, call: Call, uri: str) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not key:
        raise errors.invalid_value("uri", "It must be of the form s3://<bucket>/<key>.")
    s3 = context.gateway.client("s3", call.region, call.caller.credentials)
    try:
        data: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read(URI_MAXIMUM + 1)
    except ClientError as error:
        raise errors.invalid_value("uri", reason_of(error)) from error
    if len(data) > URI_MAXIMUM:
        raise errors.invalid_value("uri", f"The document is beyond {URI_MAXIMUM} bytes.")
    return data.decode("utf-8", errors="replace")


def created_arn(call: Call, kind: str) -> ResourceArn:
    """ARN of the versioned resource that a call creates, with build 1.

    Raises:
        ServiceError: InvalidVersionNumberException.
    """
    try:
        version = Version.parse(call.parameters["semanticVersion"])
    except VersionError as error:
        raise ServiceError("InvalidVersionNumberException", f"The version number is not valid: {error}") from error
    return ResourceArn(call.region, call.caller.account, kind, arn_name(call.parameters["name"]), str(version), 1)


def references(arn: ResourceArn) -> dict[str, str]:
    """ARNs with wildcards that name the newest version of a resource."""
    major, minor, _ = (arn.version or "0.0.0").split(".")
    base = ResourceArn(arn.region, arn.account, arn.kind, arn.name)
    return {
        "latestVersionArn": f"{base}/x.x.x",
        "latestMajorVersionArn": f"{base}/{major}.x.x",
        "latestMinorVersionArn": f"{base}/{major}.{minor}.x",
        "latestPatchVersionArn": f"{base}/{arn.version}",
    }


def find(shelf: Shelf, reference: str) -> Record | None:
    """The component build that an ARN means, wildcards resolved to the newest."""
    try:
        arn = ResourceArn.parse(reference)
    except VersionError:
        return None
    records = list(managed_components(arn.region)) if arn.account == MANAGED else shelf.all(KIND)
    if arn.build is not None:
        return next((record for record in records if record["arn"] == reference), None)
    candidates = {
        Version.parse(record["version"]): record
        for record in records
        if ResourceArn.parse(record["arn"]).name == arn.name
    }
    pattern = arn.version or "x.x.x"
    best = newest(pattern, candidates) if has_wildcard(pattern) else Version.parse(pattern)
    return candidates.get(best) if best else None


def _managed(reference: str | None) -> tuple[Record, ...]:
    """Amazon's components of a Region, where an ARN is one of theirs."""
    try:
        arn = ResourceArn.parse(reference or "")
    except VersionError:
        return ()
    return managed_components(arn.region) if arn.account == MANAGED else ()


def resolved(shelf: Shelf, reference: str) -> Record:
    """The component build that an ARN means.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    record = find(shelf, reference)
    if record is None:
        raise errors.not_found(reference)
    return record


def _parameter(parameter: Any) -> Record:
    detail: Record = {"name": parameter.name, "type": parameter.type.lower()}
    if parameter.default is not None:
        detail["defaultValue"] = [parameter.default]
    if parameter.description:
        detail["description"] = parameter.description
    return detail
