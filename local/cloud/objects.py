"""Keys of S3 objects: whoever reads or writes an object under SSE-KMS must be allowed the use of its key.

ministack keeps the objects and decides on S3's own permissions; it never asks for the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.guard import SignedRequest
from local.cloud.keys.service import Keys
from local.cloud.ministack_corrections import KEY_HEADER, bucket_owner

ENCRYPTION_HEADER = "x-amz-server-side-encryption"

DATA_QUERIES = frozenset({"partNumber", "uploadId", "uploads", "versionId", "x-id"})
"""Query parameters of requests for an object's data; any other (`acl`, `tagging`, …) asks for something else."""

PRESENTATION = ("response-", "x-amz-")
"""Beginnings of query parameters that say how to answer, or hold a presigned address's signature."""

SIGNATURE_2 = frozenset({"AWSAccessKeyId", "Expires", "Signature"})
"""Query parameters that hold the signature of an older presigned address."""


UNHEARD_SIGNATURE = (
    "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
)


class Objects:
    """Decides on the keys of objects (S3 User Guide, "Using server-side encryption with AWS KMS keys")."""

    services = frozenset({"s3"})

    def __init__(self, gateway: Gateway, keys: Keys) -> None:
        self._gateway = gateway
        self._keys = keys

    def check(self, signed: SignedRequest) -> None:
        """Raise `ServiceError` where the caller may not use the key of what it reads or writes (AccessDenied).

        Under SSE-KMS, S3 hears no signature of version 2 (InvalidArgument).
        """
        request, caller = signed.request, signed.caller
        bucket, _, key = request.path.lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        if not key or any(_asks_else(name) for name in query) or (caller.is_root and signed.signature_version == 4):
            return
        # Presigned addresses may carry headers as parameters.
        headers = {**{name.lower(): value for name, value in query.items()}, **request.headers}
        method = request.method
        s3 = self._client_of(bucket, signed)
        source = headers.get("x-amz-copy-source")
        # The head of an object holds nothing that its key protects, other than checksums that are asked for.
        if method == "GET" or (method == "HEAD" and "x-amz-checksum-mode" in headers):
            key_id = self._object_key(s3, bucket, unquote(key), query.get("versionId"))
            self._use(signed, "kms:Decrypt", key_id, bucket)
        elif method == "PUT" and "uploadId" not in query:
            self._use(signed, "kms:GenerateDataKey", self._new_key(s3, bucket, headers), bucket)
        elif method == "POST" and "uploads" in query:
            # The parts of an upload are put under what its beginning states, and read again to be joined.
            key_id = self._new_key(s3, bucket, headers)
            self._use(signed, "kms:GenerateDataKey", key_id, bucket)
            self._use(signed, "kms:Decrypt", key_id, bucket)
        if source and method == "PUT":
            path, _, options = unquote(source).lstrip("/").partition("?")
            from_bucket, _, from_key = path.partition("/")
            version = parse_qs(options).get("versionId", [None])[0]
            key_id = self._object_key(self._client_of(from_bucket, signed), from_bucket, from_key, version)
            self._use(signed, "kms:Decrypt", key_id, from_bucket)

    def _client_of(self, bucket: str, signed: SignedRequest) -> Any:
        """A client of a bucket's owner: whoever reads the bucket's settings, its key is asked for."""
        return self._gateway.root_client("s3", bucket_owner(bucket) or signed.caller.account, signed.region)

    def _new_key(self, s3: Any, bucket: str, headers: Mapping[str, str]) -> str | None:
        """The key that a request writes under: what it states comes before its bucket's default."""
        if headers.get(ENCRYPTION_HEADER) == "AES256":
            return None
        return headers.get(KEY_HEADER) or self._bucket_key(s3, bucket)

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

    def _use(self, signed: SignedRequest, action: str, key_id: str | None, bucket: str) -> None:
        if not key_id:
            return
        if signed.signature_version != 4:
            raise ServiceError("InvalidArgument", UNHEARD_SIGNATURE)
        if signed.caller.is_root or "alias/aws/" in key_id:
            # S3's own keys are open to whoever S3 admits.
            return
        region = key_id.split(":")[3] if key_id.startswith("arn:") else signed.region
        context = {"aws:s3:arn": f"arn:aws:s3:::{bucket}"}
        call = Call(
            "kms",
            action.removeprefix("kms:"),
            region,
            signed.caller,
            {"KeyId": key_id, "EncryptionContext": context},
            {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        )
        try:
            self._keys.allow(call, action, key_id)
        except ServiceError as error:
            raise ServiceError("AccessDenied", error.message, 403) from error


def _asks_else(parameter: str) -> bool:
    """Whether a query parameter says that a request is not for an object's data."""
    known = DATA_QUERIES | SIGNATURE_2
    return parameter not in known and not parameter.lower().startswith(PRESENTATION)
