"""Instances of public images, as a build would launch them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.runtime.components.instances import Instance, launch


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Instance]:
    return partial(launch, tmp_path)


@pytest.fixture
def linux(tmp_path: Path) -> Instance:
    return launch(tmp_path)
