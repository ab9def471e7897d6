"""What an instance of a public image holds before anything is built on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cloud.image_builder.machine import LINUX, Machine
from local.cloud.public_images import PUBLICATIONS

LINUX_IMAGES = [entry.image_name for entry in PUBLICATIONS if entry.platform is None]


@pytest.mark.parametrize("name", LINUX_IMAGES)
def test_every_public_linux_image_tells_its_system(name: str, tmp_path: Path) -> None:
    machine = Machine.boot(tmp_path / "instance", LINUX, name, None)
    assert 'ID="amzn"' in (machine.tree / "etc" / "os-release").read_text(encoding="utf-8")


def test_an_image_of_nobody_knows_whom_tells_only_that_it_is_linux(tmp_path: Path) -> None:
    machine = Machine.boot(tmp_path / "instance", LINUX, "somebody's", None)
    assert "ID=linux\n" in (machine.tree / "etc" / "os-release").read_text(encoding="utf-8")
