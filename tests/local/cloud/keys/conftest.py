"""One cloud for all tests of keys: each makes its own roles and keys in it."""

from collections.abc import Iterator

import pytest

from tests.local.cloud.served_cloud import ServedCloud, serving


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served
