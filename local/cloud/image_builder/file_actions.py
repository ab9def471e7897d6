"""AWSTOE's actions on files and folders.

Source: Image Builder User Guide, "File system operation modules".
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from local.cloud.image_builder.machine import FileError
from local.cloud.image_builder.workbench import ActionError, Workbench, entries, flag, text


def create_file(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`CreateFile`: `overwrite` defaults to true."""
    for entry in entries(inputs):
        path = _target(bench, text(entry, "path"))
        if path.exists() and not flag(entry, "overwrite", True):
            raise ActionError(f"'{entry['path']}' exists and overwrite is false")
        path.write_text(str(entry.get("content", "")), encoding="utf-8")
        _permissions(path, entry)
    return ""


def append_file(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`AppendFile`: makes the file where it is missing."""
    for entry in entries(inputs):
        path = _target(bench, text(entry, "path"))
        with path.open("a", encoding="utf-8") as file:
            file.write(str(entry.get("content", "")))
        _permissions(path, entry)
    return ""


def create_folder(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`CreateFolder`: with `overwrite` an existing folder is emptied; without it, it is an error."""
    for entry in entries(inputs):
        path = bench.machine.path(text(entry, "path"), write=True)
        if path.exists():
            if not flag(entry, "overwrite"):
                raise ActionError(f"'{entry['path']}' exists and overwrite is false")
            shutil.rmtree(path)
        path.mkdir(parents=True)
        _permissions(path, entry)
    return ""


def create_symlink(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`CreateSymlink`: `path` is the link, `target` what it points to."""
    for entry in entries(inputs):
        path = bench.machine.path(text(entry, "path"), write=True, follow=False)
        if path.is_symlink() and flag(entry, "force"):
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(text(entry, "target"))
    return ""


def delete_file(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`DeleteFile`: a missing file is an error; a `*` at the end stands for the names that begin so."""
    for entry in entries(inputs):
        name = text(entry, "path")
        for path in _matching(bench, name):
            path.unlink()
    return ""


def delete_folder(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`DeleteFolder`: without `force` only an empty folder."""
    for entry in entries(inputs):
        path = bench.machine.path(text(entry, "path"), write=True)
        if not path.is_dir():
            raise ActionError(f"'{entry['path']}' is not a folder")
        if any(path.iterdir()) and not flag(entry, "force"):
            raise ActionError(f"'{entry['path']}' is not empty and force is false")
        shutil.rmtree(path)
    return ""


def copy_files(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`CopyFile` and `CopyFolder`."""
    for entry in entries(inputs):
        for source, target in _pairs(bench, entry):
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target)
    return ""


def move_files(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`MoveFile` and `MoveFolder`."""
    for entry in entries(inputs):
        for source, target in _pairs(bench, entry):
            shutil.move(source, target)
    return ""


def read_file(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`ReadFile`: the content becomes the step's output."""
    return "".join(
        bench.machine.path(text(entry, "path")).read_text(encoding="utf-8", errors="replace")
        for entry in entries(inputs)
    )


def list_files(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`ListFiles`: one name a line."""
    names: list[str] = []
    for entry in entries(inputs):
        folder = bench.machine.path(text(entry, "path"))
        names += sorted(path.name for path in folder.iterdir() if path.is_file())
    return "\n".join(names)


def set_permissions(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`SetFilePermissions` and `SetFolderPermissions`; folders with all they hold where `recursive` says so."""
    for entry in entries(inputs):
        path = bench.machine.path(text(entry, "path"), write=True)
        if not path.exists():
            raise ActionError(f"'{entry['path']}' does not exist")
        mode = _mode(entry)
        for each in [path, *(path.rglob("*") if flag(entry, "recursive") else ())]:
            if not each.is_symlink():
                each.chmod(mode)
    return ""


def set_owner(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`SetFileOwner` and `SetFolderOwner`: recorded, the sandbox knows one user only."""
    for entry in entries(inputs):
        name = text(entry, "path")
        if not bench.machine.path(name).exists():
            raise ActionError(f"'{name}' does not exist")
        bench.record(f"owner of {name} to {text(entry, 'owner')}:{entry.get('group', '')}")
    return ""


def _target(bench: Workbench, name: str) -> Path:
    path = bench.machine.path(name, write=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _matching(bench: Workbench, name: str) -> Iterable[Path]:
    if not name.endswith("*"):
        path = bench.machine.path(name, write=True, follow=False)
        if not path.is_file() and not path.is_symlink():
            raise ActionError(f"'{name}' is not a file")
        return [path]
    # A letter in place of the star keeps the last part of the name a name.
    place = bench.machine.path(f"{name.removesuffix('*')}_", write=True)
    prefix = place.name.removesuffix("_")
    return [path for path in place.parent.iterdir() if path.name.startswith(prefix) and path.is_file()]


def _pairs(bench: Workbench, entry: dict[str, Any]) -> Iterable[tuple[Path, Path]]:
    name, goal = text(entry, "source"), text(entry, "destination")
    source = bench.machine.path(name.rstrip("*"))
    if not source.exists():
        raise ActionError(f"'{name}' does not exist")
    target = _target(bench, goal)
    if name.endswith("*"):
        target.mkdir(parents=True, exist_ok=True)
        return [(path, target / path.name) for path in sorted(source.iterdir())]
    if target.is_dir() and source.is_file():
        return [(source, target / source.name)]
    if target.exists() and not flag(entry, "overwrite", True):
        raise ActionError(f"'{goal}' exists and overwrite is false")
    return [(source, target)]


def _permissions(path: Path, entry: dict[str, Any]) -> None:
    if "permissions" in entry:
        path.chmod(_mode(entry))


def _mode(entry: dict[str, Any]) -> int:
    value = str(entry.get("permissions", ""))
    try:
        return int(value, 8)
    except ValueError as error:
        raise ActionError(f"the input 'permissions' must be octal, such as 0755, not {value!r}") from error


FILE_ERRORS = (FileError, OSError, UnicodeError)
"""What the operating system may raise below these actions; the step then fails with its words."""
