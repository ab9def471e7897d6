"""Copies of the program, for stacks whose files are changed and for commits other than the one that is here."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from local.environment import REPOSITORY, LocalFolder

PROGRAM = (
    "Pulumi.yaml",
    "__main__.py",
    "components",
    "model",
    "policies",
    "requirements-functions.txt",
    "runtime",
    "stacks",
)
"""What a stack's program is made of."""


def copied_program(copy: Path) -> Path:
    """A copy of the program with its own ignored folder, which borrows environment and engine from the work tree's."""
    copy.mkdir(exist_ok=True)
    for name in PROGRAM:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    borrow(copy, ("venv", "bin", "layer"))
    return copy


def borrow(copy: Path, names: Iterable[str]) -> None:
    """Give a copy an ignored folder in which some of the work tree's are linked, as far as they are there."""
    own, shared = LocalFolder(copy / ".local").path, LocalFolder().path
    own.mkdir()
    for name in names:
        if (shared / name).exists():
            (own / name).symlink_to(shared / name)
