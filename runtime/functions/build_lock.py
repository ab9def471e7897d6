"""The lock of a product: one function at a time decides what is built.

A lease in the product's own bucket, taken and given back by S3's conditional requests (S3 User Guide, "Conditional
writes" and "Conditional deletes"), so that it needs no further service and no reserved concurrency, of which a new
account has none to spare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from model.names import LOCK_KEY
from runtime.functions.aws_errors import code_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FUNCTION_TIMEOUT = 300
"""Seconds that Lambda lets a function run; no holder outlives them."""

LEASE = FUNCTION_TIMEOUT + 30
"""Seconds after which a lock was left behind by a function that was killed; clocks may differ by the rest."""

CLOSING = 10
"""Seconds before its own end at which a waiting function gives up, so that it fails in words."""

PAUSE = 0.25
"""Seconds between two tries."""

HELD = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
GONE = frozenset({"NoSuchKey", "404"})


class LockHeldError(Exception):
    """Another function held the lock for as long as this one could wait; Lambda delivers the event again."""


@dataclass(frozen=True)
class BuildLock:
    """The lock object of one product. `clock` tells seconds since the epoch, `remaining` those until Lambda's end."""

    s3: S3Client
    bucket: str
    owner: str
    data_key_arn: str
    holder: str
    clock: Callable[[], float]
    wait: Callable[[float], object]
    remaining: Callable[[], float]

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the lock; raises `LockHeldError` where it could not be had in time."""
        etag = self._take()
        try:
            yield
        finally:
            self._give_back(etag)

    def _take(self) -> str:
        while True:
            etag = self._try_to_take()
            if etag:
                return etag
            if self.remaining() < CLOSING:
                raise LockHeldError(f"{LOCK_KEY} in {self.bucket} stayed held")
            self.wait(PAUSE)

    def _try_to_take(self) -> str | None:
        etag = self._write(IfNoneMatch="*")
        if etag:
            return etag
        found = self._read()
        if found is None or found[1] > self.clock():
            return None
        # Left behind by a function that was killed: whoever replaces exactly this one has it.
        return self._write(IfMatch=found[0])

    def _read(self) -> tuple[str, float] | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=LOCK_KEY, ExpectedBucketOwner=self.owner)
        except ClientError as error:
            if code_of(error) in GONE:
                return None
            raise
        return answer["ETag"], float(json.loads(answer["Body"].read())["expires"])

    def _write(self, **condition: str) -> str | None:
        # The holder's name makes each lease another object, so that its entity tag is its own.
        content = json.dumps({"holder": self.holder, "expires": self.clock() + LEASE})
        request: dict[str, Any] = {
            "Bucket": self.bucket,
            "Key": LOCK_KEY,
            "Body": content.encode(),
            "ContentType": "application/json",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": self.data_key_arn,
            "ExpectedBucketOwner": self.owner,
            **condition,
        }
        try:
            return self.s3.put_object(**request)["ETag"]
        except ClientError as error:
            if code_of(error) in HELD | GONE:
                return None
            raise

    def _give_back(self, etag: str) -> None:
        try:
            self.s3.delete_object(Bucket=self.bucket, Key=LOCK_KEY, IfMatch=etag, ExpectedBucketOwner=self.owner)
        except ClientError as error:
            # Taken over after the lease: it is no longer this function's to give back.
            if code_of(error) not in HELD | GONE:
                raise
