"""The function of the aws package that looks an object of S3 up."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from local.provider import tags
from local.provider.declarations import declarations
from local.provider.invocation import Invocation
from local.provider.mapping import Mapper

TEXT_TYPES = re.compile(
    r"text/.+|application/(atom\+xml|json|ld\+json|x-csh|x-httpd-php|x-sh|x-sql|xhtml\+xml|xml|yaml)"
)
"""Types whose objects have a readable body (terraform-provider-aws, object_data_source.go)."""

OBJECT_RENAMES = {
    "contentLength": "ContentLength",
    "etag": "ETag",
    "objectLockLegalHoldStatus": "ObjectLockLegalHoldStatus",
    "sseKmsKeyId": "SSEKMSKeyId",
}


def get_object(invocation: Invocation) -> dict[str, Any]:
    """An object of S3: its head, and the body of that version where its type is text or the body is asked for.

    Order and versions are those of AWS's provider: head, body, tags (terraform-provider-aws, object_data_source.go).
    """
    given = invocation.arguments
    bucket, key = str(given["bucket"]), str(given["key"])
    part, version = given.get("range"), given.get("versionId")
    checksums = given.get("checksumMode")
    head = invocation.call(
        "s3", "HeadObject", Bucket=bucket, Key=key, VersionId=version, Range=part, ChecksumMode=checksums
    )
    download = str(given.get("downloadBody", "")).lower()
    text = bool(TEXT_TYPES.fullmatch(head.get("ContentType") or ""))
    body = b""
    if download == "true" or (text and download != "false"):
        held = head.get("VersionId")
        answer = invocation.call("s3", "GetObject", Bucket=bucket, Key=key, VersionId=held, Range=part)
        body = answer["Body"].read()
    tags_of = invocation.call("s3", "GetObjectTagging", Bucket=bucket, Key=key)
    found = Mapper(invocation.token, OBJECT_RENAMES).from_aws(declarations()[invocation.token].outputs, head)
    return {
        **found,
        **given,
        "arn": f"arn:aws:s3:::{bucket}/{key}",
        "id": f"{bucket}/{key}" + (f"@{version}" if version else ""),
        "body": body.decode(errors="replace") if text else "",
        "bodyBase64": base64.b64encode(body).decode() if download == "true" else "",
        "etag": str(head["ETag"]).strip('"'),
        "lastModified": head["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "metadata": head.get("Metadata") or {},
        "storageClass": head.get("StorageClass") or "STANDARD",
        "versionId": head.get("VersionId") or "",
        "region": invocation.region,
        "tags": tags.from_list(tags_of.get("TagSet") or ()),
    }


FUNCTIONS: Mapping[str, Callable[[Invocation], dict[str, Any]]] = {"aws:s3/getObject:getObject": get_object}
