"""Parameters of accounts that the hub's own AMI is shared with: always those of the newest image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.shared_images import SharedImages
from tests.runtime.fakes import refusal

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
STEM = f"arn:aws:imagebuilder:{HOME}:{HUB}"
CHANNEL, FURTHER = "/golden-ami/ledger/stable", "/team/ami"


def nothing(_call: str) -> None:
    """Nobody comes in between."""


@dataclass
class World:
    """Images of a pipeline, the accounts' parameters, and who comes between two calls."""

    images: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    parameters: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    history: list[str] = field(default_factory=list[str])
    refuse: set[str] = field(default_factory=set[str])
    hidden: set[str] = field(default_factory=set[str])
    step: Callable[[str], None] = nothing

    def build(self, number: int, status: str = "AVAILABLE", users: tuple[str, ...] = (TARGET, OTHER)) -> None:
        """The pipeline's next image, shared in the hub's Region and kept to itself in another."""
        amis = [{"accountId": HUB, "region": region, "image": f"ami-{number}-{region}"} for region in (HOME, AWAY)]
        parameters = [{"parameterName": name, "amiAccountId": HUB} for name in (CHANNEL, FURTHER)]
        shared = {"launchPermission": {"userIds": list(users)}} if users else {}
        self.images.append(
            {
                "arn": f"{STEM}:image/golden-ami-ledger/1.0.0/{number}",
                "dateCreated": f"2026-01-{number:02d}T00:00:00.000Z",
                "state": {"status": status},
                "outputResources": {"amis": [*amis, {"accountId": TARGET, "region": HOME, "image": "ami-copy"}]},
                "distributionConfiguration": {
                    "distributions": [
                        {
                            "region": HOME,
                            "amiDistributionConfiguration": shared,
                            "ssmParameterConfigurations": parameters,
                        },
                        {"region": AWAY, "ssmParameterConfigurations": parameters[:1]},
                    ]
                },
            }
        )

    def write(self) -> dict[str, str]:
        """What the report function does with an event, whichever image that is about."""
        clients = [lambda account, region, kind=kind: kind(self, account, region) for kind in (FakeEc2, FakeSsm)]
        return SharedImages(
            f"{STEM}:image-pipeline/golden-ami-ledger", *map(_any, (FakeImages(self), *clients))
        ).write()

    @property
    def values(self) -> set[str]:
        """Everything that some parameter names."""
        return set(self.parameters.values())


def _any(value: object) -> Any:
    return cast(Any, value)


@dataclass
class FakeImages:
    world: World

    def list_image_pipeline_images(self, *, imagePipelineArn: str, nextToken: str = "0") -> dict[str, Any]:
        assert imagePipelineArn.endswith("image-pipeline/golden-ami-ledger")
        self.world.step("list")
        page = {"imageSummaryList": self.world.images[int(nextToken) : int(nextToken) + 1]}
        more = int(nextToken) + 1 < len(self.world.images)
        return {**page, "nextToken": str(int(nextToken) + 1)} if more else page

    def get_image(self, *, imageBuildVersionArn: str) -> dict[str, Any]:
        self.world.step("get")
        (found,) = [image for image in self.world.images if image["arn"] == imageBuildVersionArn]
        return {"image": found}


@dataclass
class FakeEc2:
    world: World
    account: str
    region: str

    def describe_images(self, *, ImageIds: list[str]) -> dict[str, Any]:
        if set(ImageIds) & self.world.hidden:
            raise refusal("InvalidAMIID.NotFound")
        return {"Images": [{"ImageId": image} for image in ImageIds]}


@dataclass
class FakeSsm:
    world: World
    account: str
    region: str

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        self.world.step("read")
        if self.account in self.world.refuse:
            raise refusal("AccessDeniedException")
        value = self.world.parameters.get((self.account, self.region, Name))
        if value is None:
            raise refusal("ParameterNotFound")
        return {"Parameter": {"Value": value}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, DataType: str, Overwrite: bool) -> None:
        assert (Type, DataType, Overwrite) == ("String", "aws:ec2:image", True)
        self.world.step("write")
        self.world.parameters[(self.account, self.region, Name)] = Value
        self.world.history.append(Value)


def test_every_account_with_a_share_gets_channel_and_further_parameters() -> None:
    world = World()
    world.build(1)
    assert world.write() == {}
    assert world.parameters == {
        (account, HOME, name): f"ami-1-{HOME}" for account in (TARGET, OTHER) for name in (CHANNEL, FURTHER)
    }


def test_a_repeated_event_writes_nothing() -> None:
    world = World()
    world.build(1)
    world.write()
    written = len(world.history)
    assert (world.write(), len(world.history)) == ({}, written)


def test_an_event_of_an_older_image_that_comes_late_changes_nothing() -> None:
    world = World()
    world.build(2)
    world.write()
    # Begun earlier, and available only now: its distribution was tried again.
    world.build(1)
    world.write()
    assert world.values == {f"ami-2-{HOME}"}


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "BUILDING"])
def test_an_image_that_is_not_available_is_named_by_nothing(status: str) -> None:
    world = World()
    world.build(1)
    world.build(2, status)
    world.write()
    assert world.values == {f"ami-1-{HOME}"}


def test_an_account_that_refuses_keeps_no_other_from_its_parameters() -> None:
    world = World(refuse={TARGET})
    world.build(1)
    assert world.write() == {f"{TARGET} {HOME}": "AccessDeniedException: AccessDeniedException"}
    assert {account for account, _, _ in world.parameters} == {OTHER}


def test_an_image_that_an_account_does_not_see_is_told_and_not_written() -> None:
    """Systems Manager would take it and say nothing."""
    world = World(hidden={f"ami-1-{HOME}"})
    world.build(1)
    assert set(world.write()) == {f"{TARGET} {HOME}", f"{OTHER} {HOME}"}
    assert world.parameters == {}


@given(overtaken=st.sets(st.integers(min_value=0, max_value=30), max_size=4))
def test_whoever_is_overtaken_by_newer_images_leaves_the_newest_ones(overtaken: set[int]) -> None:
    """Between any two calls newer images come up, and are written by others as a whole."""
    world = World()
    world.build(1)
    calls, running = 0, False

    def step(_call: str) -> None:
        nonlocal calls, running
        if running:
            return
        if calls in overtaken:
            running = True
            world.build(len(world.images) + 1)
            world.write()
            running = False
        calls += 1

    world.step = step
    world.write()
    assert world.values == {f"ami-{len(world.images)}-{HOME}"}
