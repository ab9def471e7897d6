"""Seed 001's simplest case: no target accounts, an image used where it is built."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.environment import REPOSITORY, LocalFolder
from local.program_copy import copied_program
from tests.stacks.world import World, prepared

pytestmark = pytest.mark.stack

HUB = "111111111111"


@pytest.fixture
def hub_only(world: World, tmp_path: Path) -> Generator[World]:
    """A second project on the same cloud, whose landing zone has no targets."""
    project = copied_program(tmp_path / "project")
    stacks = project / "stacks"
    shutil.rmtree(stacks / "schemas")
    landing_zone: Any = yaml.safe_load((stacks / "Pulumi.landing-zone.yaml").read_text(encoding="utf-8"))
    del landing_zone["config"]["golden-ami:landingZone"]["targets"]
    product: Any = yaml.safe_load((stacks / "Pulumi.ledger.yaml").read_text(encoding="utf-8"))
    values = product["config"]["golden-ami:product"]
    del values["distribution"]
    values["name"] = "alone"
    values["consumers"] = [{"account": "hub", "role": "alone-instances", "mode": "create"}]
    for file in stacks.glob("*.yaml"):
        file.unlink()
    (stacks / "ledger").rename(stacks / "alone")
    (stacks / "Pulumi.landing-zone.yaml").write_text(yaml.safe_dump(landing_zone), encoding="utf-8")
    (stacks / "Pulumi.alone.yaml").write_text(yaml.safe_dump(product), encoding="utf-8")
    session = prepared(project, LocalFolder(project / ".local"), world.session.report, world.session.cloud)
    yield World(project, session, {})
    # The hub's deployment role is the one of the first project again.
    prepared(world.project, world.session.folder, world.session.report, world.session.cloud)


def test_without_targets_the_image_is_built_and_launched_in_the_hub(hub_only: World) -> None:
    assert hub_only.up("landing-zone").counts == {"created": 2}
    hub_only.up("alone")
    image = hub_only.image("alone", REPOSITORY / "examples" / "ledger")
    ended = image.build()
    assert [(copy.account, copy.region) for copy in ended.copies] == [(HUB, "us-east-1")]
    assert [(row.role, row.launched) for row in image.rows(ended)] == [("alone-instances", "yes")]
    assert hub_only.parameters("alone") == {(HUB, "us-east-1"): ended.copies[0].ami}
