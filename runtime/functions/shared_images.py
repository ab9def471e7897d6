"""Parameters of accounts that the hub's own AMIs are shared with.

Image Builder writes a parameter only in an account that owns a copy (API Reference, SsmParameterConfiguration). Which
event comes first does not matter: whoever is called writes what the newest image of the pipeline says, and looks again
afterwards, so that an older writer that was overtaken puts right what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runtime.functions.aws_errors import code_of, reason_of
from runtime.functions.pipeline_runs import pipeline_images

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_ssm import SSMClient

IMAGE_TYPE = "aws:ec2:image"


@dataclass(frozen=True)
class Share:
    """An AMI of the hub in a Region, an account that may launch from it, and the parameters that are to name it."""

    ami: str
    account: str
    region: str
    parameters: tuple[str, ...]


def shares_of(image: dict[str, Any]) -> Iterator[Share]:
    """The shares of an image, as its own distribution settings state them; `image` is Image Builder's description."""
    hub = image.get("arn", "").split(":")[4]
    amis: dict[str, str] = {
        ami["region"]: ami["image"]
        for ami in image.get("outputResources", {}).get("amis", [])
        if ami.get("accountId") == hub and ami.get("image")
    }
    for entry in image.get("distributionConfiguration", {}).get("distributions", []):
        ami = amis.get(entry["region"])
        if ami is None:
            continue
        names = tuple(one["parameterName"] for one in entry.get("ssmParameterConfigurations", []))
        permission: dict[str, list[str]] = entry.get("amiDistributionConfiguration", {}).get("launchPermission", {})
        for account in permission.get("userIds", []):
            yield Share(ami, account, entry["region"], names)


@dataclass(frozen=True)
class SharedImages:
    """Writes parameters; `ec2` and `ssm` give clients in another account and Region, or raise `ClientError`."""

    pipeline_arn: str
    image_builder: ImagebuilderClient
    ec2: Callable[[str, str], EC2Client]
    ssm: Callable[[str, str], SSMClient]

    def write(self) -> dict[str, str]:
        """Let every parameter name the newest image; returns AWS's reason for each place where that was refused.

        Safe to repeat, to reorder and to run at once.
        """
        written, refused = "", dict[str, str]()
        while (newest := self._newest()) not in ("", written):
            image: Any = self.image_builder.get_image(imageBuildVersionArn=newest).get("image", {})
            refused = {}
            for share in shares_of(image):
                try:
                    self._write(share)
                except ClientError as error:
                    refused[f"{share.account} {share.region}"] = reason_of(error)
            written = newest
        return refused

    def _newest(self) -> str:
        """ARN of the image that was begun last of all that are available; empty where there is none."""
        found = (
            (image.get("dateCreated", ""), image.get("arn", ""))
            for image in pipeline_images(self.image_builder, self.pipeline_arn)
            if image.get("state", {}).get("status") == "AVAILABLE"
        )
        return max(found, default=("", ""))[1]

    def _write(self, share: Share) -> None:
        ssm = self.ssm(share.account, share.region)
        stale = [name for name in share.parameters if _value(ssm, name) != share.ami]
        if not stale:
            return
        # Systems Manager answers before it checks that its caller sees the AMI, and says nothing where it does not
        # (Systems Manager User Guide, "Native parameter support for AMI IDs").
        self.ec2(share.account, share.region).describe_images(ImageIds=[share.ami])
        for name in stale:
            ssm.put_parameter(Name=name, Value=share.ami, Type="String", DataType=IMAGE_TYPE, Overwrite=True)


def _value(ssm: SSMClient, name: str) -> str | None:
    try:
        return ssm.get_parameter(Name=name)["Parameter"].get("Value")
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        return None
