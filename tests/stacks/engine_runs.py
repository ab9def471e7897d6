"""The engine as a person runs it on a stack of the tests' copy."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

AT_ONCE = ("--yes", "--skip-preview")


def program(world: Any) -> str:
    """The engine."""
    found = shutil.which("pulumi", path=world.session.environment["PATH"])
    assert found is not None
    return found


def engine(world: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the engine on the copy's stacks as a person would, and answer what it said."""
    return subprocess.run(
        [program(world), *arguments, "--non-interactive", "--color", "never"],
        cwd=world.project,
        env=world.session.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def on_stack(world: Any, stack: str, *arguments: str, code: int = 0) -> str:
    """The same on one stack with its configuration; checks the exit code."""
    world.stacks.prepare(stack)
    done = engine(world, *arguments, "--stack", stack, "--config-file", str(world.stacks.configuration(stack)))
    assert done.returncode == code, done.stdout
    return done.stdout


def held_versions(world: Any, name: str) -> set[str]:
    """ARNs of all versions of own components and recipes that Image Builder holds and whose name holds a part."""
    builder = world.client("imagebuilder")
    lists = {"list_components": "componentVersionList", "list_image_recipes": "imageRecipeSummaryList"}
    arns = [
        entry["arn"]
        for operation, entries in lists.items()
        for page in builder.get_paginator(operation).paginate(owner="Self")
        for entry in page[entries]
    ]
    return {arn for arn in arns if name in arn}
