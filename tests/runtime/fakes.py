"""In-memory stand-ins for the AWS services that the functions call: just their documented behaviour.

Every call goes through `step`, once before and once after its effect, so that a test can stop, fail or interleave
whoever calls exactly there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from runtime.functions.pipeline_runs import ENDED


def no_step(_call: str) -> None:
    """Nothing happens between two calls."""


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "operation")


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

    def read(self) -> bytes:
        return self._content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self._content), size):
            yield self._content[start : start + size]


@dataclass
class Stepping:
    """Base of the stand-ins."""

    step: Callable[[str], None] = no_step

    @contextmanager
    def _call(self, name: str) -> Generator[None]:
        self.step(f"before {name}")
        yield
        self.step(f"after {name}")


@dataclass
class FakeBucket(Stepping):
    """S3 with one versioned bucket that knows its owner, strongly consistent, with conditional requests."""

    name: str = "scripts"
    owner: str = "111111111111"
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

    def get_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str, VersionId: str = "") -> dict[str, Any]:
        self._check(Bucket, ExpectedBucketOwner)
        with self._call("get_object"):
            if VersionId:
                (found,) = [one for one in self.versions if (one.key, one.version_id) == (Key, VersionId)]
            else:
                current = self.newest(Key).get(Key)
                if current is None:
                    raise refusal("NoSuchKey")
                found = current
        return {"Body": Body(found.body), "ETag": found.version_id}

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **options: Any) -> None:
        self._check(Bucket, options["ExpectedBucketOwner"])
        source = (CopySource["Key"], CopySource["VersionId"])
        with self._call("copy_object"):
            (found,) = [one for one in self.versions if (one.key, one.version_id) == source]
            self.written.append({"Key": Key, **options})
            self.upload(Key, found.body)

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **options: Any
    ) -> dict[str, str]:
        self._check(Bucket, options["ExpectedBucketOwner"])
        with self._call("put_object"):
            current = self.newest(Key).get(Key)
            if IfNoneMatch == "*" and current:
                raise refusal("PreconditionFailed")
            self._match(IfMatch, current)
            self.written.append({"Key": Key, **options})
            version_id = self.upload(Key, Body)
        return {"ETag": version_id}

    def delete_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str, IfMatch: str = "") -> None:
        self._check(Bucket, ExpectedBucketOwner)
        with self._call("delete_object"):
            self._match(IfMatch, self.newest(Key).get(Key))
            self.upload(Key, b"", deleted=True)

    @staticmethod
    def _match(etag: str, current: Version | None) -> None:
        if etag and current is None:
            raise refusal("NoSuchKey")
        if etag and current and current.version_id != etag:
            raise refusal("PreconditionFailed")

    def _check(self, bucket: str, owner: str) -> None:
        assert (bucket, owner) == (self.name, self.owner)


@dataclass
class Paginator:
    """Pages of one entry each, so that a reader that stops at the first page is seen."""

    bucket: FakeBucket
    operation: str

    def paginate(self, *, Bucket: str, Prefix: str, ExpectedBucketOwner: str) -> Iterator[dict[str, Any]]:
        assert (Bucket, ExpectedBucketOwner) == (self.bucket.name, self.bucket.owner)
        self.bucket.step(f"before {self.operation}")
        newest = self.bucket.newest(Prefix)
        if self.operation == "list_objects_v2":
            for key in sorted(newest):
                yield {"Contents": [{"Key": key}]}
            return
        # S3 lists the versions of a key from the newest to the oldest.
        for version in reversed(self.bucket.versions):
            if version.key.startswith(Prefix) and not version.deleted:
                latest = newest.get(version.key) is version
                entry = {"Key": version.key, "VersionId": version.version_id, "IsLatest": latest}
                yield {"Versions": [{**entry, "Size": len(version.body)}]}


@dataclass
class FakeParameters(Stepping):
    """Parameter Store with one parameter, which holds a base image."""

    name: str = "/base"
    value: str = "ami-1"

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == self.name
        with self._call("get_parameter"):
            value = self.value
        return {"Parameter": {"Name": Name, "Value": value}}


class ResourceInUseError(Exception):
    """Image Builder's answer to a second run of a pipeline."""


class ResourceNotFoundError(Exception):
    """Image Builder's answer to an image that it does not know."""


class Exceptions:
    """The client's exception classes."""

    ResourceInUseException = ResourceInUseError
    ResourceNotFoundException = ResourceNotFoundError


@dataclass
class FakeImageBuilder(Stepping):
    """Image Builder with one pipeline that runs one image at a time.

    `unsettled` images exist, but are neither listed nor known by their ARN yet; a client token is forgotten when
    `forget_tokens` says so, as AWS does not tell for how long it remembers one.
    """

    images: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    settles_at_once: bool = True
    retried: list[str] = field(default_factory=list)
    exceptions: type[Exceptions] = Exceptions
    page_size: int = 2
    components: dict[str, str] = field(default_factory=dict[str, str])
    """The ARN of the newest version by the ARN with wildcards."""

    @property
    def running(self) -> dict[str, Any] | None:
        """The image under way."""
        return next((image for image in self.images if image["state"]["status"] not in ENDED), None)

    def list_image_pipeline_images(self, *, imagePipelineArn: str, nextToken: str = "0") -> dict[str, Any]:
        with self._call("list_image_pipeline_images"):
            start = int(nextToken)
            settled = [image for image in self.images if image["arn"] not in self.unsettled]
            page: dict[str, Any] = {"imageSummaryList": settled[start : start + self.page_size]}
            if start + self.page_size < len(settled):
                page["nextToken"] = str(start + self.page_size)
        return page

    def get_image(self, *, imageBuildVersionArn: str) -> dict[str, Any]:
        with self._call("get_image"):
            found = [image for image in self.images if image["arn"] == imageBuildVersionArn]
            if not found or imageBuildVersionArn in self.unsettled:
                raise ResourceNotFoundError
        return {"image": found[0]}

    def start_image_pipeline_execution(
        self, *, imagePipelineArn: str, clientToken: str, tags: dict[str, str]
    ) -> dict[str, Any]:
        assert len(clientToken) <= 64
        with self._call("start_image_pipeline_execution"):
            arn = self.tokens.get(clientToken)
            if arn is None:
                if self.running:
                    raise ResourceInUseError
                arn = f"{imagePipelineArn.replace('image-pipeline', 'image')}/1.0.0/{len(self.images) + 1}"
                self.images.append({"arn": arn, "tags": tags, "state": {"status": "BUILDING"}})
                self.tokens[clientToken] = arn
                if not self.settles_at_once:
                    self.unsettled.add(arn)
        return {"imageBuildVersionArn": arn}

    def get_component(self, *, componentBuildVersionArn: str) -> dict[str, Any]:
        with self._call("get_component"):
            return {"component": {"arn": self.components[componentBuildVersionArn]}}

    def retry_image(self, *, imageBuildVersionArn: str, clientToken: str) -> None:
        assert clientToken
        with self._call("retry_image"):
            (found,) = [image for image in self.images if image["arn"] == imageBuildVersionArn]
            assert found["state"]["status"] == "FAILED"
            found["state"]["status"] = "DISTRIBUTING"
            self.retried.append(imageBuildVersionArn)

    def settle(self) -> None:
        """Let everybody see what there is."""
        self.unsettled.clear()

    def end(self, status: str = "AVAILABLE") -> None:
        """End the running build."""
        running = self.running
        assert running is not None
        running["state"]["status"] = status
        self.settle()

    def forget_tokens(self) -> None:
        """Treat every token as a new one from now on."""
        self.tokens.clear()


@dataclass
class FakeTopic(Stepping):
    """SNS with one topic."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, *, TopicArn: str, Subject: str, Message: str, MessageAttributes: dict[str, Any]) -> None:
        assert len(Subject) <= 100
        with self._call("publish"):
            body = json.loads(Message)
            assert MessageAttributes["status"]["StringValue"] == body["status"]
            self.messages.append({"topic": TopicArn, "subject": Subject, **body})

    def with_status(self, status: str) -> list[dict[str, Any]]:
        """Messages of one kind."""
        return [message for message in self.messages if message["status"] == status]


def sha256(content: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
