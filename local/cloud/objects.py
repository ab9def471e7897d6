"""Keys of S3 objects: whoever reads or writes an object under SSE-KMS must be allowed the use of its key.

ministack keeps the objects and decides on S3's own permissions; it never asks for the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import ClientError

from local.cloud.call import Call, Caller, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.keys.service import Keys

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"

DATA_QUERIES = frozenset({"partNumber", "uploadId", "versionId", "x-id"})
"""Query parameters of requests for an object's data; any other (`acl`, `tagging`, …) asks for something else."""


class Objects:
    """Decides on the keys of objects (S3 User Guide, "Using server-side encryption with AWS KMS keys")."""

    def __init__(self, gateway: Gateway, keys: Keys) -> None:
        self._gateway = gateway
        self._keys = keys

    def check(
        self,
        method: str,
        bucket: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        caller: Caller,
        region: str,
    ) -> None:
        """Raise `ServiceError` (AccessDenied) where the caller may not use the key of what it reads or writes."""
        if set(query) - DATA_QUERIES and not any(name.startswith("response-") for name in query):
            return
        s3 = self._gateway.root_client("s3", caller.account, region)
        source = headers.get("x-amz-copy-source")
        if method in {"GET", "HEAD"}:
            self._use(caller, "kms:Decrypt", self._object_key(s3, bucket, unquote(key), query.get("versionId")), bucket)
        elif method == "PUT" and "uploadId" not in query:
            self._use(caller, "kms:GenerateDataKey", headers.get(KEY_HEADER) or self._bucket_key(s3, bucket), bucket)
        if source and method == "PUT":
            path, _, options = unquote(source).lstrip("/").partition("?")
            from_bucket, _, from_key = path.partition("/")
            version = parse_qs(options).get("versionId", [None])[0]
            self._use(caller, "kms:Decrypt", self._object_key(s3, from_bucket, from_key, version), from_bucket)

    def _object_key(self, s3: Any, bucket: str, key: str, version: str | None) -> str | None:
        stated = {"VersionId": version} if version else {}
        try:
            return s3.head_object(Bucket=bucket, Key=key, **stated).get("SSEKMSKeyId")
        except ClientError:
            # Not there, or not the caller's to know: S3 itself says which.
            return None

    def _bucket_key(self, s3: Any, bucket: str) -> str | None:
        try:
            rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        except ClientError:
            return None
        return rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")

    def _use(self, caller: Caller, action: str, key_id: str | None, bucket: str) -> None:
        if not key_id or not key_id.startswith("arn:"):
            return
        region = key_id.split(":")[3]
        context = {"aws:s3:arn": f"arn:aws:s3:::{bucket}"}
        call = Call(
            "kms",
            action.removeprefix("kms:"),
            region,
            caller,
            {"KeyId": key_id, "EncryptionContext": context},
            {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        )
        try:
            self._keys.allow(call, action, key_id)
        except ServiceError as error:
            raise ServiceError("AccessDenied", error.message, 403) from error
