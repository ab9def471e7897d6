"""Starting a build: pin the newest uploaded versions and run the pipeline on exactly those.

A run of an Image Builder pipeline takes no parameters. So the pinned bytes are copied to a fixed place that the
recipe's component reads, and their versions and digests go beside them as a manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from model.manifest import CHECKSUM_FILE, FILES_FOLDER, MANIFEST_FILE, Manifest, PinnedFile
from model.names import BUILD_PREFIX, SCRIPTS_PREFIX, TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_imagebuilder.type_defs import ImageSummaryTypeDef
    from types_boto3_s3 import S3Client

    from runtime.functions.settings import Settings

ENDED = frozenset({"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DELETED", "DISABLED"})
"""States in which an image no longer changes by itself (Image Builder API Reference, ImageState)."""

CHUNK = 1 << 20
"""Bytes hashed at a time, so that a large installer fits the function's memory."""


class Outcome(StrEnum):
    """What a request to build came to."""

    STARTED = "started"
    RUNNING = "running"
    NOTHING_TO_BUILD = "nothing-to-build"
    REFUSED = "refused"


@dataclass(frozen=True)
class StartResult:
    """Answer of the start function; `reason` says why where nothing was started."""

    outcome: Outcome
    image_build_version_arn: str | None = None
    manifest_sha256: str | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """The answer as the function returns it."""
        return {
            "outcome": self.outcome.value,
            "imageBuildVersionArn": self.image_build_version_arn,
            "manifestSha256": self.manifest_sha256,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class BuildStarter:
    """Starts builds of one product; safe under repeated, late and reordered events."""

    settings: Settings
    s3: S3Client
    image_builder: ImagebuilderClient

    def start(self, manual_request: str | None = None) -> StartResult:
        """Build the newest uploads unless they are built, or a build runs.

        `manual_request` identifies a build that somebody asks for by hand: it is made even where the same versions
        were built before, once per identifier.
        """
        images = list(self._images())
        running = next((image for image in images if _status(image) not in ENDED), None)
        if running:
            reason = "a build of this product runs; the newest uploads are built after it"
            return StartResult(Outcome.RUNNING, running.get("arn"), running.get("tags", {}).get(TAG_MANIFEST), reason)
        manifest = Manifest(self.settings.product, self.settings.entry_script, tuple(self._pinned_files()))
        if not any(file.path == manifest.entry for file in manifest.files):
            reason = f"the entry script {SCRIPTS_PREFIX}{manifest.entry} has not been uploaded"
            return StartResult(Outcome.REFUSED, reason=reason)
        built = next((image for image in images if image.get("tags", {}).get(TAG_MANIFEST) == manifest.sha256), None)
        if built and manual_request is None:
            reason = f"these versions were built before ({_status(built)})"
            return StartResult(Outcome.NOTHING_TO_BUILD, built.get("arn"), manifest.sha256, reason)
        self._pin(manifest)
        return self._run_pipeline(manifest, manual_request)

    def _run_pipeline(self, manifest: Manifest, manual_request: str | None) -> StartResult:
        token = manifest.sha256
        if manual_request is not None:
            token = hashlib.sha256(f"{manifest.sha256} {manual_request}".encode()).hexdigest()
        try:
            started = self.image_builder.start_image_pipeline_execution(
                imagePipelineArn=self.settings.pipeline_arn,
                clientToken=token,
                tags={
                    TAG_PRODUCT: manifest.product,
                    TAG_MANIFEST: manifest.sha256,
                    TAG_SCRIPT_VERSION: manifest.entry_version_id,
                },
            )
        except self.image_builder.exceptions.ResourceInUseException:
            reason = "a build of this product runs; the newest uploads are built after it"
            return StartResult(Outcome.RUNNING, None, manifest.sha256, reason)
        return StartResult(Outcome.STARTED, started["imageBuildVersionArn"], manifest.sha256)

    def _images(self) -> Iterable[ImageSummaryTypeDef]:
        pipeline = self.settings.pipeline_arn
        page = self.image_builder.list_image_pipeline_images(imagePipelineArn=pipeline)
        yield from page.get("imageSummaryList", [])
        while token := page.get("nextToken"):
            page = self.image_builder.list_image_pipeline_images(imagePipelineArn=pipeline, nextToken=token)
            yield from page.get("imageSummaryList", [])

    def _pinned_files(self) -> Iterable[PinnedFile]:
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.settings.bucket, Prefix=SCRIPTS_PREFIX, ExpectedBucketOwner=self.settings.hub
        )
        for page in pages:
            for version in page.get("Versions", []):
                key = version.get("Key", "")
                if version.get("IsLatest") and not key.endswith("/"):
                    version_id = version.get("VersionId", "")
                    digest = self._digest(key, version_id)
                    yield PinnedFile(key.removeprefix(SCRIPTS_PREFIX), version_id, digest, version.get("Size", 0))

    def _digest(self, key: str, version_id: str) -> str:
        body = self.s3.get_object(
            Bucket=self.settings.bucket, Key=key, VersionId=version_id, ExpectedBucketOwner=self.settings.hub
        )["Body"]
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def _pin(self, manifest: Manifest) -> None:
        settings = self.settings
        wanted = {f"{BUILD_PREFIX}{MANIFEST_FILE}", f"{BUILD_PREFIX}{CHECKSUM_FILE}"}
        for file in manifest.files:
            key = f"{BUILD_PREFIX}{FILES_FOLDER}{file.path}"
            wanted.add(key)
            self.s3.copy_object(
                Bucket=settings.bucket,
                Key=key,
                CopySource={
                    "Bucket": settings.bucket,
                    "Key": f"{SCRIPTS_PREFIX}{file.path}",
                    "VersionId": file.version_id,
                },
                # Copying an object's tags would take permissions that nothing else here needs.
                TaggingDirective="REPLACE",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=settings.data_key_arn,
                ExpectedBucketOwner=settings.hub,
                ExpectedSourceBucketOwner=settings.hub,
            )
        self._write(f"{BUILD_PREFIX}{MANIFEST_FILE}", manifest.json())
        self._write(f"{BUILD_PREFIX}{CHECKSUM_FILE}", manifest.checksums())
        # What an earlier build pinned and this one does not must not reach the image.
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=settings.bucket, Prefix=BUILD_PREFIX, ExpectedBucketOwner=settings.hub
        )
        for page in pages:
            for entry in page.get("Contents", []):
                key = entry.get("Key", "")
                if key not in wanted:
                    self.s3.delete_object(Bucket=settings.bucket, Key=key, ExpectedBucketOwner=settings.hub)

    def _write(self, key: str, text: str) -> None:
        self.s3.put_object(
            Bucket=self.settings.bucket,
            Key=key,
            Body=text.encode(),
            ContentType="text/plain; charset=utf-8",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.settings.data_key_arn,
            ExpectedBucketOwner=self.settings.hub,
        )


def _status(image: ImageSummaryTypeDef) -> str:
    return image.get("state", {}).get("status", "PENDING")
