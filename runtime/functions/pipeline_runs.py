"""Runs of a product's image pipeline: which there are, and asking for one so that it is made once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.names import TAG_CLIENT_TOKEN, TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION
from runtime.functions.build_state import Run

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_imagebuilder.type_defs import ImageSummaryTypeDef

ENDED = frozenset({"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DELETED", "DISABLED"})
"""States in which an image no longer changes by itself (Image Builder API Reference, ImageState)."""

SETTLING = 300
"""Seconds in which Image Builder may not yet know an image whose ARN it has answered."""


@dataclass(frozen=True)
class Image:
    """An image that a run makes or made; digest and token are None where no function of ours asked for it."""

    arn: str
    status: str
    manifest_sha256: str | None
    token: str | None = None

    @property
    def ended(self) -> bool:
        """Whether its run is over."""
        return self.status in ENDED


class PipelineBusyError(Exception):
    """A run is under way: a pipeline makes one image at a time."""


def pipeline_images(image_builder: ImagebuilderClient, pipeline_arn: str) -> Iterator[ImageSummaryTypeDef]:
    """Everything that a pipeline made and Image Builder still holds."""
    page = image_builder.list_image_pipeline_images(imagePipelineArn=pipeline_arn)
    yield from page.get("imageSummaryList", [])
    while token := page.get("nextToken"):
        page = image_builder.list_image_pipeline_images(imagePipelineArn=pipeline_arn, nextToken=token)
        yield from page.get("imageSummaryList", [])


@dataclass(frozen=True)
class PipelineRuns:
    """The runs of one pipeline."""

    image_builder: ImagebuilderClient
    pipeline_arn: str
    product: str

    def images(self) -> list[Image]:
        """All images of the pipeline; one that has just been asked for may be missing."""
        return [_image(entry) for entry in pipeline_images(self.image_builder, self.pipeline_arn)]

    def status_of(self, arn: str) -> str | None:
        """State of one image; None where Image Builder does not know it (yet, or any longer)."""
        try:
            image: Any = self.image_builder.get_image(imageBuildVersionArn=arn).get("image", {})
        except self.image_builder.exceptions.ResourceNotFoundException:
            return None
        return image.get("state", {}).get("status", "PENDING")

    def start(self, run: Run) -> str:
        """Ask for a run; the same token gives the same image. Raises `PipelineBusyError`."""
        try:
            return self.image_builder.start_image_pipeline_execution(
                imagePipelineArn=self.pipeline_arn,
                clientToken=run.token,
                tags={
                    TAG_PRODUCT: self.product,
                    TAG_MANIFEST: run.manifest_sha256,
                    TAG_SCRIPT_VERSION: run.entry_version_id,
                    # AWS forgets a token after a while; the tag tells for good which request made an image.
                    TAG_CLIENT_TOKEN: run.token,
                },
            )["imageBuildVersionArn"]
        except self.image_builder.exceptions.ResourceInUseException as error:
            raise PipelineBusyError from error

    def retry(self, arn: str) -> None:
        """Repeat what an image lacks, from the AMI that its build made."""
        self.image_builder.retry_image(imageBuildVersionArn=arn, clientToken=str(uuid.uuid4()))


def _image(entry: ImageSummaryTypeDef) -> Image:
    return Image(
        arn=entry.get("arn", ""),
        status=entry.get("state", {}).get("status", "PENDING"),
        manifest_sha256=entry.get("tags", {}).get(TAG_MANIFEST),
        token=entry.get("tags", {}).get(TAG_CLIENT_TOKEN),
    )
