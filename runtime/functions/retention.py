"""Which of a product's images may go, decided from what is there and nothing else.

What is not known never goes: an account that could not be read has no `Holding`, and an image resource with an AMI
there stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Rules:
    """The product file's `retention`."""

    after_days: int
    keep_newest: int
    unused_days: int | None = None

    @classmethod
    def from_json(cls, text: str) -> Rules:
        """Read what `json` wrote."""
        return cls(**json.loads(text))

    def json(self) -> str:
        """The rules as a function's environment carries them."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, order=True)
class Place:
    """An account in a Region."""

    account: str
    region: str


@dataclass(frozen=True)
class Ami:
    """An AMI of the product; `launched` is when EC2 last knew an instance to be launched from it."""

    id: str
    created: datetime
    snapshots: tuple[str, ...] = ()
    launched: datetime | None = None
    image_arn: str | None = None
    """The image resource that it was made for."""
    marks: frozenset[str] = frozenset()
    """Keys of its tags."""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of the product."""

    id: str
    created: datetime


@dataclass(frozen=True)
class Holding:
    """What one place holds of the product, read as a whole."""

    place: Place
    amis: tuple[Ami, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    named: frozenset[str] = frozenset()
    """AMIs that a channel names, here or in an account with which they are shared."""
    used: frozenset[str] = frozenset()
    """AMIs and snapshots that instances, launch templates and launch configurations of the place refer to."""
    imaged: frozenset[str] = frozenset()
    """Snapshots of all AMIs of the place, also of those that are not the product's."""


@dataclass(frozen=True)
class ImageResource:
    """What Image Builder holds of a build."""

    arn: str
    created: datetime
    ended: bool
    available: bool
    amis: tuple[tuple[Place, str], ...] = ()
    marks: frozenset[str] = frozenset()
    """Keys of its tags."""

    @property
    def home(self) -> Place:
        """Where it was built, and where the AMI of its build is."""
        _, _, _, region, account, _ = self.arn.split(":", 5)
        return Place(account, region)


class Kept(StrEnum):
    """Why an AMI stays."""

    NAMED = "named by a channel"
    USED = "in use"
    NEWEST = "among the newest"
    YOUNG = "too young"
    LAUNCHED = "launched not long ago"


def kept(holding: Holding, rules: Rules, now: datetime) -> dict[str, Kept]:
    """The AMIs of a place that stay, each with the first reason why."""
    newest = {ami.id for ami in newest_first(holding.amis)[: rules.keep_newest]}
    found = ((ami.id, _reason(ami, holding, newest, rules, now)) for ami in holding.amis)
    return {ami: reason for ami, reason in found if reason}


def _reason(ami: Ami, holding: Holding, newest: set[str], rules: Rules, now: datetime) -> Kept | None:
    if ami.id in holding.named:
        return Kept.NAMED
    if holding.used & {ami.id, *ami.snapshots}:
        return Kept.USED
    if ami.id in newest:
        return Kept.NEWEST
    if not _is_old(ami.created, rules, now):
        return Kept.YOUNG
    unused = timedelta(days=rules.unused_days) if rules.unused_days else timedelta()
    return Kept.LAUNCHED if ami.launched and now - ami.launched < unused else None


def protected(holding: Holding, rules: Rules, now: datetime) -> set[str]:
    """The AMIs of a place that stay whatever their age, and of which a lifecycle policy has to be told by a tag.

    A policy counts image resources, and those by the version of their recipe: what is new in one account, or in use
    there, it does not see. What a channel names has a tag of its own.
    """
    return {ami for ami, reason in kept(holding, rules, now).items() if reason in {Kept.USED, Kept.NEWEST}}


def expired_amis(holding: Holding, rules: Rules, now: datetime) -> list[Ami]:
    """The AMIs of a place that may go, oldest first."""
    staying = kept(holding, rules, now)
    return [ami for ami in reversed(newest_first(holding.amis)) if ami.id not in staying]


def expired_snapshots(holding: Holding, rules: Rules, now: datetime) -> list[Snapshot]:
    """The snapshots of a place that no AMI has any longer and that may go."""
    return [
        snapshot
        for snapshot in holding.snapshots
        if snapshot.id not in holding.imaged | holding.used and _is_old(snapshot.created, rules, now)
    ]


def expired_resources(
    resources: Sequence[ImageResource], holdings: Mapping[Place, Holding], rules: Rules, now: datetime
) -> list[ImageResource]:
    """The image resources that may go: none of their AMIs is left, in places that were all read."""
    ordered = sorted(resources, key=_age)
    staying = newest_resources(resources, rules)
    held = {ami.image_arn for holding in holdings.values() for ami in holding.amis}
    return [
        each
        for each in ordered
        if each.ended
        and each.arn not in staying | held
        and _is_old(each.created, rules, now)
        and each.home in holdings
        and all(_is_gone(place, ami, holdings) for place, ami in each.amis)
    ]


def newest_resources(resources: Sequence[ImageResource], rules: Rules) -> set[str]:
    """ARNs of the newest available image resources, and of the newest of all.

    RetryImage and the start function ask for the latter, however it ended.
    """
    ordered = sorted(resources, key=_age, reverse=True)
    newest = [each.arn for each in ordered if each.available][: rules.keep_newest]
    return {*newest, *(each.arn for each in ordered[:1])}


def _age(resource: ImageResource) -> tuple[datetime, str]:
    return resource.created, resource.arn


def newest_first(amis: Iterable[Ami]) -> list[Ami]:
    """AMIs from the newest to the oldest; those of the same second by their id, so that it is always the same."""
    return sorted(amis, key=lambda ami: (ami.created, ami.id), reverse=True)


def _is_gone(place: Place, ami: str, holdings: Mapping[Place, Holding]) -> bool:
    holding = holdings.get(place)
    return holding is not None and all(each.id != ami for each in holding.amis)


def _is_old(created: datetime, rules: Rules, now: datetime) -> bool:
    return now - created >= timedelta(days=rules.after_days)
