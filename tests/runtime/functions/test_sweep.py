"""Sweeps of several accounts: what goes, what stays, and what is told where something could not be seen or done."""

from __future__ import annotations

from typing import Any, cast

import pytest

from runtime.functions.reports import Topic
from runtime.functions.retention import Place, Rules
from tests.runtime.fakes import FakeTopic
from tests.runtime.held_images import (
    AWAY,
    CHANNEL,
    HOME,
    HUB,
    HUB_HOME,
    TARGET,
    TARGET_AWAY,
    TARGET_HOME,
    Held,
    World,
    image_arn,
    in_two_regions,
)

RULES = Rules(after_days=90, keep_newest=2)


def old_images(held: Held, count: int = 5) -> None:
    """AMIs of images 1 to `count`, of 100 days and more, the last the newest."""
    for number in range(1, count + 1):
        held.add(f"ami-{number}", 100 + count - number, number)


@pytest.fixture
def world() -> World:
    """One target in two Regions with five old images each, of which the channel names the oldest; builds in the hub."""
    made = World(distributions=in_two_regions())
    for place in (HUB_HOME, TARGET_HOME, TARGET_AWAY):
        old_images(made.held[place])
    for place in (TARGET_HOME, TARGET_AWAY):
        made.held[place].parameters[CHANNEL] = "ami-1"
    for number in range(1, 6):
        amis = [(TARGET_HOME, f"ami-{number}"), (TARGET_AWAY, f"ami-{number}")]
        made.resource(number, 105 - number, amis=amis)
    return made


PINNED_BY_NAME = {"LaunchTemplateName": "lt-1-name", "Version": "2"}


def pin(held: Held, group: dict[str, Any]) -> None:
    """A launch template with three versions, and an Auto Scaling group."""
    held.templates["lt-1"] = [{"ImageId": "ami-5"}, {"ImageId": "ami-2"}, {"ImageId": "ami-5"}]
    held.groups.append(group)


def mixed(template: dict[str, Any]) -> dict[str, Any]:
    return {"MixedInstancesPolicy": {"LaunchTemplate": template}}


def left(world: World, place: Place) -> set[str]:
    held = world.held[place]
    assert {ami.replace("ami", "snap") for ami in held.images} <= set(held.snapshots)
    return set(held.images)


def test_old_images_go_from_every_place_but_the_newest_and_what_a_channel_names(world: World) -> None:
    swept = world.sweep(RULES).run()
    assert left(world, TARGET_HOME) == left(world, TARGET_AWAY) == {"ami-1", "ami-4", "ami-5"}
    # The AMI of a build stays in the hub, which no channel names here, and which no image resource lists.
    assert left(world, HUB_HOME) == {"ami-4", "ami-5"}
    assert set(world.held[TARGET_HOME].snapshots) == {"snap-1", "snap-4", "snap-5"}
    assert {each["arn"] for each in world.resources} == {image_arn(number) for number in (1, 4, 5)}
    assert swept.as_dict()["images"] == [image_arn(2), image_arn(3)]
    assert {"account": TARGET, "region": AWAY, "id": "ami-3"} in swept.as_dict()["amis"]
    assert len(swept.amis) == len(swept.snapshots) == 7
    assert swept.failed == []


def test_a_second_sweep_finds_nothing_to_do(world: World) -> None:
    world.sweep(RULES).run()
    assert not world.sweep(RULES).run().eventful


@pytest.mark.parametrize(
    "use",
    [
        lambda held: held.instances.update({"ami-2": "running"}),
        lambda held: held.instances.update({"ami-2": "stopped"}),
        lambda held: held.templates.update({"lt-1": [{"ImageId": "ami-2"}, {"ImageId": "ami-5"}]}),
        lambda held: held.templates.update({"lt-1": [{"ImageId": "ami-5"}, {"ImageId": "ami-2"}]}),
        lambda held: pin(held, {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}),
        lambda held: pin(held, mixed({"LaunchTemplateSpecification": PINNED_BY_NAME})),
        lambda held: pin(held, mixed({"Overrides": [{"LaunchTemplateSpecification": PINNED_BY_NAME}]})),
        lambda held: held.templates.update({"lt-1": [{"BlockDeviceMappings": [{"Ebs": {"SnapshotId": "snap-2"}}]}]}),
        lambda held: held.configurations.append({"ImageId": "ami-2"}),
        lambda held: held.parameters.update({"/golden-ami/web/candidate": "ami-2"}),
        lambda held: held.parameters.update({"/team/ami": "ami-2"}),
    ],
    ids=[
        "running",
        "stopped",
        "default",
        "latest",
        "pinned",
        "mixed",
        "override",
        "snapshot",
        "configuration",
        "other-channel",
        "parameter",
    ],
)
def test_what_is_used_or_named_in_an_account_stays_there(world: World, use: Any) -> None:
    use(world.held[TARGET_HOME])
    swept = world.sweep(RULES).run()
    assert left(world, TARGET_HOME) == {"ami-1", "ami-2", "ami-4", "ami-5"}
    assert left(world, TARGET_AWAY) == {"ami-1", "ami-4", "ami-5"}
    # Its image resource too.
    assert swept.images == [image_arn(3)]


def test_an_earlier_version_of_a_launch_template_keeps_nothing(world: World) -> None:
    pin(world.held[TARGET_HOME], {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}})
    world.sweep(RULES).run()
    assert "ami-2" not in left(world, TARGET_HOME)


def test_an_image_of_a_terminated_instance_goes(world: World) -> None:
    world.held[TARGET_HOME].instances["ami-2"] = "terminated"
    world.sweep(RULES).run()
    assert "ami-2" not in left(world, TARGET_HOME)


def test_what_was_launched_not_long_ago_stays_where_the_product_says_so(world: World) -> None:
    for place, launched in ((TARGET_HOME, "2026-11-10T00:00:00.000Z"), (TARGET_AWAY, "2026-10-01T00:00:00.000Z")):
        world.held[place].images["ami-2"]["LastLaunchedTime"] = launched
    world.sweep(Rules(90, 2, unused_days=30)).run()
    assert "ami-2" in left(world, TARGET_HOME)
    assert "ami-2" not in left(world, TARGET_AWAY)


def test_images_of_other_products_are_none_of_its_business(world: World) -> None:
    world.held[TARGET_HOME].add("ami-9", 400, product="mail")
    world.held[TARGET_HOME].add_snapshot("snap-8", 400, product="mail")
    world.sweep(RULES).run()
    assert "ami-9" in left(world, TARGET_HOME)
    assert "snap-8" in world.held[TARGET_HOME].snapshots


def test_orphaned_snapshots_go_with_age_and_not_those_that_some_image_has(world: World) -> None:
    held = world.held[TARGET_HOME]
    held.add_snapshot("snap-old", 91)
    held.add_snapshot("snap-young", 89)
    held.add("ami-mail", 400, product="mail")
    held.images["ami-mail"]["BlockDeviceMappings"].append({"Ebs": {"SnapshotId": "snap-lent"}})
    held.add_snapshot("snap-lent", 400)
    swept = world.sweep(RULES).run()
    assert "snap-old" not in held.snapshots
    assert {"snap-young", "snap-lent", "snap-mail"} <= set(held.snapshots)
    assert (TARGET_HOME, "snap-old") in swept.snapshots


@pytest.mark.parametrize("call", ["", "get_parameters_by_path", "describe_instances", "describe_auto_scaling_groups"])
def test_where_something_cannot_be_read_nothing_is_touched_and_that_is_told(world: World, call: str) -> None:
    world.refuse.add((TARGET_HOME, call))
    before = {ami: str(image) for ami, image in world.held[TARGET_HOME].images.items()}
    swept = world.sweep(RULES).run()
    after = {ami: str(image) for ami, image in world.held[TARGET_HOME].images.items()}
    if call in {"describe_instances", "describe_auto_scaling_groups"}:
        # What the channel names was known by then and is tagged.
        after["ami-1"] = before["ami-1"]
    assert after == before
    assert [(place, reason.split(":")[0]) for place, reason in swept.failed] == [(TARGET_HOME, "UnauthorizedOperation")]
    assert left(world, TARGET_AWAY) == {"ami-1", "ami-4", "ami-5"}
    # Nobody knows whether an image is still there: its resource stays.
    assert swept.images == []


def test_an_image_that_cannot_be_removed_is_told_and_keeps_its_resource(world: World) -> None:
    world.refuse.add((TARGET_HOME, "deregister_image"))
    swept = world.sweep(RULES).run()
    assert [place for place, _ in swept.failed] == [TARGET_HOME, TARGET_HOME]
    assert "ami-2: UnauthorizedOperation" in swept.failed[0][1]
    assert swept.images == []
    assert left(world, TARGET_AWAY) == {"ami-1", "ami-4", "ami-5"}


def test_a_snapshot_that_cannot_be_deleted_is_told_and_tried_again(world: World) -> None:
    world.refuse.add((TARGET_HOME, "delete_snapshot"))
    swept = world.sweep(RULES).run()
    assert (TARGET_HOME, "snap-2: missing-permissions") in swept.failed
    world.refuse.clear()
    again = world.sweep(RULES).run()
    assert again.snapshots == [(TARGET_HOME, "snap-2"), (TARGET_HOME, "snap-3")]


def test_an_image_that_a_channel_comes_back_to_during_the_sweep_stays(world: World) -> None:
    seen: list[tuple[Place, str]] = []

    def somebody_goes_back(place: Place, call: str) -> None:
        if call == "create_tags" and (place, "describe_launch_configurations") in seen:
            # Everything has been read by now.
            world.held[place].parameters["/golden-ami/web/candidate"] = "ami-2"
        seen.append((place, call))

    world.step = somebody_goes_back
    world.sweep(RULES).run()
    assert left(world, TARGET_HOME) == {"ami-1", "ami-2", "ami-4", "ami-5"}
    assert (TARGET_HOME, "deregister_image") in seen


def test_somebody_elses_removal_meanwhile_is_no_failure(world: World) -> None:
    def somebody_else(place: Place, call: str) -> None:
        if call == "deregister_image":
            world.held[place].images.pop("ami-2", None)

    world.step = somebody_else
    assert world.sweep(RULES).run().failed == []


@pytest.mark.parametrize("stop", range(1, 60, 3))
def test_a_sweep_that_stops_anywhere_is_completed_by_the_next(world: World, stop: int) -> None:
    count = 0

    def stopping(_place: Place, _call: str) -> None:
        nonlocal count
        count += 1
        if count == stop:
            raise KeyboardInterrupt

    world.step = stopping
    with pytest.raises(KeyboardInterrupt):
        world.sweep(RULES).run()
    world.sweep(RULES).run()
    assert left(world, TARGET_HOME) == left(world, TARGET_AWAY) == {"ami-1", "ami-4", "ami-5"}
    assert {each["arn"] for each in world.resources} == {image_arn(number) for number in (1, 4, 5)}


def test_lifecycle_policies_are_told_what_they_do_not_see(world: World) -> None:
    held = world.held[TARGET_HOME]
    held.instances["ami-2"] = "running"
    world.sweep(RULES).run()
    assert held.marked("golden-ami:channel") == {"ami-1"}
    assert held.marked("golden-ami:kept") == {"ami-2", "ami-4", "ami-5"}
    assert [each["arn"] for each in world.resources if "golden-ami:channel" in each["tags"]] == [image_arn(1)]
    held.instances.clear()
    held.parameters[CHANNEL] = world.held[TARGET_AWAY].parameters[CHANNEL] = "ami-5"
    world.sweep(RULES).run()
    assert held.marked("golden-ami:channel") == {"ami-5"}
    assert held.marked("golden-ami:kept") == {"ami-4"}
    assert {each["arn"] for each in world.resources if "golden-ami:channel" in each["tags"]} == {image_arn(5)}


def test_an_image_that_is_shared_stays_while_a_channel_of_an_account_it_is_shared_with_names_it() -> None:
    world = World(
        distributions=[{"region": HOME, "amiDistributionConfiguration": {"launchPermission": {"userIds": [TARGET]}}}]
    )
    old_images(world.held[HUB_HOME])
    world.held[TARGET_HOME].parameters[CHANNEL] = "ami-1"
    world.sweep(RULES).run()
    assert left(world, HUB_HOME) == {"ami-1", "ami-4", "ami-5"}
    world.refuse.add((TARGET_HOME, "get_parameters_by_path"))
    old_images(world.held[HUB_HOME])
    swept = world.sweep(RULES).run()
    assert left(world, HUB_HOME) == {f"ami-{number}" for number in range(1, 6)}
    assert [place for place, _ in swept.failed] == [HUB_HOME]


def test_without_a_distribution_the_hub_keeps_the_images() -> None:
    world = World()
    old_images(world.held[HUB_HOME])
    world.held[HUB_HOME].parameters[CHANNEL] = "ami-1"
    world.sweep(RULES).run()
    assert left(world, Place(HUB, HOME)) == {"ami-1", "ami-4", "ami-5"}


def test_what_went_is_reported_and_what_could_not_be_seen_is_a_failure(world: World) -> None:
    sns = FakeTopic()
    topic = Topic("topic", "web", cast(Any, sns))
    topic.swept(world.sweep(RULES).run().as_dict())
    (told,) = sns.with_status("SWEPT")
    assert (told["subject"], told["reason"]) == ("golden-ami web: 7 AMIs removed", None)
    assert told["totals"] == {"amis": 7, "snapshots": 7, "images": 2, "failed": 0}
    assert {"account": TARGET, "region": HOME, "id": "ami-2"} in told["amis"]
    world.refuse.add((TARGET_AWAY, ""))
    topic.swept(world.sweep(RULES).run().as_dict())
    (told,) = sns.with_status("SWEEP_FAILED")
    assert told["reason"] == "222222222222 in eu-west-1: UnauthorizedOperation: UnauthorizedOperation"
