"""Pulumi's properties to botocore's shapes and back.

Names meet when they are equal without case (`kmsKeyId`, `KmsKeyId`), in singular or plural, or by a rename of the
resource type. Maps become AWS's lists of key and value where the shape asks for them, text becomes the number or
boolean that the shape asks for, a single object becomes a list of one. What meets nothing is an error that names it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from local.provider.declarations import Declared
from local.provider.errors import ProviderError, UnsupportedPropertyError
from local.provider.values import Unknown

Renames = Mapping[str, str]
"""Pulumi path (dots, no list indices) to the AWS member's name at that level; "" says that nothing takes it."""

INTEGER_SHAPES = frozenset({"integer", "long"})
FLOAT_SHAPES = frozenset({"float", "double"})


class Mapper:
    """Maps the properties of one resource type."""

    def __init__(self, token: str, renames: Renames) -> None:
        self._token = token
        self._renames = renames

    def member(self, shape: StructureShape, path: str) -> str | None:
        """The member of a structure that a property's path means."""
        if path in self._renames:
            name = self._renames[path]
            return name if name in shape.members else None
        return _match(path.rpartition(".")[2], shape.members)

    def accepted(self, shape: StructureShape, properties: Iterable[str]) -> frozenset[str]:
        """Which top-level properties the structure has a member for."""
        return frozenset(name for name in properties if self.member(shape, name) is not None)

    def to_aws(self, shape: StructureShape, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of an operation from those properties that it takes; others are left out.

        Raises `UnsupportedPropertyError` for a nested property without a member, `ProviderError` for a wrong type.
        """
        parameters: dict[str, Any] = {}
        for name, value in properties.items():
            member = self.member(shape, name)
            if member is None or value is None:
                continue
            # A list of none, where AWS takes one object, is that object left out.
            if value != [] or not isinstance(shape.members[member], StructureShape):
                parameters[member] = self.value(shape.members[member], value, name)
        return parameters

    def value(self, shape: Shape, value: Any, path: str) -> Any:
        """One value as its shape asks for it."""
        if isinstance(shape, StructureShape):
            return self._structure(shape, value, path)
        if isinstance(shape, ListShape):
            return self._list(shape, value, path)
        if shape.type_name == "map":
            if not isinstance(value, Mapping):
                raise self._wrong(path, "a map", value)
            inner: Shape = shape.value  # type: ignore[attr-defined]
            return {str(key): self.value(inner, item, path) for key, item in value.items()}
        return self._scalar(shape, value, path)

    def _structure(self, shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, Mapping):
            raise self._wrong(path, "an object", value)
        result: dict[str, Any] = {}
        for name, item in value.items():
            if item is None:
                continue
            member = self.member(shape, f"{path}.{name}")
            if member is None:
                raise UnsupportedPropertyError(self._token, f"{path}.{name}")
            result[member] = self.value(shape.members[member], item, f"{path}.{name}")
        return result

    def _list(self, shape: ListShape, value: Any, path: str) -> list[Any]:
        inner = shape.member
        if isinstance(value, Mapping) and isinstance(inner, StructureShape):
            key, item = _pair(inner)
            if key is not None and item is not None:
                return [{key: str(name), item: self._scalar(inner.members[item], value[name], path)} for name in value]
        if not isinstance(value, list):
            value = [value]
        return [self.value(inner, item, path) for item in value if item is not None]

    def _scalar(self, shape: Shape, value: Any, path: str) -> Any:
        kind = shape.type_name
        if isinstance(value, Unknown):
            raise ProviderError(f"{self._token}: {path} is not known")
        try:
            if kind in INTEGER_SHAPES:
                return int(value)
            if kind in FLOAT_SHAPES:
                return float(value)
        except (TypeError, ValueError):
            raise self._wrong(path, "a number", value) from None
        if kind == "boolean":
            if isinstance(value, bool):
                return value
            if value in ("true", "false"):
                return value == "true"
            raise self._wrong(path, "true or false", value)
        if kind == "string" and not isinstance(value, str):
            if isinstance(value, (bool, int, float)):
                return str(value).lower() if isinstance(value, bool) else f"{value:g}"
            raise self._wrong(path, "text", value)
        return value

    def _wrong(self, path: str, expected: str, value: Any) -> ProviderError:
        return ProviderError(f"{self._token}: {path} must be {expected}, not {value!r}")

    def from_aws(self, declared: Mapping[str, Declared], answer: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """The declared properties that AWS's answer holds."""
        properties: dict[str, Any] = {}
        for name, kind in declared.items():
            here = f"{path}.{name}" if path else name
            member = self._renames.get(here, name)
            if member and member not in answer:
                # Some operations take a name (`semanticVersion`) that others do not answer (`version`).
                member = _match(name, answer)
            if member and answer.get(member) is not None:
                properties[name] = self._declared(kind, answer[member], here)
        return properties

    def _declared(self, kind: Declared, value: Any, path: str) -> Any:
        if isinstance(kind, list):
            items = value if isinstance(value, list) else [value]
            return [self._declared(kind[0], item, path) for item in items]
        if isinstance(kind, dict):
            if "*" in kind:
                return _as_map(value)
            if isinstance(value, list):
                value = value[0] if value else {}
            return self.from_aws(kind, value, path)
        return declared_scalar(kind, value)


def declared_scalar(kind: str, value: Any) -> Any:
    """A scalar of AWS as pulumi-aws declares it; times are RFC 3339 in UTC."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "str" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "str" and isinstance(value, (int, float)):
        return f"{value:g}"
    if kind == "int" and isinstance(value, (str, float)):
        return int(value)
    if kind == "float" and isinstance(value, (str, int)):
        return float(value)
    if kind == "bool" and isinstance(value, str):
        return value.lower() == "true"
    return value


def _match(name: str, members: Iterable[str]) -> str | None:
    by_name = {_plain(member): member for member in members}
    for form in _forms(_plain(name)):
        if form in by_name:
            return by_name[form]
    return None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _forms(name: str) -> Iterable[str]:
    yield name
    yield f"{name}s"
    if name.endswith("ies"):
        yield f"{name[:-3]}y"
    if name.endswith("y"):
        yield f"{name[:-1]}ies"
    if name.endswith("s"):
        yield name[:-1]


def _pair(shape: StructureShape) -> tuple[str | None, str | None]:
    members = {name.lower(): name for name in shape.members}
    for key in ("key", "name", "tagkey"):
        for value in ("value", "tagvalue"):
            if len(members) == 2 and key in members and value in members:
                return members[key], members[value]
    return None, None


def _as_map(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    result: dict[str, Any] = {}
    for item in value:
        names = {name.lower(): name for name in item}
        key = next((names[name] for name in ("key", "name", "tagkey") if name in names), None)
        if key is not None:
            result[str(item[key])] = item.get(names.get("value") or names.get("tagvalue"))
    return result
