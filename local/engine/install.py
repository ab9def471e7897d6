"""Getting the pinned Pulumi engine into `.local/bin`: from PATH, by Pulumi's installer, else built from Go modules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.engine.go_build import PROGRAM_RUNNER, EngineError, build, pinned_version, program_runner
from local.environment import LocalFolder
from local.progress import Report

ENGINE = "pulumi"
LANGUAGE_HOST = "pulumi-language-python"
PROVIDER = "pulumi-resource-aws"
INSTALLER_SECONDS = 180.0
"""Time that Pulumi's installer gets; without a network it fails within seconds."""

INSTALLER = """
import socket, sys
socket.setdefaulttimeout(5)
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(sys.argv[1], VersionInfo.parse(sys.argv[2]))
"""


@dataclass(frozen=True)
class Installation:
    """What lies in `.local/bin`, so that a second run sees at a glance that nothing is to be done."""

    version: str
    engine: str
    python: str

    @classmethod
    def read(cls, file: Path) -> Installation | None:
        """The installation that a file describes, if there is one."""
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None


def install(folder: LocalFolder, report: Report, search_path: str) -> Installation:
    """Make `.local/bin` hold the engine, a Python language host and the local provider plugin.

    `search_path` is PATH. Nothing is done where it has been done before. Raises `EngineError`.
    """
    version = pinned_version()
    record = folder.programs / ".installation.json"
    before = Installation.read(record)
    complete = all((folder.programs / name).exists() for name in (ENGINE, LANGUAGE_HOST, PROGRAM_RUNNER, PROVIDER))
    if before and complete and (before.version, before.python) == (version, sys.executable):
        return before
    folder.programs.mkdir(parents=True, exist_ok=True)
    official = _on_path(search_path, folder.programs, version, report) or _by_installer(folder, version, report)
    if official:
        for name in (ENGINE, LANGUAGE_HOST, PROGRAM_RUNNER):
            _link(folder.programs / name, official / name)
        engine = official / ENGINE
    else:
        engine = folder.path / "engine" / f"pulumi-{version}"
        if not engine.exists():
            build(engine.with_suffix(".part"), report)
            engine.with_suffix(".part").rename(engine)
        _link(folder.programs / ENGINE, engine)
        # A copy: Go's module cache may be cleaned at any time.
        runner = folder.programs / PROGRAM_RUNNER
        runner.unlink(missing_ok=True)
        shutil.copyfile(program_runner(), runner)
        options = ["--program-runner", str(runner), "--engine-version", version]
        _launcher(folder.programs / LANGUAGE_HOST, "local.engine.language_host", options)
    _launcher(folder.programs / PROVIDER, "local.provider", [])
    installation = Installation(version, str(engine), sys.executable)
    record.write_text(json.dumps(asdict(installation)), encoding="utf-8")
    report.remark(f"engine: Pulumi {version}, {'from ' + str(official) if official else 'built from Go modules'}")
    return installation


def engine_version(engine: Path) -> str | None:
    """The version that an engine tells, without its `v`; None where it cannot be run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [engine, "version"], capture_output=True, text=True, timeout=30, env=environment, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip().removeprefix("v") if answer.returncode == 0 else None


def _on_path(search_path: str, own: Path, version: str, report: Report) -> Path | None:
    """Folder of an engine of this version on PATH that has its own Python language host beside it."""
    for entry in search_path.split(os.pathsep):
        engine = Path(entry, ENGINE)
        if not entry or Path(entry).resolve() == own.resolve() or not os.access(engine, os.X_OK):
            continue
        home = engine.resolve().parent
        found = engine_version(engine)
        if found != version:
            report.remark(f"engine: {engine} is {found or 'broken'}, the pinned version is {version}; not used")
        elif not _holds(home, (LANGUAGE_HOST, PROGRAM_RUNNER)):
            report.remark(f"engine: {engine} has no {LANGUAGE_HOST} beside it; not used")
        else:
            return home
    return None


def _by_installer(
    folder: LocalFolder, version: str, report: Report, run: Callable[..., object] = subprocess.run
) -> Path | None:
    """Folder of an engine that Pulumi's official installer brought; None where it cannot be reached."""
    home = folder.path / "pulumi-engine"
    with report.task(f"Ask Pulumi's installer for version {version}") as task:
        task.update("a few seconds without a network", None)
        try:
            run(
                [sys.executable, "-c", INSTALLER, str(home), version],
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=INSTALLER_SECONDS,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            report.remark("engine: Pulumi's installer cannot be reached; building from Go modules instead")
            return None
    return home / "bin" if _holds(home / "bin", (ENGINE, LANGUAGE_HOST, PROGRAM_RUNNER)) else None


def _holds(folder: Path, names: Iterable[str]) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in names)


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _launcher(file: Path, module: str, arguments: list[str]) -> None:
    """Write a program that runs a module of this repository with this interpreter."""
    # -P: the engine starts plugins in a program's folder, whose modules must not hide ours.
    command = " ".join(f"'{part}'" for part in (sys.executable, "-P", "-m", module, *arguments))
    file.unlink(missing_ok=True)
    file.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    file.chmod(0o755)


def main() -> None:
    """Install the engine for this repository."""
    report = Report()
    try:
        install(LocalFolder(), report, os.environ.get("PATH", ""))
    except EngineError as error:
        report.console.print(f"[red]{error}[/]")
        sys.exit(1)
    except KeyboardInterrupt:
        report.console.print("stopped; run `make up` again to go on where it stopped")
        sys.exit(130)


if __name__ == "__main__":
    main()
