"""What the start function remembers of a product between two events; only the holder of its lock reads or writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from model.manifest import PinnedFile
from model.names import STATE_KEY
from runtime.functions.aws_errors import code_of
from runtime.functions.build_lock import GONE

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class Run:
    """A run of the pipeline that was asked for; `image` is None as long as nobody knows what came of the request.

    `began` is in seconds since the epoch, `request` identifies a build that was asked for by hand or by a schedule,
    `built_from` is what the dependencies stood for just before it was asked for.
    """

    manifest_sha256: str
    entry_version_id: str
    token: str
    began: float
    image: str | None = None
    request: str | None = None
    built_from: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class BuildState:
    """The last verdict: the versions it was about, whether they were refused, and the last run.

    `clean` are files in which nothing was found, so that no byte is read twice; `requests` are the last builds that
    were asked for by hand; `occurrence` is the newest time of the schedule that was answered with a build.
    """

    considered: Mapping[str, str]
    clean: tuple[PinnedFile, ...] = ()
    refused: str | None = None
    run: Run | None = None
    requests: tuple[str, ...] = ()
    occurrence: str | None = None

    def with_run(self, run: Run) -> BuildState:
        """The same with another run."""
        return replace(self, run=run)

    def json(self) -> str:
        """The state as it is written."""
        return json.dumps(
            {
                "considered": dict(self.considered),
                "clean": [asdict(file) for file in self.clean],
                "refused": self.refused,
                "run": asdict(self.run) if self.run else None,
                "requests": self.requests,
                "occurrence": self.occurrence,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> BuildState:
        """Read a state back; raises `KeyError`, `TypeError` or `ValueError` where it is none."""
        content: dict[str, Any] = json.loads(text)
        return cls(
            considered=dict(content["considered"]),
            clean=tuple(PinnedFile(**file) for file in content["clean"]),
            refused=content["refused"],
            run=Run(**content["run"]) if content["run"] else None,
            requests=tuple(content["requests"]),
            # Written by an earlier release, a state has none.
            occurrence=content.get("occurrence"),
        )


NOTHING = BuildState({})
"""What is known of a product before its first upload."""


@dataclass(frozen=True)
class StateStore:
    """Keeps the state beside the pinned build."""

    s3: S3Client
    bucket: str
    owner: str
    data_key_arn: str

    def read(self) -> BuildState:
        """The state; `NOTHING` where none was written yet."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=STATE_KEY, ExpectedBucketOwner=self.owner)
        except ClientError as error:
            if code_of(error) in GONE:
                return NOTHING
            raise
        return BuildState.from_json(answer["Body"].read().decode())

    def write(self, state: BuildState) -> None:
        """Replace the state."""
        self.s3.put_object(
            Bucket=self.bucket,
            Key=STATE_KEY,
            Body=state.json().encode(),
            ContentType="application/json",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.data_key_arn,
            ExpectedBucketOwner=self.owner,
        )
