"""Reading a resource's properties while some of them are unknown.

During a preview the SDK raises on every read of an unknown value and turns that into an advisory remark, so that a
mandatory rule weakens. Rules therefore read plain data in which `UNKNOWN` stands for such a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, cast

from pulumi_policy.proxy import UnknownValueError


class _Unknown(Enum):
    VALUE = "unknown until the update"


UNKNOWN: Final = _Unknown.VALUE
"""Stands for a value that only the update will know."""

Unknown = Literal[_Unknown.VALUE]

_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Finding:
    """What a rule has to say about one resource.

    A `pending` finding rests on an unknown value: it says what is checked when the update knows the value. `urn` points
    at another resource than the one under test, `rule` names another rule than the one that reports, `statement` the
    Sid of the policy statement that it is about.
    """

    message: str
    pending: bool = False
    urn: str | None = None
    rule: str = ""
    statement: str = ""


Findings = Iterator[Finding]


def plain(properties: Any) -> Any:
    """Properties as plain dictionaries and lists, with `UNKNOWN` for what a preview does not know."""
    if isinstance(properties, Mapping):
        mapping = cast(Mapping[str, Any], properties)
        # Over the keys: `items()` and `in` read the values.
        return {key: _read(mapping, key) for key in list(mapping)}
    if isinstance(properties, Sequence) and not isinstance(properties, str | bytes):
        entries = cast(Sequence[Any], properties)
        return [_read(entries, index) for index in range(len(entries))]
    return properties


def _read(container: Any, key: str | int) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def look_up(value: Any, *path: str) -> Any:
    """The value at a path of keys: `None` where it is missing, `UNKNOWN` where it or anything above it is unknown."""
    for key in path:
        if value is UNKNOWN:
            return UNKNOWN
        value = cast(dict[str, Any], value).get(key) if isinstance(value, dict) else None
    return value


def entries(value: Any) -> list[Any]:
    """The entries of a list; an unknown list counts as one unknown entry, so that no check over it is lost."""
    if value is UNKNOWN:
        return [UNKNOWN]
    return cast(list[Any], value) if isinstance(value, list) else []


def require(value: Any, holds: Callable[[Any], bool], message: str) -> Findings:
    """A finding unless a value satisfies a condition; pending where the value is unknown."""
    if value is UNKNOWN:
        yield Finding(message, pending=True)
    elif not holds(value):
        yield Finding(message)


def is_given(value: Any) -> bool:
    """Whether there is a value: neither missing nor empty."""
    return value not in (None, "", [], {})


def is_known_list(value: Any) -> bool:
    """Whether a list is there and has an entry."""
    return isinstance(value, list) and bool(cast(list[Any], value))


def is_true(value: Any) -> bool:
    """Whether a flag is set; Image Builder's volumes carry flags as text."""
    return value in (True, "true")


def is_key_arn(value: Any) -> bool:
    """Whether a value is the full ARN of a KMS key.

    An alias does not do: `alias/aws/…` is AWS's own key, and an alias can be pointed elsewhere after the check.
    """
    return isinstance(value, str) and _KEY_ARN.fullmatch(value) is not None


def key_region(arn: str) -> str | None:
    """The Region of a full key ARN."""
    found = _KEY_ARN.fullmatch(arn)
    return found["region"] if found else None
