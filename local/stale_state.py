"""Noticing that the stacks' state describes a cloud that is gone.

The cloud keeps its accounts in memory, the engine its state on disk. State of an earlier run would make every update
fail on resources that are nowhere.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from local.environment import LocalFolder
from local.progress import Report


def settle(folder: LocalFolder, run: str, report: Report) -> bool:
    """Start the state over where it belongs to another run of the cloud, and note this run; tells whether it did."""
    note = _note(folder)
    before = note.read_text(encoding="utf-8") if note.exists() else ""
    stale = before != run and bool(folder.stack_states)
    if stale:
        names = ", ".join(file.stem for file in folder.stack_states)
        report.remark(f"the local cloud was started anew and its accounts are empty: state of {names} is started over")
        shutil.rmtree(folder.state)
        shutil.rmtree(folder.stacks, ignore_errors=True)
    folder.state.mkdir(parents=True, exist_ok=True)
    note.write_text(run, encoding="utf-8")
    return stale


def _note(folder: LocalFolder) -> Path:
    return folder.state / "cloud-run"
