"""What is wrong in a file: every problem with its place, its line, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model.files.fields import Inconsistency

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file; `line` counts from 1, 0 where the file has no such line."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class FileError(Exception):
    """A file that cannot be used, with everything that is wrong in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def shown(path: Path) -> str:
    """A path as a person would type it: from the working directory, where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def dotted(location: Location) -> str:
    """A place in a file as messages name it."""
    return ".".join(str(part) for part in location)


def line_of(root: yaml.Node | None, location: Location) -> int:
    """Line of a value, or of the nearest part around it that the file states; 0 where there is none."""
    node, line = root, root.start_mark.line + 1 if root else 0
    for part in location:
        key_line, node = _child(node, part)
        if node is None:
            break
        line = key_line
    return line


def yaml_problem(error: yaml.YAMLError, file: str) -> Problem:
    """Where a text stops to be YAML, and why."""
    if isinstance(error, yaml.MarkedYAMLError):
        hint = "; quote a value that begins with {{" if "unhashable" in str(error.problem) else ""
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return Problem(file, line, "", f"not YAML: {error.problem}{hint}")
    return Problem(file, 0, "", f"not YAML: {' '.join(str(error).split())}")


def encoding_problem(error: UnicodeDecodeError, file: str) -> Problem:
    """A file that is not UTF-8."""
    return Problem(file, 0, "", f"is not UTF-8 text ({error.reason}); save it as UTF-8")


def problems_of(
    error: ValidationError, file: str, line: Callable[[Location], int], name: Callable[[Location], str] = dotted
) -> list[Problem]:
    """Everything that pydantic found wrong, in a reader's words; `line` and `name` tell a place's line and its field.

    A list whose entries are wrong also counts as too short; only where it is so in the file, that is told.
    """
    return [
        Problem(file, line(place), name(place), message)
        for details in error.errors(include_url=False)
        if not _follows_from_another(details)
        for place, message in _told(details)
    ]


def _follows_from_another(details: ErrorDetails) -> bool:
    return details["type"] == "too_short" and len(details["input"]) >= details.get("ctx", {})["min_length"]


def _told(details: ErrorDetails) -> list[tuple[Location, str]]:
    inconsistencies: list[Inconsistency] = details.get("ctx", {}).get("inconsistencies", [])
    if inconsistencies:
        return [((*details["loc"], *entry.location), entry.message) for entry in inconsistencies]
    # A mapping's key that breaks its own rule is reported under a marker that is no part of the file.
    return [(tuple(part for part in details["loc"] if part != "[key]"), _message(details))]


def _message(details: ErrorDetails) -> str:
    received: Any = details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"is no field of this file (value {received!r}); remove it or correct its spelling"
        case "string_type" if isinstance(received, int | float):
            return f"must be text, got the number {received!r}; quote it"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}, got {received!r}"
        case "too_short":
            return f"must have at least {context['min_length']} entry, got {received!r}; add one"
        case "value_error" | "inconsistent":
            return details["msg"].removeprefix("Value error, ")
        case _:
            rule = details["msg"][0].lower() + details["msg"][1:]
            return f"{rule}, got {received!r}"


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == str(part):
                return key_node.start_mark.line + 1, value_node
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark.line + 1, child
    return 0, None
