"""What can be said about a PowerShell script without PowerShell.

No PowerShell runs here, so a script is *checked, not executed*: its quotes, here-strings, brackets and comments close;
it does not end in an `exit` or `throw` that stands outside any block, which every run would reach; the scripts it
calls beside itself exist and pass the same check; and where it compares SHA-256 digests of files with a list of them,
the list is compared here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.manifest_check import check_digests

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CALL = re.compile(
    r"""^\s*(?:&|\.)\s+["']?(?P<path>(?:\.\\|[A-Za-z]:\\)[^"'\r\n|;]+?\.ps1)["']?(?:\s|$)""", re.MULTILINE | re.I
)
_LOCATION = re.compile(
    r"""^\s*(?:Set-Location|cd|Push-Location)\s+["']?(?P<path>[A-Za-z]:\\[^"'\r\n;]*)""", re.MULTILINE | re.I
)
_LIST = re.compile(r"""\bGet-Content\s+(?:-(?:Literal)?Path\s+)?["']?(?P<path>[\w.\\:-]+)""", re.I)
_EXIT = re.compile(r"exit(?:\s+(-?\d+))?\s*(?:[;\r\n]|$)", re.I)
_THROW = re.compile(r"throw\b[ \t]*(.*)", re.I)
_DEPTH = 5


class ScriptError(ValueError):
    """A script cannot run, or surely fails."""


@dataclass(frozen=True)
class _Skeleton:
    """A script with the content of strings and comments blanked, and the bracket depth at each character."""

    text: str
    depth: tuple[int, ...]


@dataclass
class Checked:
    """What was looked at: `findings` for the log, `lines` that PowerShell would have run."""

    findings: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])


def check(script: str, machine: Machine, directory: str, name: str, level: int = 0) -> Checked:
    """Check a script as the module says; `directory` is where it runs.

    Returns:
        What was checked, the scripts that it calls included.

    Raises:
        ScriptError: The script does not parse, calls a script that is not there, surely exits with another code than
            0, or lists digests that the files do not have.
    """
    skeleton = _skeleton(script, name)
    checked = Checked([f"{name}: quotes and brackets checked"])
    checked.lines += [f"{name}: {line.strip()}" for line in script.splitlines() if line.strip()]
    for match in _LOCATION.finditer(script):
        directory = match["path"].strip()
    checked.findings += _digests(script, skeleton, machine, directory)
    for match in _CALL.finditer(script):
        called = _called(match["path"], machine, directory, level)
        checked.findings += called.findings
        checked.lines += called.lines
    _sure_end(script, skeleton, name)
    return checked


def _called(path: str, machine: Machine, directory: str, level: int) -> Checked:
    whole = str(PureWindowsPath(directory) / path)
    place = machine.path(whole)
    if not place.is_file():
        raise ScriptError(
            f"The term '{path}' is not recognized as a name of a cmdlet, function, script file, or executable program."
        )
    if level >= _DEPTH:
        return Checked([f"{path}: not looked into, it is called {level} scripts deep"])
    text = place.read_text(encoding="utf-8-sig", errors="replace")
    return check(text, machine, str(PureWindowsPath(whole).parent), path, level + 1)


def _digests(script: str, skeleton: _Skeleton, machine: Machine, directory: str) -> list[str]:
    if "get-filehash" not in skeleton.text.lower():
        return []
    found: list[str] = []
    for match in _LIST.finditer(script):
        place = machine.path(str(PureWindowsPath(directory) / match["path"]))
        if not place.is_file():
            raise ScriptError(
                f"Cannot find path '{PureWindowsPath(directory) / match['path']}' because it does not exist."
            )
        wrong, count = check_digests(place, _folder(machine, directory))
        if wrong:
            raise ScriptError(f"{wrong[0]} does not match the manifest")
        found.append(f"{match['path']}: SHA-256 of {count} files compared by the local cloud")
    return found


def _folder(machine: Machine, directory: str) -> Path:
    return machine.path(directory)


def _sure_end(script: str, skeleton: _Skeleton, name: str) -> None:
    offset = 0
    for line in skeleton.text.splitlines(keepends=True):
        start = offset + len(line) - len(line.lstrip())
        offset += len(line)
        if start >= len(script) or skeleton.depth[start] > 0:
            continue
        ending = _EXIT.match(skeleton.text, start)
        if ending:
            code = int(ending[1] or 0)
            if code:
                raise ScriptError(f"{name}: exit code {code}")
            return
        thrown = _THROW.match(script, start)
        if thrown and skeleton.text[start : start + 5].lower() == "throw":
            raise ScriptError(f"{name}: {thrown[1].strip().strip(chr(34)).strip(chr(39)) or 'ScriptHalted'}")


def _skeleton(script: str, name: str) -> _Skeleton:
    kept: list[str] = []
    depths: list[int] = []
    open_brackets: list[tuple[str, int]] = []
    place = 0
    while place < len(script):
        end = _literal_end(script, place, name)
        if end > place:
            blank = [character if character == "\n" else " " for character in script[place:end]]
        elif script[place] == "`":
            blank = [" "] * len(script[place : place + 2])
        else:
            blank = [script[place]]
            _bracket(script, place, open_brackets, name)
        kept += blank
        depths += [len(open_brackets)] * len(blank)
        place += len(blank)
    if open_brackets:
        bracket, where = open_brackets[-1]
        raise ScriptError(f"{name}:{_line(script, where)}: Missing closing '{_OPENING[bracket]}' of '{bracket}'.")
    return _Skeleton("".join(kept), tuple(depths))


def _bracket(script: str, place: int, open_brackets: list[tuple[str, int]], name: str) -> None:
    character = script[place]
    if character in _OPENING:
        open_brackets.append((character, place))
    elif character in _OPENING.values():
        if not open_brackets or _OPENING[open_brackets[-1][0]] != character:
            raise ScriptError(
                f"{name}:{_line(script, place)}: Unexpected token '{character}' in expression or statement."
            )
        open_brackets.pop()


def _literal_end(script: str, place: int, name: str) -> int:
    """Where the string or comment that begins here ends; the place itself where none begins."""
    here_string = re.compile(r"@(['\"])[ \t]*\r?\n").match(script, place)
    if here_string:
        quote = here_string[1]
        close = re.compile(rf"^{quote}@", re.MULTILINE).search(script, here_string.end())
        if close is None:
            raise ScriptError(f"{name}:{_line(script, place)}: The string is missing the terminator: {quote}@.")
        return close.end()
    if script.startswith("<#", place):
        close_at = script.find("#>", place)
        if close_at < 0:
            raise ScriptError(f"{name}:{_line(script, place)}: The comment is missing the terminator: #>.")
        return close_at + 2
    character = script[place]
    if character == "#" and (place == 0 or script[place - 1] in " \t\r\n;({"):
        newline = script.find("\n", place)
        return len(script) if newline < 0 else newline
    if character in "'\"":
        return _string_end(script, place, name)
    return place


def _string_end(script: str, place: int, name: str) -> int:
    quote = script[place]
    index = place + 1
    while index < len(script):
        if script[index] == "`" and quote == '"':
            index += 2
        elif script[index] == quote:
            if script[index + 1 : index + 2] != quote:
                return index + 1
            index += 2
        else:
            index += 1
    raise ScriptError(f"{name}:{_line(script, place)}: The string is missing the terminator: {quote}.")


def _line(script: str, place: int) -> int:
    return script.count("\n", 0, place) + 1
