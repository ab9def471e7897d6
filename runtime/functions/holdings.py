"""What one account holds of a product in one Region, read from EC2, Parameter Store and Auto Scaling.

Reading is all or nothing: whatever cannot be read raises botocore's `ClientError`, so that nobody decides on a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model.names import TAG_PRODUCT, channel_path
from runtime.functions.accounts import Accounts
from runtime.functions.destinations import Destination
from runtime.functions.provenance import BUILT_BY
from runtime.functions.retention import Ami, Holding, Snapshot

PARAMETERS_AT_ONCE = 10
"""Names that GetParameters takes (Systems Manager API Reference)."""

_TEMPLATE_KEYS = ("LaunchTemplateId", "LaunchTemplateName")

STANDING = ("pending", "running", "shutting-down", "stopping", "stopped")
"""States of an instance that is still there."""


@dataclass(frozen=True)
class HeldImages:
    """One product's images at one destination."""

    product: str
    destination: Destination
    accounts: Accounts

    def read(self) -> Holding:
        """Everything there that bears on what may go."""
        place = self.destination.place
        ec2 = self.accounts.ec2(place)
        pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=self._tagged)
        snapshots = [
            Snapshot(each["SnapshotId"], each["StartTime"]) for page in pages for each in _any(page, "Snapshots")
        ]
        images = list(self._images())
        used = {*self._launched(), *self._templated(), *self._configured()}
        return Holding(
            place=place,
            amis=tuple(_ami(image) for image in images if _tags(image).get(TAG_PRODUCT) == self.product),
            snapshots=tuple(snapshots),
            # Last, so that it is the newest of what was read.
            named=frozenset(self.named()),
            used=frozenset(used),
            imaged=frozenset(snapshot for image in images for snapshot in _snapshots(image)),
        )

    def amis(self) -> list[Ami]:
        """The product's AMIs of the account itself."""
        return [_ami(image) for image in self._images() if _tags(image).get(TAG_PRODUCT) == self.product]

    def named(self) -> set[str]:
        """What channels name, whatever is there under that name."""
        found: set[str] = set()
        for reader in self.destination.readers:
            ssm = self.accounts.ssm(reader)
            path = channel_path(self.product)
            for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True):
                found |= {parameter.get("Value", "") for parameter in page.get("Parameters", [])}
            others = self.destination.parameters
            for start in range(0, len(others), PARAMETERS_AT_ONCE):
                answer = ssm.get_parameters(Names=list(others[start : start + PARAMETERS_AT_ONCE]))
                found |= {parameter.get("Value", "") for parameter in answer.get("Parameters", [])}
        return found

    @property
    def _tagged(self) -> list[Any]:
        return [{"Name": f"tag:{TAG_PRODUCT}", "Values": [self.product]}]

    def _images(self) -> Iterator[Any]:
        """All images of the account, also deprecated and disabled ones, which have snapshots too."""
        ec2 = self.accounts.ec2(self.destination.place)
        pages = ec2.get_paginator("describe_images").paginate(
            Owners=["self"], IncludeDeprecated=True, IncludeDisabled=True
        )
        for page in pages:
            yield from _any(page, "Images")

    def _launched(self) -> Iterator[str]:
        """Images of the instances that are there."""
        ec2 = self.accounts.ec2(self.destination.place)
        standing: list[Any] = [{"Name": "instance-state-name", "Values": list(STANDING)}]
        for page in ec2.get_paginator("describe_instances").paginate(Filters=standing):
            for reservation in _any(page, "Reservations"):
                yield from (each.get("ImageId", "") for each in reservation.get("Instances", []))

    def _templated(self) -> Iterator[str]:
        """Images and snapshots of the versions of launch templates that are in force.

        Those are the default one, the latest one, and any that an Auto Scaling group stays with. Others are history:
        a template that gets a version with every image would keep every image.
        """
        ec2, pinned = self.accounts.ec2(self.destination.place), self._pinned()
        for page in ec2.get_paginator("describe_launch_templates").paginate():
            for template in _any(page, "LaunchTemplates"):
                known = {template["LaunchTemplateId"], template.get("LaunchTemplateName")}
                stayed_with = {version for name, version in pinned if name in known}
                versions = ec2.get_paginator("describe_launch_template_versions").paginate(
                    LaunchTemplateId=template["LaunchTemplateId"],
                    Versions=sorted({"$Default", "$Latest", *stayed_with}),
                )
                for listed in versions:
                    for version in _any(listed, "LaunchTemplateVersions"):
                        yield from _referred(version.get("LaunchTemplateData", {}))

    def _pinned(self) -> set[tuple[str, str]]:
        """Launch templates of Auto Scaling groups, by id or name, with the version where one is stated."""
        autoscaling = self.accounts.autoscaling(self.destination.place)
        found: set[tuple[str, str]] = set()
        for page in autoscaling.get_paginator("describe_auto_scaling_groups").paginate():
            for group in _any(page, "AutoScalingGroups"):
                mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
                for template in (group.get("LaunchTemplate", {}), *_specifications(mixed)):
                    version = template.get("Version", "$Default")
                    found |= {(template[key], version) for key in _TEMPLATE_KEYS if key in template}
        return found

    def _configured(self) -> Iterator[str]:
        """Images and snapshots of launch configurations."""
        autoscaling = self.accounts.autoscaling(self.destination.place)
        for page in autoscaling.get_paginator("describe_launch_configurations").paginate():
            for configuration in _any(page, "LaunchConfigurations"):
                yield from _referred(configuration)


def _specifications(mixed: Any) -> Iterator[Any]:
    yield mixed.get("LaunchTemplateSpecification", {})
    yield from (each.get("LaunchTemplateSpecification", {}) for each in mixed.get("Overrides", []))


def _any(page: Any, member: str) -> Iterable[Any]:
    return page.get(member, [])


def _referred(data: Any) -> Iterator[str]:
    if data.get("ImageId"):
        yield data["ImageId"]
    yield from _snapshots(data)


def _ami(image: Any) -> Ami:
    launched = image.get("LastLaunchedTime")
    return Ami(
        id=image["ImageId"],
        created=datetime.fromisoformat(image["CreationDate"]),
        snapshots=tuple(_snapshots(image)),
        launched=datetime.fromisoformat(launched) if launched else None,
        image_arn=_tags(image).get(BUILT_BY),
        marks=frozenset(_tags(image)),
    )


def _snapshots(data: Any) -> Iterator[str]:
    for device in data.get("BlockDeviceMappings", []):
        if snapshot := device.get("Ebs", {}).get("SnapshotId"):
            yield snapshot


def _tags(image: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}
