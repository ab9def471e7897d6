"""What tests of every part share: the project's own example files."""

from pathlib import Path

import pytest
from hypothesis import settings
from xdist import is_xdist_worker  # pyright: ignore[reportMissingTypeStubs]
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]

from model.files.landing_zone import LandingZone
from model.files.loading import load_landing_zone, load_product, stack_path
from model.files.product import Product
from tests.workers import Groups, turn_of

PROJECT = Path(__file__).parent.parent

# A busy machine is no failure: nothing here depends on time.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def landing_zone() -> LandingZone:
    """The example landing zone: a hub, two targets, two Regions."""
    return load_landing_zone(stack_path(PROJECT, "landing-zone"))


@pytest.fixture(scope="session")
def ledger(landing_zone: LandingZone) -> Product:
    """The Linux example."""
    return load_product(stack_path(PROJECT, "ledger"), landing_zone)


@pytest.fixture(scope="session")
def payroll(landing_zone: LandingZone) -> Product:
    """The Windows example."""
    return load_product(stack_path(PROJECT, "payroll"), landing_zone)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Hand out groups in the order in which they were collected, not the one with the most tests first."""
    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Count what runs against a served cloud among the slow tests, and begin with the longest among several workers."""
    for item in items:
        if "cloud" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.stack)
    if is_xdist_worker(session):
        items.sort(key=lambda item: turn_of(item.nodeid))
