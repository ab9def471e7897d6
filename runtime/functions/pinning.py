"""Pinning a build: a run of a pipeline takes no parameters, so what it installs lies in a fixed place.

The exact versions are copied there, with a manifest of their digests beside them that the build instance checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.manifest import CHECKSUM_FILE, FILES_FOLDER, MANIFEST_FILE, Manifest
from model.names import BUILD_PREFIX, SCRIPTS_PREFIX

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class PinnedBuild:
    """The fixed place in a product's bucket."""

    s3: S3Client
    bucket: str
    owner: str
    data_key_arn: str

    def write(self, manifest: Manifest) -> None:
        """Make the place hold exactly what a manifest names; safe to repeat."""
        wanted = {f"{BUILD_PREFIX}{MANIFEST_FILE}", f"{BUILD_PREFIX}{CHECKSUM_FILE}"}
        for file in manifest.files:
            key = f"{BUILD_PREFIX}{FILES_FOLDER}{file.path}"
            wanted.add(key)
            self.s3.copy_object(
                Bucket=self.bucket,
                Key=key,
                CopySource={
                    "Bucket": self.bucket,
                    "Key": f"{SCRIPTS_PREFIX}{file.path}",
                    "VersionId": file.version_id,
                },
                # Copying an object's tags would take permissions that nothing else here needs.
                TaggingDirective="REPLACE",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self.data_key_arn,
                ExpectedBucketOwner=self.owner,
                ExpectedSourceBucketOwner=self.owner,
            )
        self._put(f"{BUILD_PREFIX}{MANIFEST_FILE}", manifest.json())
        self._put(f"{BUILD_PREFIX}{CHECKSUM_FILE}", manifest.checksums())
        # What an earlier build pinned and this one does not must not reach the image.
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=BUILD_PREFIX, ExpectedBucketOwner=self.owner
        )
        for page in pages:
            for entry in page.get("Contents", []):
                key = entry.get("Key", "")
                if key not in wanted:
                    self.s3.delete_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self.owner)

    def _put(self, key: str, text: str) -> None:
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=text.encode(),
            ContentType="text/plain; charset=utf-8",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.data_key_arn,
            ExpectedBucketOwner=self.owner,
        )
