"""Whole products on a local cloud of the tests' own: one deployment of the examples serves all tests."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from local.cloud_process import CloudProcess, free_port
from local.environment import LocalFolder
from local.program_copy import copied_program
from local.progress import Report
from tests.stacks.world import Deployed, World, deployed, prepared


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program."""
    return copied_program(tmp_path_factory.mktemp("golden-ami"))


@pytest.fixture(scope="session")
def world(project: Path) -> Generator[World]:
    """A running cloud with the landing zone and the Linux example deployed."""
    folder = LocalFolder(project / ".local")
    report = Report()
    cloud = CloudProcess(folder.cloud, free_port())
    record = cloud.start(report)
    try:
        made = World(project, prepared(project, folder, report, record), {})
        for stack in ("landing-zone", "ledger"):
            made.updates[stack] = made.up(stack)
        yield made
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def ledger_image(world: World) -> Deployed:
    """The Linux example's first image."""
    return deployed(world, "ledger")


@pytest.fixture(scope="session")
def payroll_image(world: World) -> Deployed:
    """The Windows example, deployed, and its first image."""
    world.updates["payroll"] = world.up("payroll")
    return deployed(world, "payroll")
