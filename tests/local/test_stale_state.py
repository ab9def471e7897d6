from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.environment import LocalFolder
from local.progress import Report
from local.stale_state import settle


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path)


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def report(said: StringIO) -> Report:
    return Report(Console(file=said, width=200))


def _deploy(folder: LocalFolder) -> Path:
    state = folder.state / ".pulumi" / "stacks" / "golden-ami" / "ledger.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    folder.stacks.mkdir()
    (folder.stacks / "Pulumi.ledger.yaml").write_text("encryptionsalt: old\n")
    return state


def test_state_of_the_same_run_stays(folder: LocalFolder, report: Report, said: StringIO) -> None:
    settle(folder, "run-1", report)
    state = _deploy(folder)
    assert not settle(folder, "run-1", report)
    assert state.exists()
    assert said.getvalue() == ""


def test_state_of_another_run_is_started_over_and_said_so(folder: LocalFolder, report: Report, said: StringIO) -> None:
    settle(folder, "run-1", report)
    state = _deploy(folder)
    assert settle(folder, "run-2", report)
    assert not state.exists()
    assert not folder.stacks.exists()
    assert "ledger" in said.getvalue()
    assert "started over" in said.getvalue()
    assert not settle(folder, "run-2", report)


def test_state_that_no_run_is_known_of_counts_as_stale(folder: LocalFolder, report: Report) -> None:
    state = _deploy(folder)
    assert settle(folder, "run-1", report)
    assert not state.exists()
