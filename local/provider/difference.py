"""Equality by meaning, so that a second `up` changes nothing and a refresh shows true drift only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.provider.values import Blob, Secret, Unknown, contains_unknown

JSON = "json"
POLICY = "policy"
SET = "set"
CASELESS = "caseless"

LISTS_OF_POLICIES = frozenset({"Action", "NotAction", "Resource", "NotResource"})
"""Members of a statement where one text and a list of it mean the same, in any order (IAM JSON policy reference)."""


@dataclass(frozen=True)
class Comparison:
    """How the values of one resource type are compared.

    `kinds` maps a path (dots, no list indices) to JSON, POLICY, SET or CASELESS; `computed` holds the paths that AWS
    fills in where a program leaves them out.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()

    def same(self, desired: Any, actual: Any, path: str) -> bool:
        """Whether what is asked for is what is there."""
        desired, actual = _plain(desired), _plain(actual)
        if contains_unknown(desired) or contains_unknown(actual):
            return isinstance(desired, Unknown) and isinstance(actual, Unknown)
        kind = self.kinds.get(path)
        if is_empty(desired) and is_empty(actual):
            return True
        if kind in (JSON, POLICY):
            return _meaning(desired, kind) == _meaning(actual, kind)
        if kind == CASELESS and isinstance(desired, str) and isinstance(actual, str):
            return desired.lower() == actual.lower()
        if isinstance(desired, Blob) or isinstance(actual, Blob):
            return bool(desired == actual)
        if isinstance(desired, Mapping) and isinstance(actual, Mapping):
            return self._same_object(desired, actual, path)
        if isinstance(desired, list) and isinstance(actual, list):
            return self._same_list(desired, actual, path, unordered=kind == SET)
        return _scalar(desired) == _scalar(actual)

    def _same_object(self, desired: Mapping[str, Any], actual: Mapping[str, Any], path: str) -> bool:
        for key in {**desired, **actual}:
            here = f"{path}.{key}"
            if desired.get(key) is None and here in self.computed:
                continue
            if not self.same(desired.get(key), actual.get(key), here):
                return False
        return True

    def _same_list(self, desired: list[Any], actual: list[Any], path: str, unordered: bool) -> bool:
        if len(desired) != len(actual):
            return False
        if not unordered:
            return all(self.same(one, other, path) for one, other in zip(desired, actual, strict=True))
        rest = list(actual)
        for one in desired:
            match = next((index for index, other in enumerate(rest) if self.same(one, other, path)), None)
            if match is None:
                return False
            del rest[match]
        return True

    def settled(self, actual: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """What was read, in the words in which it was known before wherever the meaning is the same."""
        return {
            key: _plain(known[key]) if known.get(key) is not None and self.same(known[key], value, key) else value
            for key, value in actual.items()
        }


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: AWS leaves such out of its answers."""
    if value is None or value is False or value == "" or (isinstance(value, int) and value == 0):
        return True
    if isinstance(value, Mapping):
        return all(is_empty(item) for item in value.values())
    return isinstance(value, list) and not value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value


def _scalar(value: Any) -> Any:
    """Text and number forms of one value are one: "true" and true, "8" and 8."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.15g}"
    return value


def _meaning(document: Any, kind: str) -> Any:
    if is_empty(document):
        return None
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return document
    return _policy(document) if kind == POLICY else _frozen(document)


def _policy(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return _frozen(document)
    statements = document.get("Statement", [])
    if isinstance(statements, Mapping):
        statements = [statements]
    rest = {key: value for key, value in document.items() if key != "Statement"}
    return _frozen(rest), tuple(sorted((_statement(item) for item in statements), key=repr))


def _statement(statement: Any) -> Any:
    if not isinstance(statement, Mapping):
        return _frozen(statement)
    parts: dict[str, Any] = {}
    for key, value in statement.items():
        if key in ("Principal", "NotPrincipal") and isinstance(value, Mapping):
            parts[key] = {kind: _principals(names) for kind, names in value.items()}
        elif key in LISTS_OF_POLICIES:
            parts[key] = _texts(value)
        elif key == "Condition" and isinstance(value, Mapping):
            parts[key] = {
                operator: {name: _texts(values) for name, values in tests.items()}
                for operator, tests in value.items()
                if isinstance(tests, Mapping)
            }
        elif not (key == "Sid" and value == ""):
            parts[key] = value
    return _frozen(parts)


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(sorted({str(_scalar(item)) for item in items}))


def _principals(value: Any) -> tuple[str, ...]:
    """An account's id and its root's ARN are one principal (IAM JSON policy reference, "AWS account principals")."""
    names = _texts(value)
    roots = (f"arn:aws:iam::{name}:root" if name.isdigit() and len(name) == 12 else name for name in names)
    return tuple(sorted(roots))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return _scalar(value)
