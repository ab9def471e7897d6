"""Telling every AMI and snapshot which script it came from.

Image Builder puts a run's tags on the image resource in the hub only, and an AMI's own tags are fixed in the recipe
and the distribution. So the tags are put on each copy when its image is done, in a target with the distribution role,
which may tag images and snapshots there anyway (facts: AWS, "Roles in target accounts").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from runtime.functions.aws_errors import reason_of

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client


@dataclass(frozen=True)
class Copy:
    """One AMI of an image."""

    account: str
    region: str
    ami: str


BUILT_BY = "Ec2ImageBuilderArn"
"""The tag with which Image Builder names an AMI's image (Image Builder User Guide, "Tag your resources")."""


@dataclass(frozen=True)
class Provenance:
    """Writes tags onto copies; `client` gives an EC2 client for an account and Region, or raises `ClientError`."""

    client: Callable[[str, str], EC2Client]

    def built(self, image_arn: str) -> tuple[Copy, ...]:
        """The AMI of the build itself, which an image does not list where its own account is no target."""
        account, region = image_arn.split(":")[4], image_arn.split(":")[3]
        images = self.client(account, region).describe_images(
            Owners=["self"], Filters=[{"Name": f"tag:{BUILT_BY}", "Values": [image_arn]}]
        )["Images"]
        return tuple(Copy(account, region, image.get("ImageId", "")) for image in images)

    def write(self, copies: Iterable[Copy], tags: Mapping[str, str]) -> dict[str, str]:
        """Tag each AMI with its snapshots; returns AWS's reason for each AMI where that was refused.

        Safe to repeat: the same tags are written again.
        """
        wanted = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        refused: dict[str, str] = {}
        for copy in copies:
            try:
                ec2 = self.client(copy.account, copy.region)
                images = ec2.describe_images(ImageIds=[copy.ami])["Images"]
                snapshots = [
                    device.get("Ebs", {}).get("SnapshotId", "")
                    for image in images
                    for device in image.get("BlockDeviceMappings", [])
                ]
                resources = [copy.ami, *(snapshot for snapshot in snapshots if snapshot)]
                ec2.create_tags(Resources=resources, Tags=wanted)  # pyright: ignore[reportArgumentType]
            except ClientError as error:
                refused[copy.ami] = reason_of(error)
        return refused
