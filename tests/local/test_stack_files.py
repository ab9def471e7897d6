"""All stack files are read before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from local.stack_files import StackFiles
from model.files.problems import FileError

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("stacks", "runtime"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    return tmp_path


def test_a_mistake_that_all_products_share_is_told_once(project: Path) -> None:
    file = project / "stacks" / "Pulumi.landing-zone.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("update-os", "update-of"), encoding="utf-8")
    with pytest.raises(FileError) as raised:
        StackFiles.read(project)
    assert [problem.field for problem in raised.value.problems] == [
        "mandatoryComponents.linux.build.0.readyMade",
        "mandatoryComponents.windows.build.0.readyMade",
    ]


def test_mistakes_of_all_products_are_told_at_once(project: Path) -> None:
    for product in ("ledger", "payroll"):
        file = project / "stacks" / f"Pulumi.{product}.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("subnet-00000001", "x"), encoding="utf-8")
    with pytest.raises(FileError) as raised:
        StackFiles.read(project)
    assert [problem.field for problem in raised.value.problems] == ["subnet", "subnet"]
