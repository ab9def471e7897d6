"""Following an image from its build to its last copy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient

POLL_SECONDS = 2.0
"""Time between two questions to Image Builder, which does not call back."""

PHASES = ("BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE")
"""What an image goes through, in order (Image Builder API Reference, ImageState; seed 002)."""

FAILED = frozenset({"FAILED", "CANCELLED", "DELETED"})


@dataclass(frozen=True)
class Copy:
    """One AMI that came out of a build."""

    account: str
    region: str
    ami: str


@dataclass(frozen=True)
class EndedImage:
    """An image that no longer changes; `reason` is Image Builder's where it failed."""

    arn: str
    status: str
    reason: str | None
    copies: tuple[Copy, ...]

    @property
    def available(self) -> bool:
        """Whether every copy is there."""
        return self.status == "AVAILABLE"


@dataclass(frozen=True)
class Follower:
    """Asks Image Builder again and again; `wait` and `clock` are replaced in tests."""

    image_builder: ImagebuilderClient
    console: Console
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def follow(self, image_arn: str) -> EndedImage:
        """Print each phase once with the time that passed, until the image is available or has failed.

        A phase between two questions is printed when the next one is seen, so that none is missing.
        """
        began = self.clock()
        printed = -1
        while True:
            image: Any = self.image_builder.get_image(imageBuildVersionArn=image_arn).get("image", {})
            state = image.get("state", {})
            status = state.get("status", "PENDING")
            if status in PHASES:
                for phase in range(printed + 1, PHASES.index(status) + 1):
                    self.console.print(f"{self.clock() - began:6.0f} s  {PHASES[phase].capitalize()}", highlight=False)
                printed = max(printed, PHASES.index(status))
            if status == PHASES[-1] or status in FAILED:
                return EndedImage(image_arn, status, state.get("reason"), _copies(image))
            self.wait(POLL_SECONDS)


def _copies(image: Any) -> tuple[Copy, ...]:
    amis = image.get("outputResources", {}).get("amis", [])
    copies = (Copy(ami.get("accountId", ""), ami.get("region", ""), ami["image"]) for ami in amis if ami.get("image"))
    return tuple(sorted(copies, key=lambda copy: (copy.account, copy.region)))
