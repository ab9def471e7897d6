"""S3 objects whose content a program states (Amazon S3 API reference, PutObject; AWS's provider, aws_s3_object)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.errors import ProviderError
from local.provider.resource_type import ResourceType, Setting
from local.provider.work import Work

SENT = {
    "bucketKeyEnabled": "BucketKeyEnabled",
    "cacheControl": "CacheControl",
    "contentDisposition": "ContentDisposition",
    "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage",
    "contentType": "ContentType",
    "kmsKeyId": "SSEKMSKeyId",
    "metadata": "Metadata",
    "serverSideEncryption": "ServerSideEncryption",
}
"""Properties to members of PutObject, which HeadObject answers again."""

CONTENT = frozenset({"content"})


def _put(work: Work) -> str:
    _refuse_tags(work)
    sent = {member: work.inputs.get(name) for name, member in SENT.items()}
    if work.inputs.get("kmsKeyId") and not sent["ServerSideEncryption"]:
        sent["ServerSideEncryption"] = "aws:kms"
    body = str(work.inputs.get("content", "")).encode()
    work.call("PutObject", Bucket=work.inputs["bucket"], Key=work.inputs["key"], Body=body, **sent)
    return str(work.inputs["key"])


def _refuse_tags(work: Work) -> None:
    """An object takes ten tags, and default tags may be more, so AWS's provider lets a program leave them out."""
    override = work.inputs.get("overrideProvider") or {}
    default = (override.get("defaultTags") or {}).get("tags", work.sessions.configuration.default_tags)
    if default:
        raise ProviderError(
            f"{work.row.token}: the local provider does not tag objects; set overrideProvider.defaultTags.tags to none"
        )


def _read(work: Work) -> dict[str, Any] | None:
    bucket, key = str(work.known("bucket")), work.id
    try:
        head = work.call("HeadObject", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        # A HEAD has no body and so no code but the status.
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    work.call("GetObjectTagging", Bucket=bucket, Key=key)
    checksums = {f"checksum{name.title()}": head.get(f"Checksum{name}", "") for name in ("CRC32", "CRC32C", "SHA1")}
    return {
        **{name: head.get(member) for name, member in SENT.items()},
        **checksums,
        "checksumSha256": head.get("ChecksumSHA256", ""),
        "checksumCrc64nvme": head.get("ChecksumCRC64NVME", ""),
        "arn": f"arn:aws:s3:::{bucket}/{key}",
        "bucket": bucket,
        "bucketKeyEnabled": bool(head.get("BucketKeyEnabled")),
        "etag": str(head["ETag"]).strip('"'),
        "key": key,
        "metadata": head.get("Metadata") or {},
        "storageClass": head.get("StorageClass") or "STANDARD",
        "tags": {},
        "tagsAll": {},
        "versionId": head.get("VersionId") or "",
    }


def _delete(work: Work) -> None:
    """All versions of the key go, as AWS's provider deletes an object of a versioned bucket."""
    bucket, key = str(work.known("bucket")), work.id
    client = work.sessions.client("s3", work.region)
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for version in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            if version["Key"] == key:
                work.call("DeleteObject", Bucket=bucket, Key=key, VersionId=version["VersionId"])


def _check(inputs: Mapping[str, Any]) -> dict[str, str]:
    if "content" not in inputs:
        return {"content": "the local provider makes objects of text content only; set content"}
    return {}


ROWS = (
    ResourceType(
        token="aws:s3/bucketObjectv2:BucketObjectv2",
        service="s3",
        create=_put,
        created_with=frozenset({"bucket", "key"}),
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(CONTENT | frozenset(SENT), _put),),
        delete=_delete,
        local=frozenset({"overrideProvider", "forceDestroy"}),
        unread=CONTENT,
        missing=("NoSuchBucket", "NoSuchKey"),
        volatile=frozenset({"etag", "versionId", "checksumCrc32", "checksumCrc32c", "checksumSha1", "checksumSha256"}),
        defaults={"forceDestroy": False},
        key=frozenset({"bucket", "key"}),
        check=_check,
    ),
)
