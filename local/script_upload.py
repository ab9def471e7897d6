"""Uploading a product's scripts as its team does, and knowing what build they stand for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.manifest import Manifest, PinnedFile
from model.names import SCRIPTS_PREFIX

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class UploadError(Exception):
    """There is nothing to upload; the message names the folder."""


@dataclass(frozen=True)
class Upload:
    """The scripts as they lie in the bucket; `uploaded` counts the files that had to be sent."""

    manifest: Manifest
    uploaded: int


@dataclass(frozen=True)
class ScriptFolder:
    """A product's scripts on this machine: the entry script with the files beside it."""

    product: str
    entry: str
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Content by path below the folder, the entry script last: a build must find the files that go with it.

        Raises `UploadError` where there is no entry script.
        """
        found = {
            file.relative_to(self.folder).as_posix(): file.read_bytes()
            for file in sorted(self.folder.rglob("*"))
            if file.is_file()
        }
        if self.entry not in found:
            raise UploadError(f"{self.folder} holds no {self.entry}, the entry script of product {self.product}")
        return {path: found[path] for path in sorted(found, key=lambda path: (path == self.entry, path))}

    def upload(self, s3: S3Client, bucket: str) -> Upload:
        """Send what differs from the bucket's newest versions; nothing is sent where all is there."""
        before = pinned_files(s3, bucket)
        sent = 0
        for path, content in self.files().items():
            known = before.get(path)
            if known is None or known.sha256 != hashlib.sha256(content).hexdigest():
                s3.put_object(Bucket=bucket, Key=f"{SCRIPTS_PREFIX}{path}", Body=content)
                sent += 1
        files = pinned_files(s3, bucket) if sent else before
        return Upload(Manifest(self.product, self.entry, tuple(files.values())), sent)


def pinned_files(s3: S3Client, bucket: str) -> dict[str, PinnedFile]:
    """The newest versions of a product's scripts by their path, as a build pins them."""
    files: dict[str, PinnedFile] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=SCRIPTS_PREFIX):
        for version in page.get("Versions", []):
            key, version_id = version.get("Key", ""), version.get("VersionId", "")
            if version.get("IsLatest") and not key.endswith("/"):
                content = s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"].read()
                path = key.removeprefix(SCRIPTS_PREFIX)
                files[path] = PinnedFile(path, version_id, hashlib.sha256(content).hexdigest(), len(content))
    return files
