"""Where a product's images are, as its pipeline's distribution configuration says it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from model.names import TAG_CHANNEL, TAG_SET, channel_path
from runtime.functions.pipeline_runs import ENDED, pipeline_images
from runtime.functions.retention import ImageResource, Place

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient


@dataclass(frozen=True)
class Destination:
    """A place that holds images; channels that name them are there and in the accounts they are shared with."""

    place: Place
    shared_with: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    """Names of parameters beside those under the product's own path."""

    @property
    def readers(self) -> tuple[Place, ...]:
        """Places whose channels may name what is here."""
        return (self.place, *(Place(account, self.place.region) for account in self.shared_with))


@dataclass(frozen=True)
class Pipeline:
    """One pipeline's destinations and images."""

    image_builder: ImagebuilderClient
    arn: str
    product: str

    def destinations(self) -> list[Destination]:
        """Every place of the distribution, and where the pipeline builds, whose AMIs stay there."""
        _, _, _, region, hub, _ = self.arn.split(":", 5)
        found = {Place(hub, region): Destination(Place(hub, region))}
        for entry in self._distributions():
            settings: Any = entry.get("amiDistributionConfiguration", {})
            shared_with = tuple(settings.get("launchPermission", {}).get("userIds", []))
            parameters: Any = entry.get("ssmParameterConfigurations", [])
            for account in settings.get("targetAccountIds") or [hub]:
                place = Place(account, entry["region"])
                names = (
                    one["parameterName"]
                    for one in parameters
                    if one.get("amiAccountId", hub) in (account, *shared_with)
                )
                others = tuple(name for name in names if not name.startswith(channel_path(self.product)))
                found[place] = Destination(place, shared_with, others)
        return list(found.values())

    def _distributions(self) -> list[Any]:
        pipeline = self.image_builder.get_image_pipeline(imagePipelineArn=self.arn).get("imagePipeline", {})
        arn = pipeline.get("distributionConfigurationArn")
        if arn is None:
            return []
        answer = self.image_builder.get_distribution_configuration(distributionConfigurationArn=arn)
        return list(answer.get("distributionConfiguration", {}).get("distributions", []))

    def resources(self) -> list[ImageResource]:
        """Every image that the pipeline made and Image Builder still holds."""
        return [_resource(entry) for entry in pipeline_images(self.image_builder, self.arn)]

    def mark(self, image_arn: str) -> None:
        """Tag an image resource as named by a channel."""
        self.image_builder.tag_resource(resourceArn=image_arn, tags={TAG_CHANNEL: TAG_SET})

    def unmark(self, image_arn: str) -> None:
        """Take that tag off it."""
        self.image_builder.untag_resource(resourceArn=image_arn, tagKeys=[TAG_CHANNEL])


def _resource(entry: Any) -> ImageResource:
    status = entry.get("state", {}).get("status", "PENDING")
    amis = entry.get("outputResources", {}).get("amis", [])
    return ImageResource(
        arn=entry["arn"],
        created=datetime.fromisoformat(entry["dateCreated"]),
        ended=status in ENDED,
        available=status == "AVAILABLE",
        marks=frozenset(entry.get("tags", {})),
        amis=tuple(
            (Place(ami.get("accountId", ""), ami.get("region", "")), ami["image"]) for ami in amis if ami.get("image")
        ),
    )
