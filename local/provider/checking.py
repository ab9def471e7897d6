"""Checks of a program's inputs before anything is compared or made; each fault names its property."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.provider.declarations import Declared, declarations
from local.provider.errors import ProviderError, UnsupportedPropertyError
from local.provider.mapping import Mapper
from local.provider.naming import with_name
from local.provider.resource_type import Call, ResourceType
from local.provider.values import Blob, Secret, contains_secret, contains_unknown, reveal
from local.provider.work import input_shape


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the inputs."""

    property: str
    reason: str


def check(
    row: ResourceType, urn: str, seed: bytes, news: Mapping[str, Any], olds: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """Inputs with names filled in and documents as text, and everything that is wrong with them."""
    declaration = declarations()[row.token]
    given = {key: value for key, value in news.items() if value is not None and not key.startswith("__")}
    faults = [
        Fault(name, str(UnsupportedPropertyError(row.token, name))) for name in given if name not in supported(row)
    ]
    faults += [
        Fault(name, f"{row.token}: missing required property {name!r}")
        for name in sorted(declaration.required)
        if name not in given
    ]
    inputs = {name: _as_text(value, declaration.inputs.get(name, "str")) for name, value in given.items()}
    if not faults:
        faults += _nested(row, inputs)
    known = {name: value for name, value in inputs.items() if not contains_unknown(value)}
    faults += [Fault(name, f"{row.token}: {reason}") for name, reason in row.check(reveal(known)).items()]
    named = with_name(row.auto_name, urn, seed, inputs, olds)
    return named, faults


def supported(row: ResourceType) -> frozenset[str]:
    """Every input of the type that this plugin understands."""
    declared = declarations()[row.token].inputs
    names = set(row.local | row.unread | row.created_with | {"region"})
    if row.tagging is not None:
        names.add("tags")
    for setting in row.settings:
        names |= setting.properties
    if isinstance(row.create, Call):
        shape = input_shape(row.service, row.create.operation)
        taken = Mapper(row.token, row.renames).accepted(shape, declared)
        names |= taken if row.create.only is None else taken & row.create.only
    if row.auto_name is not None and row.auto_name.prefix_property:
        names.add(row.auto_name.prefix_property)
    return frozenset(names & declared.keys())


def _as_text(value: Any, declared: Declared) -> Any:
    """A document given as an object, as the JSON text that AWS takes and the state holds."""
    if isinstance(value, Secret):
        return Secret(_as_text(value.value, declared))
    is_document = declared == "str" and isinstance(value, (Mapping, list)) and not isinstance(value, Blob)
    if is_document and not contains_unknown(value):
        text = json.dumps(reveal(value), separators=(",", ":"))
        return Secret(text) if contains_secret(value) else text
    return value


def _nested(row: ResourceType, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Nested properties and types that the calls of the row would refuse, told before anything is made."""
    calls = [row.create, *(setting.apply for setting in row.settings)]
    known = {name: value for name, value in reveal(dict(inputs)).items() if not contains_unknown(value)}
    told: set[str] = set()
    for call in calls:
        if not isinstance(call, Call):
            continue
        sent = {name: value for name, value in known.items() if call.only is None or name in call.only}
        try:
            Mapper(row.token, row.renames).to_aws(input_shape(row.service, call.operation), sent)
        except UnsupportedPropertyError as error:
            if error.path not in told:
                told.add(error.path)
                yield Fault(error.path, str(error))
        except ProviderError as error:
            if str(error) not in told:
                told.add(str(error))
                yield Fault("", str(error))
