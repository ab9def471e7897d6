"""Values for a file's models, drawn from the models' own annotations, so that a new field is drawn without more ado."""

from __future__ import annotations

import datetime
import json
import types
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Strategy = st.SearchStrategy[Any]

FEW = 3
"""Entries of a list that states no maximum of its own."""

CONSTRAINTS = ("pattern", "min_length", "max_length", "ge", "gt", "le", "lt")


class UnknownTypeError(Exception):
    """A field's type that nothing here draws; a new kind of type is to be added to `Values.of_type`."""


@dataclass(frozen=True)
class Field:
    """One field of a model, as a file states it."""

    model: type[BaseModel]
    attribute: str
    info: FieldInfo
    annotation: Any

    @property
    def name(self) -> str:
        """Its name in a file."""
        alias = self.info.alias
        assert not isinstance(alias, AliasChoices)
        return alias or self.attribute

    @property
    def required(self) -> bool:
        return self.info.is_required()

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        """Models of the mappings that it holds, alone or in a list or map."""
        return tuple(_models(self.annotation))

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    plain, _ = unwrapped(annotation)
    if is_model(plain):
        yield plain
    for inner in get_args(plain):
        yield from _models(inner)


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, Field]:
    """A model's fields by their names in a file, with annotations as they are written."""
    hints = get_type_hints(model, include_extras=True)
    found = [Field(model, name, info, hints[name]) for name, info in model.model_fields.items()]
    return {each.name: each for each in found}


def unwrapped(annotation: Any) -> tuple[Any, dict[str, Any]]:
    """A type without `Annotated`, and its constraints by name."""
    found: dict[str, Any] = {}
    while get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        for each in metadata:
            for part in (each, *(each.metadata if isinstance(each, FieldInfo) else ())):
                stated = {name: getattr(part, name, None) for name in CONSTRAINTS}
                found.update({name: value for name, value in stated.items() if value is not None})
    return annotation, found


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union without None; the type itself where it is no union."""
    plain, _ = unwrapped(annotation)
    if get_origin(plain) in {Union, types.UnionType}:
        return tuple(each for each in get_args(plain) if each is not type(None))
    return (annotation,)


def allows_none(annotation: Any) -> bool:
    plain, _ = unwrapped(annotation)
    return get_origin(plain) in {Union, types.UnionType} and type(None) in get_args(plain)


def is_model(annotation: Any) -> bool:
    plain, _ = unwrapped(annotation)
    return isinstance(plain, type) and issubclass(plain, BaseModel)


def accepts(annotation: Any, value: Any) -> bool:
    """Whether a file's value is one of a type, by pydantic's own decision."""
    try:
        _adapter(annotation).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    if isinstance(annotation, Hashable):
        return _cached_adapter(annotation)
    return _new_adapter(annotation)


def _new_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=None if is_model(annotation) else ConfigDict(strict=True))


_cached_adapter = cache(_new_adapter)


@dataclass(frozen=True)
class Values:
    """Draws values.

    `pools` are strategies by type, for values that have to name something of their surroundings (an account, a Region);
    `fields` are strategies by model ("" for any) and field, for those that a type alone does not tell.
    """

    pools: Mapping[Any, Strategy] = field(default_factory=dict[Any, Strategy])
    fields: Mapping[tuple[str, str], Strategy] = field(default_factory=dict[tuple[str, str], Strategy])

    def of_model(self, model: type[BaseModel]) -> Strategy:
        """Mappings as a file states the model; rules between fields may be broken."""
        # What Hypothesis tries most comes first: files that state a lot.
        stated = st.sampled_from([True, False])
        fields = fields_of(model).items()

        def drawn(draw: Callable[[Strategy], Any]) -> dict[str, Any]:
            return {name: draw(self.of_field(each)) for name, each in fields if each.required or draw(stated)}

        return st.composite(drawn)()

    def of_field(self, each: Field) -> Strategy:
        """Values of one field; raises `UnknownTypeError` that names it."""
        stated = self.fields.get((each.model.__name__, each.name), self.fields.get(("", each.name)))
        if stated is not None:
            return stated
        try:
            return self.of_type(each.annotation)
        except UnknownTypeError as error:
            raise UnknownTypeError(f"{each}: {error}") from None

    def of_type(self, annotation: Any) -> Strategy:
        """Values of a type; raises `UnknownTypeError`."""
        if isinstance(annotation, Hashable) and annotation in self.pools:
            return self.pools[annotation]
        plain, limits = unwrapped(annotation)
        origin = get_origin(plain)
        if origin in {Union, types.UnionType}:
            return st.one_of([self.of_type(each) for each in alternatives(annotation)])
        if origin is tuple:
            return self._list(get_args(plain)[0], limits)
        if origin is dict:
            key, value = get_args(plain)
            return self._mapping(key, value, limits)
        if origin is Literal:
            return st.sampled_from(get_args(plain))
        if plain is bool:
            return st.booleans()
        if plain is int:
            return _integers(limits)
        if plain is str:
            return _texts(limits).filter(lambda value: accepts(annotation, value))
        if plain is datetime.date:
            return st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 1, 1)).map(str)
        if isinstance(plain, type) and issubclass(plain, StrEnum):
            return st.sampled_from([choice.value for choice in plain])
        if is_model(plain):
            return st.deferred(lambda: self.of_model(plain))
        raise UnknownTypeError(f"nothing draws values of {plain!r}; add the type to tests/model/files/{_HERE}")

    def _list(self, entry: Any, limits: Mapping[str, Any]) -> Strategy:
        # An empty list is as one that is left out; and what a list holds twice is refused nearly everywhere.
        least, most = limits.get("min_length", 1), limits.get("max_length", FEW)
        return st.lists(self.of_type(entry), min_size=least, max_size=max(least, min(most, FEW)), unique_by=_comparable)

    def _mapping(self, key: Any, value: Any, limits: Mapping[str, Any]) -> Strategy:
        least, most = limits.get("min_length", 0), limits.get("max_length", FEW)
        few = st.dictionaries(self.of_type(key), self.of_type(value), min_size=least, max_size=max(least, FEW))
        if most <= FEW:
            return few
        full = st.integers(min_value=FEW, max_value=most).map(
            lambda count: {f"key-{index}": "value" for index in range(count)}
        )
        return st.one_of(few, full.filter(lambda drawn: accepts(dict[key, value], drawn)))


_HERE = "generated_values.py"


def _integers(limits: Mapping[str, Any]) -> Strategy:
    least = limits.get("ge", limits["gt"] + 1 if "gt" in limits else None)
    most = limits.get("le", limits["lt"] - 1 if "lt" in limits else None)
    ends = [end for end in (least, most) if end is not None]
    drawn = st.integers(min_value=least, max_value=most)
    return st.one_of(st.sampled_from(ends), drawn) if ends else drawn


def _texts(limits: Mapping[str, Any]) -> Strategy:
    least, most = limits.get("min_length", 0), limits.get("max_length")
    if "pattern" in limits:
        # pydantic's `$` is the end of the text; Python's also comes before a last line's end.
        pattern = str(limits["pattern"]).removesuffix("$") + ("\\Z" if str(limits["pattern"]).endswith("$") else "")
        return st.from_regex(pattern, fullmatch=False).filter(lambda text: least <= len(text) <= (most or len(text)))
    return st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=least, max_size=most or 60)


def located(values: Any, field: str) -> tuple[tuple[str | int, ...], str]:
    """Where a field that an error names lies in values, and what of it is not there."""
    location: list[str | int] = []
    rest = field
    while rest:
        head, _, tail = rest.partition(".")
        if isinstance(values, dict):
            keys = [key for key in values if rest == key or rest.startswith(f"{key}.")]
            if not keys:
                break
            key = max(keys, key=len)
            tail = rest[len(key) + 1 :]
        elif isinstance(values, list) and head.isdigit() and int(head) < len(values):
            key = int(head)
        else:
            break
        location.append(key)
        values, rest = values[key], tail
    return tuple(location), rest


def model_at(model: type[BaseModel], values: Any, location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of the mapping at a place; None where no model describes it."""
    found = [each for each in alternatives(annotation_at(model, values, location)) if is_model(each)]
    return unwrapped(found[0])[0] if found else None


def annotation_at(model: type[BaseModel], values: Any, location: tuple[str | int, ...]) -> Any:
    """The type of a place of a file; raises `KeyError` for a field that is none."""
    annotation: Any = model
    for part in location:
        plain = next((each for each in alternatives(annotation) if _holds(each, part)), annotation)
        plain, _ = unwrapped(plain)
        if is_model(plain):
            annotation = fields_of(plain)[str(part)].annotation
        elif get_origin(plain) is tuple:
            annotation = get_args(plain)[0]
        else:
            annotation = get_args(plain)[1]
    return annotation


def _holds(annotation: Any, part: str | int) -> bool:
    plain, _ = unwrapped(annotation)
    if isinstance(part, int):
        return get_origin(plain) is tuple
    return get_origin(plain) is dict or (is_model(plain) and part in fields_of(plain))


def _comparable(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
