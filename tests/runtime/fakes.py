"""In-memory stand-ins for the AWS services that the functions call: just their documented behaviour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Version:
    """One version of an object; `deleted` marks a delete marker."""

    key: str
    version_id: str
    body: bytes
    deleted: bool = False


class Body:
    """A streaming body."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self._content), size):
            yield self._content[start : start + size]


@dataclass
class FakeBucket:
    """S3 with one versioned bucket that knows its owner."""

    name: str
    owner: str
    versions: list[Version] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, key: str, body: bytes, deleted: bool = False) -> str:
        """Add a version; returns its id."""
        version_id = f"version-{len(self.versions) + 1}"
        self.versions.append(Version(key, version_id, body, deleted))
        return version_id

    def newest(self, prefix: str = "") -> dict[str, Version]:
        """The current version of every key under a prefix."""
        current: dict[str, Version] = {}
        for version in self.versions:
            if version.key.startswith(prefix):
                current[version.key] = version
        return {key: version for key, version in current.items() if not version.deleted}

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self, operation)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        self._check(Bucket, ExpectedBucketOwner)
        (found,) = [one for one in self.versions if (one.key, one.version_id) == (Key, VersionId)]
        return {"Body": Body(found.body)}

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **options: Any) -> None:
        self._check(Bucket, options["ExpectedBucketOwner"])
        source = (CopySource["Key"], CopySource["VersionId"])
        (found,) = [one for one in self.versions if (one.key, one.version_id) == source]
        self.written.append({"Key": Key, **options})
        self.upload(Key, found.body)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **options: Any) -> None:
        self._check(Bucket, options["ExpectedBucketOwner"])
        self.written.append({"Key": Key, **options})
        self.upload(Key, Body)

    def delete_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str) -> None:
        self._check(Bucket, ExpectedBucketOwner)
        self.upload(Key, b"", deleted=True)

    def _check(self, bucket: str, owner: str) -> None:
        assert (bucket, owner) == (self.name, self.owner)


@dataclass
class Paginator:
    """Pages of one entry each, so that a reader that stops at the first page is seen."""

    bucket: FakeBucket
    operation: str

    def paginate(self, *, Bucket: str, Prefix: str, ExpectedBucketOwner: str) -> Iterator[dict[str, Any]]:
        assert (Bucket, ExpectedBucketOwner) == (self.bucket.name, self.bucket.owner)
        newest = self.bucket.newest(Prefix)
        if self.operation == "list_objects_v2":
            for key in sorted(newest):
                yield {"Contents": [{"Key": key}]}
            return
        for version in self.bucket.versions:
            if version.key.startswith(Prefix) and not version.deleted:
                latest = newest.get(version.key) is version
                entry = {"Key": version.key, "VersionId": version.version_id, "IsLatest": latest}
                yield {"Versions": [{**entry, "Size": len(version.body)}]}


class ResourceInUseError(Exception):
    """Image Builder's answer to a second run of a pipeline."""


class Exceptions:
    """The client's exception classes."""

    ResourceInUseException = ResourceInUseError


@dataclass
class FakeImageBuilder:
    """Image Builder with one pipeline that runs one image at a time."""

    images: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    exceptions: type[Exceptions] = Exceptions
    page_size: int = 2

    def list_image_pipeline_images(self, *, imagePipelineArn: str, nextToken: str = "0") -> dict[str, Any]:
        start = int(nextToken)
        page: dict[str, Any] = {"imageSummaryList": self.images[start : start + self.page_size]}
        if start + self.page_size < len(self.images):
            page["nextToken"] = str(start + self.page_size)
        return page

    def start_image_pipeline_execution(
        self, *, imagePipelineArn: str, clientToken: str, tags: dict[str, str]
    ) -> dict[str, Any]:
        assert len(clientToken) <= 64
        if clientToken in self.tokens:
            return {"imageBuildVersionArn": self.tokens[clientToken]}
        if any(image["state"]["status"] == "BUILDING" for image in self.images):
            raise ResourceInUseError
        arn = f"{imagePipelineArn.replace('image-pipeline', 'image')}/1.0.0/{len(self.images) + 1}"
        self.images.append({"arn": arn, "tags": tags, "state": {"status": "BUILDING"}})
        self.tokens[clientToken] = arn
        return {"imageBuildVersionArn": arn}

    def end(self, status: str = "AVAILABLE") -> None:
        """End the running build."""
        for image in self.images:
            if image["state"]["status"] == "BUILDING":
                image["state"]["status"] = status


def sha256(content: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
