"""Single corruptions of a file that is right, found by walking its values along the models."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel

from model.files.problems import Location, dotted
from tests.model.files.generated_values import (
    accepts,
    allows_none,
    alternatives,
    fields_of,
    is_model,
    unwrapped,
)

WRONG: tuple[Any, ...] = ("", " ", "no\nsuch", 5, -1, 1.5, True, None, [], [[]], {}, {"no": "such"})
"""Values of every type, tried where they are not the field's own."""

UNKNOWN = "noSuchField"


@dataclass(frozen=True)
class Corruption:
    """One change of a file's values, and the field that an error has to name."""

    kind: str
    location: Location
    values: Any

    @property
    def field(self) -> str:
        return dotted(self.location)


def corruptions(model: type[BaseModel], values: dict[str, Any]) -> Iterator[Corruption]:
    """Every corruption of single values that breaks the type, the range, the length or the pattern of a field."""

    def changed(location: Location, change: Callable[[Any], None]) -> Any:
        copied: Any = copy.deepcopy(values)
        holder = copied
        for part in location[:-1]:
            holder = holder[part]
        change(holder)
        return copied

    def replaced(location: Location, value: Any) -> Any:
        def put(holder: Any) -> None:
            holder[location[-1]] = value

        return changed(location, put)

    for location, annotation, required in _places(model, values):
        last = location[-1]
        if required:
            yield Corruption("missing", location, changed(location, lambda holder, last=last: holder.pop(last)))
        yield from (Corruption(kind, location, replaced(location, value)) for kind, value in _wrong_values(annotation))
        if any(is_model(each) for each in alternatives(annotation)):
            inside = (*location, UNKNOWN)
            yield Corruption("unknown", inside, replaced(inside, "value"))
    yield Corruption("unknown", (UNKNOWN,), {**values, UNKNOWN: 1})


def _places(
    annotation: Any, value: Any, location: Location = (), required: bool = False
) -> Iterator[tuple[Location, Any, bool]]:
    """Everything that a file states: where, its type, and whether it may be left out."""
    if location:
        yield location, annotation, required
    plain, _ = unwrapped(next((each for each in alternatives(annotation) if accepts_kind(each, value)), annotation))
    if is_model(plain) and isinstance(value, dict):
        for name, each in fields_of(plain).items():
            if name in value:
                yield from _places(each.annotation, value[name], (*location, name), each.required)
    elif get_origin(plain) is tuple and isinstance(value, list):
        for index, entry in enumerate(cast("list[Any]", value)):
            yield from _places(get_args(plain)[0], entry, (*location, index))
    elif get_origin(plain) is dict and isinstance(value, dict):
        for key, entry in cast("dict[str, Any]", value).items():
            yield from _places(get_args(plain)[1], entry, (*location, key))


def accepts_kind(annotation: Any, value: Any) -> bool:
    """Whether a value is a mapping, a list or a single value as a type wants it."""
    plain, _ = unwrapped(annotation)
    if isinstance(value, dict):
        return is_model(plain) or get_origin(plain) is dict
    return isinstance(value, list) == (get_origin(plain) is tuple)


def _wrong_values(annotation: Any) -> Iterator[tuple[str, Any]]:
    for value in WRONG:
        # A mapping's own fields are told one by one, and nothing is a list or mapping that may be left out.
        whole = isinstance(value, dict) and any(accepts_kind(each, value) for each in alternatives(annotation))
        if not whole and not (value is None and allows_none(annotation)) and not accepts(annotation, value):
            yield "type", value
    for each in alternatives(annotation):
        plain, limits = unwrapped(each)
        if plain is int:
            yield from (("range", limits[name] - 1) for name in ("ge",) if name in limits)
            yield from (("range", limits[name] + 1) for name in ("le",) if name in limits)
        elif plain is str and "max_length" in limits:
            yield "length", "a" * (limits["max_length"] + 1)
        elif get_origin(plain) is Literal or (isinstance(plain, type) and issubclass(plain, StrEnum)):
            yield "choice", "no-such-choice"
        elif get_origin(plain) is dict and "max_length" in limits:
            yield "length", {f"key{index}": "" for index in range(limits["max_length"] + 1)}
