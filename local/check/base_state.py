"""A local cloud in the state of the commit that a change is compared with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands.project import CommandError, git
from local.cloud_process import CloudProcess, Record, free_port
from local.environment import LocalFolder
from local.program_copy import borrow
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import Stacks
from local.start import prepared
from model.files.loading import LANDING_ZONE_STACK
from model.files.problems import FileError

LAYER_REQUIREMENTS = "requirements-functions.txt"
LAYER = "layer"


@dataclass(frozen=True)
class BaseTree:
    """The files of a commit in a work tree of their own, which borrows this one's environment and engine."""

    project: Path
    tree: Path

    def check_out(self, commit: str) -> None:
        """Put the commit's files there; raises `CommandError` in git's words."""
        self.remove()
        git(self.project, "worktree", "add", "--detach", "--force", str(self.tree), commit)
        same = _text(self.tree / LAYER_REQUIREMENTS) == _text(self.project / LAYER_REQUIREMENTS)
        borrow(self.tree, ("venv", "bin", LAYER) if same else ("venv", "bin"))
        if not same:
            self._make_layer()

    def remove(self) -> None:
        """Take the work tree away, also one that an interrupted check has left."""
        if self.tree.exists():
            shutil.rmtree(self.tree)
        git(self.project, "worktree", "prune")

    def _make_layer(self) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "commands.function_layer"], cwd=self.tree, capture_output=True, text=True
        )
        if made.returncode:
            raise CommandError(f"the functions' layer of the base cannot be made: {made.stderr.strip()}")


@contextmanager
def base_cloud(folder: LocalFolder, report: Report) -> Generator[Record]:
    """A cloud of the check's own on a free port, with nothing in it; it ends with the check."""
    for left in (folder.state, folder.stacks, folder.cloud):
        if left.exists():
            shutil.rmtree(left)
    cloud = CloudProcess(folder.cloud, free_port())
    record = cloud.start(report)
    try:
        yield record
    finally:
        cloud.stop()


def deploy_base(tree: BaseTree, folder: LocalFolder, record: Record, report: Report, stacks: tuple[str, ...]) -> None:
    """Deploy stacks as the base has them, the landing zone first; those that it does not have are new.

    The base is not judged: what breaks a rule there is no matter of the change.
    Raises `CommandError` where its files cannot be read by this change's model, and `StackError`.
    """
    try:
        files = StackFiles.read(tree.tree)
    except FileError as error:
        raise CommandError(
            "the base's files cannot be read by this change's program, so that nothing can be compared with them; "
            f"let the program read the files as they were, too:\n{error}"
        ) from None
    session = prepared(folder, record, report, files)
    base = Stacks(folder, session.environment, report, tree.tree, judged=False)
    for stack in (LANDING_ZONE_STACK, *(name for name in stacks if name in files.products)):
        base.up(stack)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
