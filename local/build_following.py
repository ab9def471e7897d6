"""Following one image of a pipeline from its start to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.names import TAG_MANIFEST

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_imagebuilder.type_defs import ImageSummaryTypeDef, ImageTypeDef

    from local.progress import Task

POLL_SECONDS = 0.5
"""Time between two questions to Image Builder, which does not call back."""

START_SECONDS = 60.0
"""Time in which an upload has to start a build: event, function, `StartImagePipelineExecution`."""

BUILD_SECONDS = 900.0
"""Time that one build may take here; on AWS it is half an hour."""

FAILED = frozenset({"FAILED", "CANCELLED"})


class BuildError(Exception):
    """A build did not come to an image; the message says why."""


@dataclass(frozen=True)
class OutputImage:
    """One copy of a finished image."""

    account: str
    region: str
    ami: str


@dataclass(frozen=True)
class FinishedImage:
    """An image that is available everywhere it is distributed to."""

    arn: str
    copies: tuple[OutputImage, ...]


@dataclass(frozen=True)
class Pipeline:
    """One product's image pipeline, as somebody who may read it sees it."""

    arn: str
    image_builder: ImagebuilderClient
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def image_of(self, manifest_sha256: str) -> ImageSummaryTypeDef | None:
        """The newest image that was built from a manifest."""
        made = [image for image in self._images() if image.get("tags", {}).get(TAG_MANIFEST) == manifest_sha256]
        return max(made, key=lambda image: image.get("dateCreated", ""), default=None)

    def follow(self, manifest_sha256: str, task: Task, ignore: str | None = None) -> FinishedImage:
        """Wait for the image of a manifest, telling each state; `ignore` is the ARN of an earlier attempt.

        Raises `BuildError` where no build starts, or the build fails, or does not end.
        """
        began = self.clock()
        while True:
            summary = self.image_of(manifest_sha256)
            waited = self.clock() - began
            if summary is None or summary.get("arn") == ignore:
                if waited > START_SECONDS:
                    raise BuildError(f"the upload has started no build in {START_SECONDS:.0f} s")
                task.update("waiting for the upload to start a build", None)
            else:
                image = self._image(summary.get("arn", ""))
                state = image.get("state", {})
                status = state.get("status", "PENDING")
                task.update(status.capitalize(), None)
                if status == "AVAILABLE":
                    return _finished(image)
                if status in FAILED:
                    raise BuildError(f"the build ended {status}: {state.get('reason', 'Image Builder gave no reason')}")
                if waited > BUILD_SECONDS:
                    raise BuildError(f"the build is {status} after {BUILD_SECONDS:.0f} s")
            self.wait(POLL_SECONDS)

    def finished(self, arn: str) -> FinishedImage:
        """An image that is known to be available."""
        return _finished(self._image(arn))

    def _image(self, arn: str) -> ImageTypeDef:
        return self.image_builder.get_image(imageBuildVersionArn=arn).get("image", {})

    def _images(self) -> Iterator[ImageSummaryTypeDef]:
        page = self.image_builder.list_image_pipeline_images(imagePipelineArn=self.arn)
        yield from page.get("imageSummaryList", [])
        while token := page.get("nextToken"):
            page = self.image_builder.list_image_pipeline_images(imagePipelineArn=self.arn, nextToken=token)
            yield from page.get("imageSummaryList", [])


def _finished(image: ImageTypeDef) -> FinishedImage:
    outputs = image.get("outputResources", {}).get("amis", [])
    copies = tuple(
        OutputImage(output.get("accountId", ""), output.get("region", ""), output.get("image", ""))
        for output in outputs
    )
    return FinishedImage(image.get("arn", ""), tuple(sorted(copies, key=lambda copy: (copy.account, copy.region))))
