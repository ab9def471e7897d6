"""Unknown keys of a preview, judged by where they come from.

The ARN of a key that a preview has yet to make is unknown. Where an unknown property comes from one key of the same
stack and from nothing else, an ARN of that key's Region and account with a symbol for the id stands for it, so that
every rule judges it as it will judge the real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from .kms import KEYS
from .rule import Resource
from .values import UNKNOWN, key_region, look_up

KEY_PROPERTIES = ("kmsKeyId", "kmsKeyArn", "kmsMasterKeyId", "keyId", "targetKeyId")
"""Properties, at any depth, that hold a key's ARN or id."""


def with_symbols(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources with a symbolic ARN for each unknown key whose one source is a key of the stack."""
    known = tuple(resources)
    keys = {resource.urn: symbol for resource in known if resource.type in KEYS and (symbol := key_arn(resource))}
    if not keys:
        return known
    return tuple(replace(resource, properties=_settled(resource, keys)) for resource in known)


def key_arn(key: Resource) -> str | None:
    """A key's ARN, or the symbol for it before the key is made; None where its account or Region is unknown."""
    known = key.properties.get("arn")
    if isinstance(known, str):
        return known
    return f"arn:aws:kms:{key.region}:{key.account}:key/{_id(key.name)}" if key.account and key.region else None


def _id(name: str) -> str:
    """A resource's name in the characters of a key's id."""
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in name)


def _settled(resource: Resource, keys: Mapping[str, str]) -> dict[str, Any]:
    settled: dict[str, Any] = {}
    for name, value in resource.properties.items():
        sources = resource.sources.get(name, frozenset())
        arns = [keys[urn] for urn in sorted(sources) if urn in keys]
        if len(sources) == len(arns) == 1:
            settled[name] = _replaced(name, value, arns[0])
        elif arns and len(sources) == len(arns) and isinstance(value, list):
            settled[name] = [_misplaced(entry, arns) for entry in cast(list[Any], value)]
        else:
            settled[name] = value
    return settled


def _misplaced(entry: Any, arns: list[str]) -> Any:
    """An entry for a Region where none of several keys lies, with one of them: whichever it is, it is wrong there."""
    region = look_up(entry, "region")
    if not isinstance(region, str) or any(key_region(arn) == region for arn in arns):
        return entry
    return _replaced("", entry, arns[0])


def _replaced(name: str, value: Any, symbol: str) -> Any:
    if value is UNKNOWN:
        return symbol if name in KEY_PROPERTIES else UNKNOWN
    if isinstance(value, dict):
        return {key: _replaced(key, entry, symbol) for key, entry in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_replaced(name, entry, symbol) for entry in cast(list[Any], value)]
    return value
