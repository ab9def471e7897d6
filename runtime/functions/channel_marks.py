"""Tags that keep Image Builder's lifecycle policies from what channels name.

A lifecycle policy reads no parameters: it leaves out what has a tag. The tag comes onto the new AMI before it goes off
the old one, and what a channel names is read again before and after that: whoever works on older news meanwhile starts
over, so that repeated, late and concurrent events all end at what the channels name last.
"""

from __future__ import annotations

from typing import Protocol

from botocore.exceptions import ClientError

from model.names import TAG_CHANNEL, TAG_SET
from runtime.functions.accounts import Accounts
from runtime.functions.destinations import Pipeline
from runtime.functions.holdings import HeldImages

ATTEMPTS = 5
"""Times that a channel may move while its tag is put right."""


class ChannelsMoveError(Exception):
    """The channels moved whenever their tags were put right; Lambda tries again."""


class UnmarkedChannelsError(Exception):
    """What channels name could not be marked somewhere; Lambda tries again."""


class Marked(Protocol):
    """What can be named and marked."""

    def named(self) -> set[str]:
        """What is named now."""
        ...

    def marked(self) -> set[str]:
        """What has the mark."""
        ...

    def mark(self, ids: set[str]) -> None:
        """Put the mark on some."""
        ...

    def unmark(self, ids: set[str]) -> None:
        """Take it off some."""
        ...


def follow_channels(images: Marked) -> None:
    """Mark what is named and nothing else; raises `ChannelsMoveError`."""
    for _ in range(ATTEMPTS):
        named = images.named()
        images.mark(named)
        stale = images.marked() - named
        if images.named() != named:
            continue
        images.unmark(stale)
        if images.named() == named:
            return
    raise ChannelsMoveError(f"the channels moved {ATTEMPTS} times meanwhile")


class MarkedAmis:
    """A product's AMIs at one destination, marked by a tag; whatever is refused raises botocore's `ClientError`."""

    def __init__(self, images: HeldImages, tag: str = TAG_CHANNEL) -> None:
        self._images = images
        self._ec2 = images.accounts.ec2(images.destination.place)
        self._tag = tag

    def named(self) -> set[str]:
        """AMIs of the product that channels name."""
        return self._images.named() & {ami.id for ami in self._images.amis()}

    def marked(self) -> set[str]:
        """AMIs of the product with the tag."""
        return {ami.id for ami in self._images.amis() if self._tag in ami.marks}

    def mark(self, ids: set[str]) -> None:
        """Tag some AMIs."""
        if ids:
            self._ec2.create_tags(Resources=sorted(ids), Tags=[{"Key": self._tag, "Value": TAG_SET}])

    def unmark(self, ids: set[str]) -> None:
        """Take the tag off some AMIs."""
        if ids:
            self._ec2.delete_tags(Resources=sorted(ids), Tags=[{"Key": self._tag}])


def mark_channels(pipeline: Pipeline, accounts: Accounts) -> None:
    """Mark what channels name in every place, and the image resources of it.

    Raises `UnmarkedChannelsError` in the end where some place refused; no place waits for another.
    """
    refused: list[str] = []
    for destination in pipeline.destinations():
        images, place = HeldImages(pipeline.product, destination, accounts), destination.place
        try:
            follow_channels(MarkedAmis(images))
            named = images.named()
            for arn in sorted({ami.image_arn for ami in images.amis() if ami.id in named and ami.image_arn}):
                pipeline.mark(arn)
        except (ClientError, ChannelsMoveError) as error:
            refused.append(f"{place.account} in {place.region}: {error}")
    if refused:
        raise UnmarkedChannelsError("; ".join(refused))
