"""Reading a file of the sample: whatever the spelling of its keys, with the place of everything that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from model.files.problems import FileError, Location, Problem, dotted, encoding_problem, line_of, problems_of, shown
from model.files.sample.configuration import FREE_KEYS, folded, known_keys

Model = TypeVar("Model", bound=BaseModel)

SIZE_MAXIMUM = 1024 * 1024
"""Bytes of a configuration; the sample's own has two thousand."""


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the file: a key may be there twice."""


@dataclass(frozen=True)
class SampleFile:
    """A JSON file of the sample: its values under the keys as our models spell them, and how the file spells them."""

    name: str
    values: Any
    root: yaml.Node | None
    spelled: Mapping[Location, str | int]
    """The last part of each place as the file has it."""

    @classmethod
    def read(cls, path: Path) -> SampleFile:
        """Read a file; raises `FileError` where it is missing, no JSON, or states a key twice."""
        name = shown(path)
        try:
            content = path.read_bytes()
            if len(content) > SIZE_MAXIMUM:
                raise _error(name, f"has {len(content)} bytes, more than {SIZE_MAXIMUM}; it is no configuration")
            return cls.parse(content.decode("utf-8-sig"), name)
        except OSError as error:
            raise _error(name, f"cannot be read: {error.strerror}; correct the path") from None
        except UnicodeDecodeError as error:
            raise FileError([encoding_problem(error, name)]) from None

    @classmethod
    def parse(cls, text: str, name: str) -> SampleFile:
        """Read a file's text; raises `FileError` where it is no JSON, or states a key twice."""
        try:
            content = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise FileError(
                [Problem(name, error.lineno, "", f"not JSON: {error.msg} (column {error.colno})")]
            ) from None
        except ValueError as error:
            raise _error(name, f"not JSON: {error}") from None
        except RecursionError:
            raise _error(name, "is nested too deeply; it is no configuration") from None
        reader = _Reader(name, _lines(text))
        values = reader.respelled(content, ())
        if reader.problems:
            raise FileError(reader.problems)
        return cls(name, values, reader.root, reader.spelled)

    def validate(self, model: type[Model]) -> Model:
        """The values as a model; raises `FileError` with all that is wrong."""
        try:
            return model.model_validate_json(json.dumps(self.values))
        except ValidationError as error:
            raise FileError(problems_of(error, self.name, self.line, self.field)) from None

    def place(self, location: Location) -> Location:
        """A place as the file spells it."""
        return tuple(self.spelled.get(location[: end + 1], part) for end, part in enumerate(location))

    def line(self, location: Location) -> int:
        """Line of a value, or of the nearest part around it."""
        return line_of(self.root, self.place(location))

    def field(self, location: Location) -> str:
        """A place as messages name it, in the file's spelling."""
        return dotted(self.place(location))

    def stated(self, location: Location) -> Any:
        """The value at a place; None where the file has none."""
        value: Any = self.values
        for part in location:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def problem(self, location: Location, message: str) -> Problem:
        """What is wrong at a place."""
        return Problem(self.name, self.line(location), self.field(location), message)


class _Reader:
    """Writes keys as the models spell them, and gathers what is stated twice or is no text."""

    def __init__(self, name: str, root: yaml.Node | None) -> None:
        self.name = name
        self.root = root
        self.spelled: dict[Location, str | int] = {}
        self.problems: list[Problem] = []
        self._known = known_keys()

    def respelled(self, value: Any, place: Location, free: bool = False) -> Any:
        if isinstance(value, _Pairs):
            return self._mapping(value, place, free)
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            return [self.respelled(entry, (*place, index), free) for index, entry in enumerate(entries)]
        if isinstance(value, str) and not _is_text(value):
            self._add(place, f"is no text: it holds half a character ({value!a}); correct it")
        return value

    def _mapping(self, pairs: _Pairs, place: Location, free: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for stated, value in pairs:
            key = stated if free else self._known.get(folded(stated), stated)
            key = key if _is_text(key) else ascii(key)
            where = (*place, key)
            if key in found:
                first = self.spelled[where]
                how = "" if first == stated else f" ({first} and {stated})"
                self._add(where, f"is stated twice{how}; keep one")
                continue
            self.spelled[where] = stated if _is_text(stated) else key
            found[key] = self.respelled(value, where, free or key in FREE_KEYS)
        return found

    def _add(self, place: Location, message: str) -> None:
        where = tuple(self.spelled.get(place[: end + 1], part) for end, part in enumerate(place))
        self.problems.append(Problem(self.name, line_of(self.root, where), dotted(where), message))


def _lines(text: str) -> yaml.Node | None:
    """Where everything stands: JSON is YAML but for tabs between its parts, which no text of it holds."""
    try:
        return yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON")


def _error(name: str, message: str) -> FileError:
    return FileError([Problem(name, 0, "", message)])
