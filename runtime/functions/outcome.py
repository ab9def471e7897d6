"""How a build ended, as its team is told and as its copies say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.names import TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION
from runtime.functions.provenance import Copy
from runtime.functions.shared_images import shares_of

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient

    from runtime.functions.provenance import Provenance
    from runtime.functions.reports import Topic
    from runtime.functions.shared_images import SharedImages


class UnwrittenParametersError(Exception):
    """Parameters of accounts with shares could not be written; Lambda tries again, as for copies."""


class UntaggedCopiesError(Exception):
    """Copies could not be told their script; Lambda tries again, and keeps the event where that does not help."""


@dataclass(frozen=True)
class BuildOutcome:
    """How a build ended: script version, AMIs by account and Region, and the reason of a failure."""

    status: str
    reason: str | None
    image: str
    script_version_id: str | None
    manifest_sha256: str | None
    copies: tuple[Copy, ...]
    shared: bool = False
    """Whether the hub's own AMI is shared with accounts whose parameters are to name it."""

    def tags(self, product: str) -> dict[str, str]:
        """What each copy says of itself; empty for an image that no function of ours asked for."""
        if not self.manifest_sha256 or not self.script_version_id:
            return {}
        return {
            TAG_PRODUCT: product,
            TAG_MANIFEST: self.manifest_sha256,
            TAG_SCRIPT_VERSION: self.script_version_id,
        }

    def as_dict(self, untagged: Mapping[str, str], unwritten: Mapping[str, str]) -> dict[str, Any]:
        """The message's body.

        `untagged` holds the reason by AMI where a copy could not be tagged, `unwritten` by account and Region where the
        parameters of a share could not be written.
        """
        return {
            "reason": self.reason,
            "image": self.image,
            "scriptVersionId": self.script_version_id,
            "manifestSha256": self.manifest_sha256,
            "amis": [{"account": copy.account, "region": copy.region, "id": copy.ami} for copy in self.copies],
            "untagged": dict(untagged),
            "unwritten": dict(unwritten),
        }


def read_outcome(image_arn: str, image_builder: ImagebuilderClient) -> BuildOutcome:
    """How the build of an image ended, as Image Builder has it now (an event may be late)."""
    image: Any = image_builder.get_image(imageBuildVersionArn=image_arn).get("image", {})
    tags = image.get("tags", {})
    state = image.get("state", {})
    return BuildOutcome(
        status=state.get("status", ""),
        reason=state.get("reason"),
        image=image_arn,
        script_version_id=tags.get(TAG_SCRIPT_VERSION),
        manifest_sha256=tags.get(TAG_MANIFEST),
        copies=tuple(
            Copy(ami.get("accountId", ""), ami.get("region", ""), ami["image"])
            for ami in image.get("outputResources", {}).get("amis", [])
            if ami.get("image")
        ),
        shared=any(shares_of({"arn": image_arn, **image})),
    )


def report(
    outcome: BuildOutcome, product: str, provenance: Provenance, shared_images: SharedImages, topic: Topic
) -> None:
    """Tag the copies, write the parameters of shares, and publish how the build ended.

    Raises `UntaggedCopiesError` or `UnwrittenParametersError` after that.
    """
    tags = outcome.tags(product)
    copies = dict.fromkeys((*outcome.copies, *provenance.built(outcome.image)))
    untagged = provenance.write(copies, tags) if tags else {}
    unwritten = shared_images.write() if outcome.shared and outcome.status == "AVAILABLE" else {}
    topic.publish(f"image {outcome.status.lower()}", outcome.status, outcome.as_dict(untagged, unwritten))
    if unwritten:
        raise UnwrittenParametersError("; ".join(f"{place}: {why}" for place, why in unwritten.items()))
    if untagged:
        raise UntaggedCopiesError("; ".join(f"{ami}: {why}" for ami, why in untagged.items()))
