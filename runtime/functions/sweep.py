"""Removing what lifecycle policies do not see, and telling them by tags what they must leave.

They see image resources and, through those, their AMIs. They do not see the AMI of a build in the hub where that is no
destination, copies of a distribution that failed, what is left of an image whose resource is gone, orphaned snapshots,
and the last images of a recipe's earlier versions, which they count version by version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from model.names import TAG_CHANNEL, TAG_KEPT
from runtime.functions.accounts import Accounts
from runtime.functions.aws_errors import code_of, reason_of
from runtime.functions.channel_marks import ChannelsMoveError, MarkedAmis, follow_channels
from runtime.functions.destinations import Destination, Pipeline
from runtime.functions.holdings import HeldImages
from runtime.functions.retention import (
    Ami,
    Holding,
    ImageResource,
    Place,
    Rules,
    expired_amis,
    expired_resources,
    expired_snapshots,
    newest_resources,
    protected,
)

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

GONE = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"})
"""What EC2 says of something that somebody else removed meanwhile."""

NEEDED = "InvalidSnapshot.InUse"
"""What EC2 says of a snapshot that an AMI has after all."""


@dataclass
class Swept:
    """What a sweep removed and what it could not do, by account and Region."""

    amis: list[tuple[Place, str]] = field(default_factory=list[tuple[Place, str]])
    snapshots: list[tuple[Place, str]] = field(default_factory=list[tuple[Place, str]])
    images: list[str] = field(default_factory=list[str])
    failed: list[tuple[Place, str]] = field(default_factory=list[tuple[Place, str]])

    def as_dict(self) -> dict[str, Any]:
        """The message's body."""
        return {
            "amis": [{**_shown(place), "id": ami} for place, ami in self.amis],
            "snapshots": [{**_shown(place), "id": snapshot} for place, snapshot in self.snapshots],
            "images": self.images,
            "failed": [{**_shown(place), "reason": reason} for place, reason in self.failed],
        }

    @property
    def eventful(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.amis or self.snapshots or self.images or self.failed)


@dataclass(frozen=True)
class Sweep:
    """One product's sweep; safe to repeat, and at any point to stop."""

    pipeline: Pipeline
    accounts: Accounts
    rules: Rules
    clock: Callable[[], datetime]

    def run(self) -> Swept:
        """Look at every place by itself; where one cannot be read nothing is touched, and that is told."""
        swept, holdings = Swept(), dict[Place, Holding]()
        resources = self.pipeline.resources()
        destinations = self.pipeline.destinations()
        for destination in destinations:
            place = destination.place
            try:
                holdings[place] = self._sweep_place(destination, swept)
            except (ClientError, ChannelsMoveError) as error:
                swept.failed.append((place, reason_of(error) if isinstance(error, ClientError) else str(error)))
        self._mark_resources(resources, holdings, len(holdings) == len(destinations), swept)
        self._remove_resources(resources, holdings, swept)
        return swept

    def _sweep_place(self, destination: Destination, swept: Swept) -> Holding:
        """Mark and remove what is in one place; what is left there."""
        images = HeldImages(self.pipeline.product, destination, self.accounts)
        follow_channels(MarkedAmis(images))
        holding, now = images.read(), self.clock()
        self._mark_protected(images, holding, now)
        ec2 = self.accounts.ec2(destination.place)
        gone = {ami.id for ami in expired_amis(holding, self.rules, now) if self._remove_ami(ec2, images, ami, swept)}
        for snapshot in expired_snapshots(holding, self.rules, now):
            self._remove_snapshot(ec2, holding.place, snapshot.id, swept)
        return replace(holding, amis=tuple(ami for ami in holding.amis if ami.id not in gone))

    def _mark_protected(self, images: HeldImages, holding: Holding, now: datetime) -> None:
        marks, wanted = MarkedAmis(images, TAG_KEPT), protected(holding, self.rules, now)
        marked = {ami.id for ami in holding.amis if TAG_KEPT in ami.marks}
        marks.mark(wanted - marked)
        marks.unmark(marked - wanted)

    def _remove_ami(self, ec2: EC2Client, images: HeldImages, ami: Ami, swept: Swept) -> bool:
        """Whether it is gone; its snapshots go with it, but for those that another AMI has."""
        place = images.destination.place
        # Somebody may have gone back to it since the place was read.
        if ami.id in images.named():
            return False
        try:
            answer: Any = ec2.deregister_image(ImageId=ami.id, DeleteAssociatedSnapshots=True)
        except ClientError as error:
            if code_of(error) in GONE:
                return True
            swept.failed.append((place, f"{ami.id}: {reason_of(error)}"))
            return False
        swept.amis.append((place, ami.id))
        for result in answer.get("DeleteSnapshotResults", []):
            snapshot, code = result.get("SnapshotId", ""), result.get("ReturnCode", "")
            if code == "success":
                swept.snapshots.append((place, snapshot))
            elif code != "skipped":
                swept.failed.append((place, f"{snapshot}: {code}"))
        return True

    def _remove_snapshot(self, ec2: EC2Client, place: Place, snapshot: str, swept: Swept) -> None:
        try:
            ec2.delete_snapshot(SnapshotId=snapshot)
        except ClientError as error:
            if code_of(error) not in {*GONE, NEEDED}:
                swept.failed.append((place, f"{snapshot}: {reason_of(error)}"))
        else:
            swept.snapshots.append((place, snapshot))

    def _mark_resources(
        self, resources: list[ImageResource], holdings: dict[Place, Holding], whole: bool, swept: Swept
    ) -> None:
        """The image resources of named AMIs; the newest keep their mark, which a build may have set just now."""
        named = {ami.image_arn for each in holdings.values() for ami in each.amis if ami.id in each.named}
        staying = named | newest_resources(resources, self.rules)
        for resource in resources:
            try:
                if resource.arn in named:
                    self.pipeline.mark(resource.arn)
                elif whole and TAG_CHANNEL in resource.marks and resource.arn not in staying:
                    self.pipeline.unmark(resource.arn)
            except ClientError as error:
                swept.failed.append((resource.home, f"{resource.arn}: {reason_of(error)}"))

    def _remove_resources(self, resources: list[ImageResource], holdings: dict[Place, Holding], swept: Swept) -> None:
        for resource in expired_resources(resources, holdings, self.rules, self.clock()):
            try:
                self.pipeline.image_builder.delete_image(imageBuildVersionArn=resource.arn)
            except self.pipeline.image_builder.exceptions.ResourceNotFoundException:
                continue
            except ClientError as error:
                swept.failed.append((resource.home, f"{resource.arn}: {reason_of(error)}"))
            else:
                swept.images.append(resource.arn)


def _shown(place: Place) -> dict[str, str]:
    return {"account": place.account, "region": place.region}
