"""Reading the conditions of a statement: what binds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from .documents import Statement, values

_BINDING = frozenset(
    ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool", "foranyvalue:stringlike")
)
"""Operators that hold only where the key is there and has a stated value: no `…IfExists`, no negation."""


def bonds(statement: Statement) -> Iterator[tuple[str, list[str]]]:
    """Each key in lower case that binds an Allow, with the values that it may have."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return
    for operator, keys in cast(dict[str, Any], conditions).items():
        if operator.lower() in _BINDING and isinstance(keys, dict):
            for key, bound in cast(dict[str, Any], keys).items():
                yield key.lower(), [str(value) for value in values(bound)]


def bound_values(statement: Statement, *keys: str) -> list[str]:
    """The values to which some keys bind a statement; none where nothing binds it or anything would do."""
    found = [value for key, bound in bonds(statement) if key in keys for value in bound]
    return [] if any(value.strip("*?") == "" for value in found) else found


def bound_by_prefix(statement: Statement, *prefixes: str) -> bool:
    """Whether some key that begins in one of these ways binds a statement to stated values."""
    for key, found in bonds(statement):
        if key.startswith(prefixes) and found and not any(value.strip("*?") == "" for value in found):
            return True
    return False


def limited_values(statement: Statement, key: str) -> list[str]:
    """The only values that a multivalued key may have; none where anything would do (IAM User Guide, ForAllValues)."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return []
    for operator, keys in cast(dict[str, Any], conditions).items():
        if operator.lower() in ("forallvalues:stringequals", "forallvalues:stringlike") and isinstance(keys, dict):
            for name, limits in cast(dict[str, Any], keys).items():
                found = [str(value) for value in values(limits)]
                if name.lower() == key and not any(value.strip("*?") == "" for value in found):
                    return found
    return []


def bound_to_true(statement: Statement, key: str) -> bool:
    """Whether a statement holds only where a flag is set."""
    return bound_values(statement, key) == ["true"]


def account_in(value: str) -> str | None:
    """The account of an ARN, or the account id itself; None where the value names none."""
    if value.isdigit():
        return value
    parts = value.split(":")
    return parts[4] if len(parts) > 4 and parts[4].isdigit() else None
