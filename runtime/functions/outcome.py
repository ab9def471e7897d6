"""What a product's team is told when a build ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.names import TAG_MANIFEST, TAG_SCRIPT_VERSION

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_sns import SNSClient

SUBJECT_MAXIMUM = 100
"""Characters of a message's subject (SNS API Reference, Publish)."""


@dataclass(frozen=True)
class BuildOutcome:
    """How a build ended: product, script version, AMIs by account and Region, and the reason of a failure."""

    product: str
    status: str
    reason: str | None
    image: str
    script_version_id: str | None
    manifest_sha256: str | None
    amis: tuple[dict[str, str], ...]

    @property
    def subject(self) -> str:
        """A line for a mail's subject."""
        return f"golden-ami {self.product}: image {self.status.lower()}"[:SUBJECT_MAXIMUM]

    def json(self) -> str:
        """The message's body."""
        return json.dumps(
            {
                "product": self.product,
                "status": self.status,
                "reason": self.reason,
                "image": self.image,
                "scriptVersionId": self.script_version_id,
                "manifestSha256": self.manifest_sha256,
                "amis": list(self.amis),
            },
            indent=2,
        )


def read_outcome(product: str, image_arn: str, image_builder: ImagebuilderClient) -> BuildOutcome:
    """How the build of an image ended, as Image Builder has it now (an event may be late)."""
    image: Any = image_builder.get_image(imageBuildVersionArn=image_arn).get("image", {})
    tags = image.get("tags", {})
    state = image.get("state", {})
    amis = tuple(
        {"account": ami.get("accountId", ""), "region": ami.get("region", ""), "id": ami["image"]}
        for ami in image.get("outputResources", {}).get("amis", [])
        if ami.get("image")
    )
    return BuildOutcome(
        product=product,
        status=state.get("status", ""),
        reason=state.get("reason"),
        image=image_arn,
        script_version_id=tags.get(TAG_SCRIPT_VERSION),
        manifest_sha256=tags.get(TAG_MANIFEST),
        amis=amis,
    )


def publish(outcome: BuildOutcome, topic_arn: str, sns: SNSClient) -> None:
    """Report an outcome on the product's topic; attributes let a subscriber filter by status."""
    sns.publish(
        TopicArn=topic_arn,
        Subject=outcome.subject,
        Message=outcome.json(),
        MessageAttributes={"status": {"DataType": "String", "StringValue": outcome.status}},
    )
