"""Previews against AWS: with the credentials and the backend of the environment, and nothing written to either."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from commands.project import CommandError
from local.check.engine_runs import Command
from local.environment import LocalFolder
from local.stacks import PLAIN


def live_commands(project: Path, folder: LocalFolder, stacks: tuple[str, ...]) -> list[Command]:
    """A preview of each stack that the backend has; raises `CommandError` where it cannot be asked."""
    engine = _engine(folder)
    asked = subprocess.run(
        [engine, "stack", "ls", "--json", "--non-interactive"], cwd=project, capture_output=True, text=True
    )
    if asked.returncode:
        raise CommandError(f"the backend cannot be asked for its stacks: {asked.stderr.strip()}")
    known = {str(stack["name"]).rpartition("/")[2] for stack in json.loads(asked.stdout)}
    folder.stacks.mkdir(parents=True, exist_ok=True)
    return [_command(engine, project, folder, stack) for stack in stacks if stack in known]


def _command(engine: str, project: Path, folder: LocalFolder, stack: str) -> Command:
    # The engine may write to the file of a stack that it works on.
    copy = folder.stacks / f"Pulumi.{stack}.yaml"
    shutil.copyfile(project / "stacks" / copy.name, copy)
    arguments = (engine, "preview", "--stack", stack, "--config-file", str(copy), *PLAIN, "--non-interactive")
    return Command(stack, (*arguments, "--policy-pack", str(project / "policies")), dict(os.environ), project)


def _engine(folder: LocalFolder) -> str:
    found = shutil.which("pulumi") or shutil.which("pulumi", path=str(folder.programs))
    if found is None:
        raise CommandError("there is no `pulumi` on PATH; install it, or run `make engine`")
    return found
