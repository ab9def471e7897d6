"""What AWSTOE's actions take: systems and inputs (Image Builder User Guide, "Action modules supported by AWSTOE").

A wrong input may only show on the build instance, many minutes after Image Builder took the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from model.files.fields import Inconsistency
from model.files.operating_system import OperatingSystem

LINUX = frozenset({OperatingSystem.LINUX})
WINDOWS = frozenset({OperatingSystem.WINDOWS})
BOTH = LINUX | WINDOWS


@dataclass(frozen=True)
class Action:
    """Inputs of one action: `several` where they are a list, `open_ended` where not all keys are known here."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    several: bool = False
    systems: frozenset[OperatingSystem] = BOTH
    open_ended: bool = False


_OWNED = ("owner", "group", "permissions")

ACTIONS: Mapping[str, Action] = {
    "AppendFile": Action(("path",), ("content", "encoding", "file-encoding"), several=True),
    "Assert": Action(open_ended=True),
    "CopyFile": Action(("source", "destination"), ("overwrite",), several=True),
    "CopyFolder": Action(("source", "destination"), ("overwrite",), several=True),
    "CreateFile": Action(("path",), ("content", "encoding", "file-encoding", *_OWNED, "overwrite"), several=True),
    "CreateFolder": Action(("path",), (*_OWNED, "overwrite"), several=True),
    "CreateSymlink": Action(("path", "target"), ("force",), several=True),
    "DeleteFile": Action(("path",), several=True),
    "DeleteFolder": Action(("path",), ("force",), several=True),
    "ExecuteBash": Action(one_of=("commands", "file"), systems=LINUX),
    "ExecuteBinary": Action(("path",), ("arguments",)),
    "ExecuteDocument": Action(("document",), open_ended=True),
    "ExecutePowerShell": Action(one_of=("commands", "file"), systems=WINDOWS),
    "InstallMSI": Action(("path",), systems=WINDOWS, open_ended=True),
    "ListFiles": Action(("path",), ("fileEntriesToExclude", "recurse"), several=True),
    "MoveFile": Action(("source", "destination"), ("overwrite",), several=True),
    "MoveFolder": Action(("source", "destination"), ("overwrite",), several=True),
    "ReadFile": Action(("path",), ("encoding", "file-encoding"), several=True),
    "Reboot": Action((), ("delaySeconds",)),
    "S3Download": Action(("source", "destination"), ("expectedBucketOwner", "overwrite"), several=True),
    "S3Upload": Action(("source", "destination"), ("recurse", "expectedBucketOwner"), several=True),
    "SetFileEncoding": Action(("path",), ("encoding", "file-encoding"), several=True),
    "SetFileOwner": Action(("path", "owner"), ("group",), several=True, systems=LINUX),
    "SetFilePermissions": Action(("path", "permissions"), several=True, systems=LINUX),
    "SetFolderOwner": Action(("path", "owner"), ("group", "recursive"), several=True, systems=LINUX),
    "SetFolderPermissions": Action(("path", "permissions"), ("recursive",), several=True, systems=LINUX),
    "SetRegistry": Action(("path", "name", "value", "type"), several=True, systems=WINDOWS),
    "UninstallMSI": Action(("path",), systems=WINDOWS, open_ended=True),
    "UpdateOS": Action((), ("include", "exclude")),
    "WebDownload": Action(
        ("source", "destination"), ("overwrite", "checksum", "algorithm", "ignoreCertificateErrors"), several=True
    ),
}
"""All actions by name."""


def input_problems(name: str, inputs: Any) -> Iterator[Inconsistency]:
    """What is wrong with an action's inputs, each with its place below `inputs`."""
    action = ACTIONS[name]
    if inputs is None or inputs == {} or inputs == []:
        if action.required or action.one_of or action.open_ended:
            needed = ", ".join(action.required) or " or ".join(action.one_of) or "a comparison"
            yield Inconsistency((), f"action {name} needs {needed}; add it")
        return
    if action.several:
        if not isinstance(inputs, list):
            yield Inconsistency((), f"action {name} takes a list of entries, got {inputs!r}; put `- ` before the entry")
            return
        for index, entry in enumerate(cast("list[Any]", inputs)):
            yield from _entry_problems(name, action, entry, (index,))
    elif not (action.open_ended and isinstance(inputs, list)):
        yield from _entry_problems(name, action, inputs, ())


def _entry_problems(name: str, action: Action, entry: Any, place: tuple[int, ...]) -> Iterator[Inconsistency]:
    if not isinstance(entry, dict):
        yield Inconsistency(place, f"action {name} takes a mapping here, got {entry!r}")
        return
    given = cast("dict[str, Any]", entry)
    for key in action.required:
        if given.get(key) is None:
            yield Inconsistency((*place, key), f"is missing: action {name} needs it; add it")
    if action.one_of and sum(given.get(key) is not None for key in action.one_of) != 1:
        yield Inconsistency(place, f"action {name} needs exactly one of {' and '.join(action.one_of)}")
    known = (*action.required, *action.optional, *action.one_of)
    for key, value in given.items():
        if key not in known and not action.open_ended:
            message = f"is no input of action {name} ({', '.join(known)}); remove it or correct its spelling"
            yield Inconsistency((*place, key), message)
        if key in {"commands", "arguments"}:
            yield from _list_problems(value, (*place, key))


def _list_problems(value: Any, place: tuple[str | int, ...]) -> Iterator[Inconsistency]:
    if not isinstance(value, list) or not value:
        yield Inconsistency(place, f"must be a list that is not empty, got {value!r}")
        return
    for index, entry in enumerate(cast("list[Any]", value)):
        if isinstance(entry, dict):
            # `- echo: x` or `- {{ Name }}` without quotes: YAML reads a mapping.
            yield Inconsistency((*place, index), f"must be text, got the mapping {entry!r}; quote the whole line")
