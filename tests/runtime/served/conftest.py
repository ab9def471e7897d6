"""One product on a local cloud, for all schedules."""

from collections.abc import Iterator

import pytest

from tests.local.cloud.served_cloud import ServedCloud, serving
from tests.runtime.served.deployment import set_up
from tests.runtime.served.product import ServedProduct


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.fixture(scope="module")
def product(cloud: ServedCloud) -> ServedProduct:
    return set_up(cloud)
