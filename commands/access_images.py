"""Reading what an account holds of a product's image: the channel, the AMI behind it, its snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from commands.access_accounts import Accounts
from commands.access_roles import obstacle
from model.launch_access import Obstacle, Obstacles, Step
from model.names import channel_parameter

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import ImageTypeDef

STEPS = (Step.CHANNEL, Step.IMAGE, Step.SNAPSHOT)
"""What depends on the image, each on the one before."""


@dataclass(frozen=True)
class HeldImage:
    """The image behind a channel; `copy` tells whose snapshots it has."""

    image: str = "*"
    copy: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    obstacles: Obstacles = field(default_factory=dict[Step, tuple[Obstacle, ...]])


@dataclass(frozen=True)
class HoldingPlace:
    """An account in a Region, and the account that owns the AMI there: another where that one shares it."""

    account: str
    region: str
    owner: str


def read_image(accounts: Accounts, product: str, place: HoldingPlace, key_arn: str) -> HeldImage:
    """Follow the channel to the snapshots; raises `ClientError` where an error tells nothing about access.

    Snapshots are read as their owner: sharing an AMI shows them to nobody else.
    """
    account, region = place.account, place.region
    advice = f"build the product: make build PRODUCT={product}"
    parameter = channel_parameter(product)
    where = f"of {account} in {region}"
    try:
        answer = accounts.ssm(account, region).get_parameter(Name=parameter)
    except ClientError as error:
        return HeldImage(obstacles=_from(Step.CHANNEL, obstacle(error, f"parameter {parameter} {where}", advice)))
    ami = answer["Parameter"].get("Value", "")
    ec2 = accounts.ec2(account, region)
    try:
        images = ec2.describe_images(ImageIds=[ami]).get("Images", [])
    except ClientError as error:
        return HeldImage(ami, obstacles=_from(Step.IMAGE, obstacle(error, f"image {ami} {where}", advice)))
    if not images:
        gone = Obstacle(f"image {ami} {where} does not exist: {advice}")
        return HeldImage(ami, obstacles=_from(Step.IMAGE, gone))
    image = images[0]
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in image.get("Tags", [])}
    if image.get("OwnerId") != place.owner:
        foreign = Obstacle(f"image {ami} {where} belongs to {image.get('OwnerId')}: {advice}")
        return HeldImage(ami, tags=tags, obstacles=_from(Step.IMAGE, foreign))
    if image.get("State") != "available":
        unready = Obstacle(f"image {ami} {where} is {image.get('State')}: {advice}")
        return HeldImage(ami, tags=tags, obstacles=_from(Step.IMAGE, unready))
    ids = _snapshot_ids(image)
    try:
        owner = accounts.ec2(place.owner, region)
        wrong = tuple(_wrong_snapshots(owner, ids, place.owner, key_arn, advice))
    except ClientError as error:
        wrong = (obstacle(error, f"a snapshot ({', '.join(ids)}) {where}", advice),)
    return HeldImage(
        ami, f"{', '.join(ids)} of {place.owner} in {region}, under the image key", tags, {Step.SNAPSHOT: wrong}
    )


def _snapshot_ids(image: ImageTypeDef) -> list[str]:
    ids = [device.get("Ebs", {}).get("SnapshotId", "") for device in image.get("BlockDeviceMappings", [])]
    return [snapshot_id for snapshot_id in ids if snapshot_id]


def _wrong_snapshots(ec2: EC2Client, ids: list[str], account: str, key_arn: str, advice: str) -> list[Obstacle]:
    wrong: list[Obstacle] = []
    for snapshot in ec2.describe_snapshots(SnapshotIds=ids).get("Snapshots", []):
        name, owner, key = snapshot.get("SnapshotId"), snapshot.get("OwnerId"), snapshot.get("KmsKeyId")
        if owner != account:
            wrong.append(Obstacle(f"snapshot {name} belongs to {owner}: {advice}"))
        if key != key_arn:
            wrong.append(Obstacle(f"snapshot {name} lies under {key or 'no key'}, not under {key_arn}: {advice}"))
    return wrong


def _from(first: Step, stands: Obstacle) -> Obstacles:
    return {step: (stands,) for step in STEPS[STEPS.index(first) :]}
