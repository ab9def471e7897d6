from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.engine import go_build, install
from local.engine.go_build import EngineError, pinned_version
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def report(said: StringIO) -> Report:
    return Report(Console(file=said, width=250))


@pytest.fixture
def without_installer(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the installer comes to without a network, at once.
    monkeypatch.setattr(install, "INSTALLER", "raise OSError('no network')")


def _engine(folder: Path, told: str, *names: str) -> Path:
    folder.mkdir()
    for name in ("pulumi", *names):
        (folder / name).write_text(f"#!/bin/sh\necho {told}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_engine_the_package_and_the_requirements_are_of_one_version() -> None:
    assert pinned_version() == version("pulumi")
    assert f"pulumi=={pinned_version()}\n" in (REPOSITORY / "requirements.txt").read_text()


def test_an_engine_on_path_with_its_own_language_host_is_used(tmp_path: Path, report: Report) -> None:
    home = _engine(tmp_path / "there", f"v{pinned_version()}", install.LANGUAGE_HOST, go_build.PROGRAM_RUNNER)
    folder = LocalFolder(tmp_path / "local")
    made = install.install(folder, report, str(home))
    assert made.engine == str(home / "pulumi")
    assert (folder.programs / install.LANGUAGE_HOST).resolve() == home / install.LANGUAGE_HOST
    assert sys.executable in (folder.programs / install.PROVIDER).read_text()


def test_a_second_installation_does_nothing(tmp_path: Path, report: Report) -> None:
    home = _engine(tmp_path / "there", f"v{pinned_version()}", install.LANGUAGE_HOST, go_build.PROGRAM_RUNNER)
    folder = LocalFolder(tmp_path / "local")
    first = install.install(folder, report, str(home))
    written = (folder.programs / install.PROVIDER).stat().st_mtime_ns
    assert install.install(folder, report, "") == first
    assert (folder.programs / install.PROVIDER).stat().st_mtime_ns == written


@pytest.mark.usefixtures("without_installer")
@pytest.mark.parametrize(
    ("told", "names", "reason"),
    [
        ("v3.1.0", (install.LANGUAGE_HOST, go_build.PROGRAM_RUNNER), "is 3.1.0, the pinned version is"),
        (f"v{pinned_version()}", (), f"has no {install.LANGUAGE_HOST} beside it"),
    ],
)
def test_an_engine_on_path_that_does_not_fit_is_told_and_not_used(
    tmp_path: Path, report: Report, said: StringIO, told: str, names: tuple[str, ...], reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", "/bin")
    home = _engine(tmp_path / "there", told, *names)
    with pytest.raises(EngineError):
        install.install(LocalFolder(tmp_path / "local"), report, str(home))
    assert reason in said.getvalue()


@pytest.mark.usefixtures("without_installer")
def test_no_engine_no_installer_and_no_go_is_one_line_that_says_what_to_do(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"install Go 1\.25 or later") as failure:
        install.install(LocalFolder(tmp_path / "local"), report, str(tmp_path))
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "local" / "bin" / "pulumi").exists()


def test_a_go_build_that_fails_says_why_in_one_line(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'dial tcp: lookup of the module proxy failed' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(EngineError, match=r"lookup of the module proxy failed.*or put `pulumi`") as failure:
        go_build.build(tmp_path / "engine", report)
    assert "\n" not in str(failure.value)


def test_the_command_ends_with_code_one_and_no_traceback(tmp_path: Path) -> None:
    # The whole command, in a copy of nothing: an empty PATH, and an installer that is refused by a closed proxy.
    program = (
        "import local.engine.install as i, local.environment as e;"
        f"i.LocalFolder = lambda: e.LocalFolder(__import__('pathlib').Path({str(tmp_path)!r}));"
        "i.INSTALLER = 'raise OSError()'; i.main()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(REPOSITORY), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    assert "no Pulumi engine" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
