"""One cloud for all tests of Auto Scaling, whose target has the service-linked role."""

from collections.abc import Iterator

import pytest

from tests.local.cloud.auto_scaling.scaling_world import SERVICE, World, make_world, shared_image
from tests.local.cloud.served_cloud import TARGET, ServedCloud, serving


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        served.client("iam", TARGET).create_service_linked_role(AWSServiceName=SERVICE)
        yield served


@pytest.fixture
def world(cloud: ServedCloud) -> World:
    """A key and an image of its own for each test."""
    return make_world(cloud)


@pytest.fixture(scope="session")
def plain(cloud: ServedCloud) -> World:
    """An image under no key, for what a key has no part in."""
    return World(cloud, "", shared_image(cloud, None, TARGET), cloud.role(TARGET))
