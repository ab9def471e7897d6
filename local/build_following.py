"""Finding the image that an upload has started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.names import TAG_MANIFEST

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_imagebuilder.type_defs import ImageSummaryTypeDef

POLL_SECONDS = 0.5
"""Time between two questions to Image Builder, which does not call back."""

START_SECONDS = 90.0
"""Time in which an upload has to start a build: event, function, `StartImagePipelineExecution`."""


class BuildError(Exception):
    """A build did not come to an image; the message says why."""


@dataclass(frozen=True)
class Pipeline:
    """One product's image pipeline, as somebody who may read it sees it."""

    arn: str
    image_builder: ImagebuilderClient
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def image_of(self, manifest_sha256: str) -> ImageSummaryTypeDef | None:
        """The newest image that was built from a manifest, in whatever state it is."""
        made = [image for image in self._images() if image.get("tags", {}).get(TAG_MANIFEST) == manifest_sha256]
        return max(made, key=lambda image: image.get("dateCreated", ""), default=None)

    def started(self, manifest_sha256: str, ignore: str | None = None) -> str:
        """Wait until the image of a manifest is under way and return its ARN; `ignore` is that of an earlier attempt.

        Raises `BuildError` where none comes.
        """
        began = self.clock()
        while True:
            summary = self.image_of(manifest_sha256)
            if summary and summary.get("arn") != ignore:
                return summary.get("arn", "")
            if self.clock() - began > START_SECONDS:
                raise BuildError(f"the upload has started no build in {START_SECONDS:.0f} s")
            self.wait(POLL_SECONDS)

    def _images(self) -> Iterator[ImageSummaryTypeDef]:
        page = self.image_builder.list_image_pipeline_images(imagePipelineArn=self.arn)
        yield from page.get("imageSummaryList", [])
        while token := page.get("nextToken"):
            page = self.image_builder.list_image_pipeline_images(imagePipelineArn=self.arn, nextToken=token)
            yield from page.get("imageSummaryList", [])
