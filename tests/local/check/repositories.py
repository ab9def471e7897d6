"""The project as a git repository of its own, with one product, for commands that compare commits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from local.environment import REPOSITORY
from local.program_copy import borrow
from tests.ci.pipelines import shell_of

OTHERS = ("hardened-linux", "hardened-windows", "payroll")
BORROWED = ("engine", "layer", "pulumi-engine", "venv")
"""Not `bin`: its launchers name the Python of the folder that they were made for."""


def git(repository: Path, *arguments: str) -> str:
    """What git says."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(["git", *identity, *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout


def made_repository(folder: Path) -> Path:
    """A repository whose first commit, main, is the base; environment and engine are borrowed."""
    listed = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        if (REPOSITORY / name).is_file() and not name.startswith("tests/"):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target)
    for other in OTHERS:
        (folder / "stacks" / f"Pulumi.{other}.yaml").unlink()
    borrow(folder, BORROWED)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=base")
    return folder


def bare_environment(**further: str) -> dict[str, str]:
    """The environment of a machine without credentials."""
    foreign = ("AWS_", "PULUMI_", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | further


def run(pipeline: Path, command: str, repository: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command of a pipeline file as its system does; its exit code, and all that it said."""
    done = subprocess.run(
        [*shell_of(pipeline), command], cwd=repository, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def exit_code_of(said: str) -> int:
    """The exit code of the command that make ran: make itself ends with 2 for all but 0."""
    found = re.search(r"^make: \*\*\* \[.*\] Error (\d+)$", said, re.M)
    return int(found[1]) if found else 0


def edit(file: Path, pattern: str, replacement: str) -> None:
    """Change a file, which must make a difference."""
    text = file.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, flags=re.S)
    assert changed != text
    file.write_text(changed, encoding="utf-8")
