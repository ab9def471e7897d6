"""In-memory accounts that hold a product's images: EC2, Parameter Store and Auto Scaling as the functions use them.

Every call goes through `step` before its effect, so that a test can stop, refuse or interleave whoever calls there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from runtime.functions.accounts import Accounts
from runtime.functions.destinations import Pipeline
from runtime.functions.retention import Place, Rules
from runtime.functions.sweep import Sweep
from tests.runtime.fakes import refusal

HUB, TARGET = "111111111111", "222222222222"
HOME, AWAY = "us-east-1", "eu-west-1"
HUB_HOME, TARGET_HOME, TARGET_AWAY = Place(HUB, HOME), Place(TARGET, HOME), Place(TARGET, AWAY)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PIPELINE = f"arn:aws:imagebuilder:{HOME}:{HUB}:image-pipeline/golden-ami-web"
CHANNEL = "/golden-ami/web/stable"


def image_arn(number: int) -> str:
    return f"arn:aws:imagebuilder:{HOME}:{HUB}:image/golden-ami-web/1.0.0/{number}"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class NotFoundError(Exception):
    """Image Builder's answer to an image that it does not know."""


class Exceptions:
    ResourceNotFoundException = NotFoundError


@dataclass
class Pages:
    """A paginator of pages of one entry each, so that a reader that stops at the first page is seen."""

    name: str
    read: Callable[..., list[Any]]

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        yield {}
        for entry in self.read(**parameters):
            yield {self.name: [entry]}


@dataclass
class Held:
    """What one place holds: images, snapshots by id, parameters by name, and what refers to images."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    instances: dict[str, str] = field(default_factory=dict[str, str])
    """Images of instances, with the instance's state."""
    templates: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    """Data of every version by the template's id; the first one is the default."""
    groups: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    configurations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, ami: str, age: float, image: int | None = None, product: str = "web", **more: Any) -> None:
        """An AMI of a product, `age` days old, with a snapshot of its number."""
        created, snapshot = NOW - timedelta(days=age), ami.replace("ami", "snap")
        tags = {"golden-ami:product": product, **({"Ec2ImageBuilderArn": image_arn(image)} if image else {})}
        self.images[ami] = {
            "ImageId": ami,
            "CreationDate": iso(created),
            "BlockDeviceMappings": [{"Ebs": {"SnapshotId": snapshot}}, {"VirtualName": "ephemeral0"}],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            **more,
        }
        self.add_snapshot(snapshot, age, product)

    def add_snapshot(self, snapshot: str, age: float, product: str = "web") -> None:
        """A snapshot of a product, `age` days old."""
        tags = [{"Key": "golden-ami:product", "Value": product}]
        started = NOW - timedelta(days=age)
        self.snapshots[snapshot] = {"SnapshotId": snapshot, "StartTime": started, "Tags": tags}

    def marked(self, key: str) -> set[str]:
        """AMIs with a tag."""
        return {ami for ami, image in self.images.items() if key in {tag["Key"] for tag in image["Tags"]}}


@dataclass
class World:
    """Several places, with Image Builder in the hub."""

    held: dict[Place, Held] = field(default_factory=lambda: defaultdict(Held))
    resources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    distributions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    step: Callable[[Place, str], None] = lambda _place, _call: None
    refuse: set[tuple[Place, str]] = field(default_factory=set[tuple[Place, str]])
    """Calls that are refused by place, or all of a place where the call is empty."""

    def accounts(self) -> Accounts:
        """Clients of the places."""
        return cast(Accounts, FakeAccounts(self))

    def pipeline(self) -> Pipeline:
        """The pipeline as the functions see it."""
        return Pipeline(cast(Any, FakeImageBuilder(self)), PIPELINE, "web")

    def sweep(self, rules: Rules) -> Sweep:
        """A sweep of all places, now."""
        return Sweep(self.pipeline(), self.accounts(), rules, lambda: NOW)

    def resource(self, number: int, age: float, status: str = "AVAILABLE", **amis: Any) -> None:
        """An image resource with its AMIs by `<account>_<region>`."""
        outputs = [
            {"accountId": place.account, "region": place.region, "image": ami} for place, ami in amis.get("amis", [])
        ]
        self.resources.append(
            {
                "arn": image_arn(number),
                "dateCreated": iso(NOW - timedelta(days=age)),
                "state": {"status": status},
                "outputResources": {"amis": outputs},
                "tags": {},
            }
        )

    def call(self, place: Place, name: str) -> None:
        """One call, which may be refused."""
        self.step(place, name)
        if {(place, name), (place, "")} & self.refuse:
            raise refusal("UnauthorizedOperation")


@dataclass
class FakeAccounts:
    world: World

    def ec2(self, place: Place) -> FakeEc2:
        return FakeEc2(self.world, place)

    def ssm(self, place: Place) -> FakeParameters:
        return FakeParameters(self.world, place)

    def autoscaling(self, place: Place) -> FakeAutoScaling:
        return FakeAutoScaling(self.world, place)


@dataclass
class FakeEc2:
    world: World
    place: Place

    @property
    def held(self) -> Held:
        return self.world.held[self.place]

    def get_paginator(self, operation: str) -> Pages:
        readers: dict[str, tuple[str, Callable[..., list[Any]]]] = {
            "describe_images": ("Images", self._images),
            "describe_snapshots": ("Snapshots", self._snapshots),
            "describe_instances": ("Reservations", self._reservations),
            "describe_launch_templates": ("LaunchTemplates", self._templates),
            "describe_launch_template_versions": ("LaunchTemplateVersions", self._versions),
        }
        self.world.call(self.place, operation)
        return Pages(*readers[operation])

    def _images(self, *, Owners: list[str], IncludeDeprecated: bool, IncludeDisabled: bool) -> list[Any]:
        assert (Owners, IncludeDeprecated, IncludeDisabled) == (["self"], True, True)
        return list(self.held.images.values())

    def _snapshots(self, *, OwnerIds: list[str], Filters: list[Any]) -> list[Any]:
        assert OwnerIds == ["self"]
        (entry,) = Filters
        wanted = {"Key": entry["Name"].removeprefix("tag:"), "Value": entry["Values"][0]}
        return [snapshot for snapshot in self.held.snapshots.values() if wanted in snapshot["Tags"]]

    def _reservations(self, *, Filters: list[Any]) -> list[Any]:
        (entry,) = Filters
        assert entry["Name"] == "instance-state-name"
        found = [ami for ami, state in self.held.instances.items() if state in entry["Values"]]
        return [{"Instances": [{"ImageId": ami}]} for ami in found]

    def _templates(self) -> list[Any]:
        names = self.held.templates
        return [{"LaunchTemplateId": name, "LaunchTemplateName": f"{name}-name"} for name in names]

    def _versions(self, *, LaunchTemplateId: str, Versions: list[str]) -> list[Any]:
        there = self.held.templates[LaunchTemplateId]
        numbers = {"$Default": 1, "$Latest": len(there)}
        wanted = {numbers.get(version) or int(version) for version in Versions}
        return [{"LaunchTemplateData": there[number - 1]} for number in sorted(wanted)]

    def create_tags(self, *, Resources: list[str], Tags: list[dict[str, str]]) -> None:
        self.world.call(self.place, "create_tags")
        for ami in Resources:
            self._tags(ami).extend(tag for tag in Tags if tag not in self._tags(ami))

    def delete_tags(self, *, Resources: list[str], Tags: list[dict[str, str]]) -> None:
        self.world.call(self.place, "delete_tags")
        keys = {tag["Key"] for tag in Tags}
        for ami in Resources:
            self._tags(ami)[:] = [tag for tag in self._tags(ami) if tag["Key"] not in keys]

    def _tags(self, ami: str) -> list[dict[str, str]]:
        return self.held.images[ami]["Tags"]

    def deregister_image(self, *, ImageId: str, DeleteAssociatedSnapshots: bool) -> dict[str, Any]:
        assert DeleteAssociatedSnapshots
        self.world.call(self.place, "deregister_image")
        if ImageId not in self.held.images:
            raise refusal("InvalidAMIID.Unavailable")
        image = self.held.images.pop(ImageId)
        results = [
            {"SnapshotId": device["Ebs"]["SnapshotId"], "ReturnCode": self._delete(device["Ebs"]["SnapshotId"])}
            for device in image["BlockDeviceMappings"]
            if "Ebs" in device
        ]
        return {"Return": True, "DeleteSnapshotResults": results}

    def _delete(self, snapshot: str) -> str:
        if (self.place, "delete_snapshot") in self.world.refuse:
            return "missing-permissions"
        if self._needed(snapshot):
            return "skipped"
        self.held.snapshots.pop(snapshot, None)
        return "success"

    def _needed(self, snapshot: str) -> bool:
        devices = [device for image in self.held.images.values() for device in image["BlockDeviceMappings"]]
        return any(device.get("Ebs", {}).get("SnapshotId") == snapshot for device in devices)

    def delete_snapshot(self, *, SnapshotId: str) -> None:
        self.world.call(self.place, "delete_snapshot")
        if self._needed(SnapshotId):
            raise refusal("InvalidSnapshot.InUse")
        if SnapshotId not in self.held.snapshots:
            raise refusal("InvalidSnapshot.NotFound")
        del self.held.snapshots[SnapshotId]


@dataclass
class FakeParameters:
    world: World
    place: Place

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "get_parameters_by_path"
        self.world.call(self.place, operation)
        return Pages("Parameters", self._by_path)

    def _by_path(self, *, Path: str, Recursive: bool) -> list[Any]:
        assert Recursive
        parameters = self.world.held[self.place].parameters
        return [{"Name": name, "Value": value} for name, value in parameters.items() if name.startswith(Path)]

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:
        assert 0 < len(Names) <= 10
        self.world.call(self.place, "get_parameters")
        parameters = self.world.held[self.place].parameters
        return {"Parameters": [{"Name": name, "Value": parameters[name]} for name in Names if name in parameters]}


@dataclass
class FakeAutoScaling:
    world: World
    place: Place

    def get_paginator(self, operation: str) -> Pages:
        self.world.call(self.place, operation)
        held = self.world.held[self.place]
        readers: dict[str, tuple[str, Callable[..., list[Any]]]] = {
            "describe_auto_scaling_groups": ("AutoScalingGroups", lambda: held.groups),
            "describe_launch_configurations": ("LaunchConfigurations", lambda: held.configurations),
        }
        return Pages(*readers[operation])


@dataclass
class FakeImageBuilder:
    world: World
    exceptions: type[Exceptions] = Exceptions

    def get_image_pipeline(self, *, imagePipelineArn: str) -> dict[str, Any]:
        assert imagePipelineArn == PIPELINE
        arn = {"distributionConfigurationArn": "distribution"} if self.world.distributions else {}
        return {"imagePipeline": {"arn": PIPELINE, **arn}}

    def get_distribution_configuration(self, *, distributionConfigurationArn: str) -> dict[str, Any]:
        assert distributionConfigurationArn == "distribution"
        return {"distributionConfiguration": {"distributions": self.world.distributions}}

    def list_image_pipeline_images(self, *, imagePipelineArn: str) -> dict[str, Any]:
        assert imagePipelineArn == PIPELINE
        return {"imageSummaryList": list(self.world.resources)}

    def tag_resource(self, *, resourceArn: str, tags: dict[str, str]) -> None:
        self._find(resourceArn)["tags"].update(tags)

    def untag_resource(self, *, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._find(resourceArn)["tags"].pop(key, None)

    def delete_image(self, *, imageBuildVersionArn: str) -> None:
        self.world.call(HUB_HOME, "delete_image")
        self.world.resources.remove(self._find(imageBuildVersionArn))

    def _find(self, arn: str) -> dict[str, Any]:
        found = next((each for each in self.world.resources if each["arn"] == arn), None)
        if found is None:
            raise NotFoundError
        return found


def in_two_regions() -> list[dict[str, Any]]:
    """A distribution to one target in two Regions."""
    return [
        {
            "region": region,
            "amiDistributionConfiguration": {"targetAccountIds": [TARGET]},
            "ssmParameterConfigurations": [
                {"parameterName": name, "amiAccountId": TARGET} for name in (CHANNEL, "/team/ami")
            ],
        }
        for region in (HOME, AWAY)
    ]
