"""What a product's team has uploaded: the newest version of every file, and those that were overtaken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model.manifest import PinnedFile
from model.names import SCRIPTS_PREFIX

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CHUNK = 1 << 20
"""Bytes read at a time, so that a large installer fits the function's memory."""


@dataclass(frozen=True)
class UploadedFile:
    """The newest version of one file; `path` is relative to the script prefix, `size` in bytes."""

    path: str
    version_id: str
    size: int


@dataclass(frozen=True)
class OvertakenUpload:
    """A version that another one, or a deletion, replaced before it was built."""

    path: str
    version_id: str
    by: str | None


@dataclass(frozen=True)
class Uploads:
    """All files at one moment; `history` holds every version id of a path, newest first."""

    newest: tuple[UploadedFile, ...]
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by path."""
        return {file.path: file.size for file in self.newest}

    @property
    def last(self) -> dict[str, str]:
        """The last version id of every path, whether or not a deletion hides it now."""
        return {path: versions[0] for path, versions in self.history.items()}

    def overtaken_since(self, considered: Mapping[str, str]) -> tuple[OvertakenUpload, ...]:
        """Versions after the considered ones (an earlier `last`) that are not the newest.

        Of a path whose considered version is gone nothing can be told, and so nothing is.
        """
        current = {file.path: file.version_id for file in self.newest}
        overtaken: list[OvertakenUpload] = []
        for path, versions in sorted(self.history.items()):
            last = considered.get(path)
            if last is not None and last not in versions:
                continue
            waiting = versions if last is None else versions[: versions.index(last)]
            by = current.get(path)
            overtaken += [OvertakenUpload(path, version, by) for version in reversed(waiting) if version != by]
        return tuple(overtaken)


@dataclass(frozen=True)
class UploadReader:
    """Reads a product's script prefix; refuses a bucket of another owner."""

    s3: S3Client
    bucket: str
    owner: str

    def uploads(self) -> Uploads:
        """Everything under the script prefix, as S3 has it now (its listings are strongly consistent)."""
        newest: list[UploadedFile] = []
        history: dict[str, list[str]] = {}
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=SCRIPTS_PREFIX, ExpectedBucketOwner=self.owner
        )
        for page in pages:
            for version in page.get("Versions", []):
                key = version.get("Key", "")
                if key.endswith("/"):
                    # What consoles make to show a folder.
                    continue
                path, version_id = key.removeprefix(SCRIPTS_PREFIX), version.get("VersionId", "")
                history.setdefault(path, []).append(version_id)
                if version.get("IsLatest"):
                    newest.append(UploadedFile(path, version_id, version.get("Size", 0)))
        return Uploads(tuple(newest), {path: tuple(versions) for path, versions in history.items()})

    def read(self, file: UploadedFile, keep: int) -> tuple[PinnedFile, bytes]:
        """A file's digest, and its first `keep` bytes."""
        body = self.s3.get_object(
            Bucket=self.bucket,
            Key=f"{SCRIPTS_PREFIX}{file.path}",
            VersionId=file.version_id,
            ExpectedBucketOwner=self.owner,
        )["Body"]
        digest, kept = hashlib.sha256(), bytearray()
        for chunk in body.iter_chunks(CHUNK):
            digest.update(chunk)
            kept += chunk[: keep - len(kept)]
        return PinnedFile(file.path, file.version_id, digest.hexdigest(), file.size), bytes(kept)
