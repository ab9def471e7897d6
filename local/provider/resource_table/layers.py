"""Versions of Lambda layers (AWS Lambda API reference, PublishLayerVersion)."""

from __future__ import annotations

from typing import Any

from local.provider.archives import zip_bytes
from local.provider.difference import SET, Comparison
from local.provider.errors import ProviderError
from local.provider.resource_type import ResourceType
from local.provider.values import Blob
from local.provider.work import Work, input_shape

PLACE = {"S3Bucket": "s3Bucket", "S3Key": "s3Key", "S3ObjectVersion": "s3ObjectVersion"}

DESCRIBED = frozenset({"compatibleArchitectures", "compatibleRuntimes", "description", "licenseInfo"})

CREATED = DESCRIBED | {"code", "layerName", *PLACE.values()}


def _publish(work: Work) -> str:
    sent = {name: value for name, value in work.inputs.items() if name in DESCRIBED}
    parameters = work.mapper.to_aws(input_shape("lambda", "PublishLayerVersion"), sent)
    answer = work.call("PublishLayerVersion", LayerName=work.inputs["layerName"], Content=_content(work), **parameters)
    return str(answer["LayerVersionArn"])


def _content(work: Work) -> dict[str, Any]:
    code = work.inputs.get("code")
    if code is not None:
        if not isinstance(code, Blob):
            raise ProviderError("code must be an archive")
        return {"ZipFile": zip_bytes(code)}
    content = {member: work.inputs[name] for member, name in PLACE.items() if work.inputs.get(name)}
    if not {"S3Bucket", "S3Key"} <= content.keys():
        raise ProviderError("code, or s3Bucket with s3Key, is needed")
    return content


def _read(work: Work) -> dict[str, Any]:
    layer, version = _parts(work.id)
    answer = work.call("GetLayerVersion", LayerName=layer, VersionNumber=version)
    content = answer["Content"]
    return {
        **work.properties({name: value for name, value in answer.items() if name != "Version" and value != ""}),
        "arn": answer["LayerVersionArn"],
        "layerName": answer["LayerArn"].rpartition(":")[2],
        "version": str(answer["Version"]),
        "codeSha256": content["CodeSha256"],
        "sourceCodeSize": content["CodeSize"],
        "signingJobArn": content.get("SigningJobArn", ""),
        "signingProfileVersionArn": content.get("SigningProfileVersionArn", ""),
    }


def _delete(work: Work) -> None:
    if work.known("skipDestroy"):
        return
    layer, version = _parts(work.id)
    work.call("DeleteLayerVersion", LayerName=layer, VersionNumber=version)


def _parts(arn: str) -> tuple[str, int]:
    """The name of a layer and the number of its version (Service authorization reference, "layer version")."""
    parts = arn.split(":")
    if len(parts) != 8 or parts[5] != "layer" or not parts[7].isdigit():
        raise ProviderError(f"a layer version is named by its ARN with its number, not {arn!r}")
    return parts[6], int(parts[7])


class _LayerComparison(Comparison):
    """A layer's name and its ARN without a version are one layer."""

    def same(self, desired: Any, actual: Any, path: str) -> bool:
        if path == "layerName" and isinstance(desired, str) and isinstance(actual, str):
            return desired.rpartition(":")[2] == actual.rpartition(":")[2]
        return super().same(desired, actual, path)


ROWS = (
    ResourceType(
        token="aws:lambda/layerVersion:LayerVersion",
        service="lambda",
        create=_publish,
        created_with=CREATED,
        identify=lambda work, answer: str(answer),
        read=_read,
        delete=_delete,
        # A version never changes, so no setting: whatever differs makes a new one.
        unread=frozenset({"code", "s3Bucket", "s3Key", "s3ObjectVersion", "skipDestroy", "sourceCodeHash"}),
        missing=("ResourceNotFoundException",),
        renames={"code": "", "arn": "LayerVersionArn"},
        defaults={"skipDestroy": False},
        comparison=_LayerComparison(
            {"compatibleArchitectures": SET, "compatibleRuntimes": SET}, frozenset({"sourceCodeHash"})
        ),
    ),
)
