"""Condition operators of the policy language, as AWS evaluates them on a request's condition keys.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, cast

Received = str | tuple[str, ...]
"""The value of a condition key in a request: a tuple for a multivalued key."""

ALWAYS_SENT = frozenset({"aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:userid"})
"""Keys that every request has: what a policy asks of them cannot be judged as if they were absent.

Source: IAM User Guide, "AWS global condition context keys".
"""


class UnsupportedPolicyError(Exception):
    """A policy holds an operator, a condition key's form or an element that this model does not know."""


@dataclass(frozen=True)
class UnmetCondition:
    """A condition that a request fails; `received` is None where the request has no such key."""

    operator: str
    key: str
    expected: tuple[str, ...]
    received: Received | None

    def __str__(self) -> str:
        """The condition, and what the request has instead."""
        return f"{self.operator} {self.key} {_quoted(self.expected)}, and the request has {_quoted(self.received)}"


def unmet_conditions(
    conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Received]
) -> tuple[UnmetCondition, ...]:
    """The conditions of a statement that a request fails; the names of the context's keys are in lower case.

    Raises `UnsupportedPolicyError` for operators, values and uses that this model does not know.
    """
    unmet: list[UnmetCondition] = []
    for operator, keys in conditions.items():
        for key, stated in keys.items():
            expected = texts(stated, f"{operator} {key}")
            # An empty set of values counts as no key (IAM User Guide, "Single-valued vs. multivalued context keys").
            received = None if context.get(key.lower()) == () else context.get(key.lower())
            if received is None and key.lower() in ALWAYS_SENT:
                raise UnsupportedPolicyError(f"{operator} {key}: the request does not state what AWS always sends")
            if not _holds(operator, key, expected, received):
                unmet.append(UnmetCondition(operator, key, expected, received))
    return tuple(unmet)


def texts(value: Any, place: str) -> tuple[str, ...]:
    """One or many values of a policy as texts.

    Raises `UnsupportedPolicyError` for policy variables (IAM User Guide, "IAM policy elements: Variables and tags") and
    for what is no plain value; `place` says where.
    """
    values = tuple(cast(Iterable[Any], value)) if isinstance(value, list | tuple) else (value,)
    if not values or not all(isinstance(one, str | bool | int | float) for one in values):
        raise UnsupportedPolicyError(f"{place}: {value!r} is no value and no list of values")
    read = tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
    for text in read:
        if "${" in text:
            raise UnsupportedPolicyError(f"{place}: policy variables are not known here: {text}")
    return read


def matches_wildcards(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a text fits a pattern in which `*` stands for any characters and `?` for one."""
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else re.NOFLAG))


def _holds(operator: str, key: str, expected: tuple[str, ...], received: Received | None) -> bool:
    name = operator.lower()
    if name == "null":
        return _null(operator, key, expected, received)
    quantifier, _, name = name.rpartition(":")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated = name in _NEGATED
    compare = _COMPARISONS.get(_NEGATED.get(name, name))
    if compare is None or quantifier not in {"", "forallvalues", "foranyvalue"}:
        raise UnsupportedPolicyError(f"{operator} {key}: this operator is not known here")
    if received is None:
        return if_exists or quantifier == "forallvalues" or (negated and not quantifier)
    if isinstance(received, tuple) and not quantifier:
        raise UnsupportedPolicyError(f"{operator} {key}: a multivalued key needs ForAllValues or ForAnyValue")

    def fits(value: str) -> bool:
        try:
            # Of several values in a policy one must fit, or none where the operator is negated.
            return any([compare(value, one) for one in expected]) != negated
        except ValueError as error:
            raise UnsupportedPolicyError(f"{operator} {key}: {error}") from error

    fitting = [fits(value) for value in ((received,) if isinstance(received, str) else received)]
    return any(fitting) if quantifier == "foranyvalue" else all(fitting)


def _null(operator: str, key: str, expected: tuple[str, ...], received: Received | None) -> bool:
    if len(expected) != 1 or expected[0].lower() not in {"true", "false"}:
        raise UnsupportedPolicyError(f"{operator} {key}: {_quoted(expected)} is neither true nor false")
    return (received is None) == (expected[0].lower() == "true")


def _bool(value: str, expected: str) -> bool:
    if expected.lower() not in {"true", "false"}:
        raise ValueError(f"{expected!r} is neither true nor false")
    return value.lower() == expected.lower()


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts of an ARN is matched by itself; ArnEquals takes wildcards as ArnLike does."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    if len(patterns) != 6:
        raise ValueError(f"{pattern!r} has not the six parts of an ARN")
    return len(parts) == 6 and all(matches_wildcards(*pair) for pair in zip(patterns, parts, strict=True))


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{text!r} is no number")
    return number


def _date(text: str) -> datetime:
    """ISO 8601, in UTC unless it states otherwise, or seconds since 1970."""
    if re.fullmatch(r"\d{9,11}", text):
        return datetime.fromtimestamp(int(text), UTC)
    if "-" not in text:
        raise ValueError(f"{text!r} is no date")
    date = datetime.fromisoformat(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda value, expected: value == expected,
    "stringequalsignorecase": lambda value, expected: value.lower() == expected.lower(),
    "stringlike": lambda value, expected: matches_wildcards(expected, value),
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "bool": _bool,
    "ipaddress": lambda value, expected: ip_address(value) in ip_network(expected, strict=False),
    "numericequals": lambda value, expected: _number(value) == _number(expected),
    "numericlessthan": lambda value, expected: _number(value) < _number(expected),
    "numericlessthanequals": lambda value, expected: _number(value) <= _number(expected),
    "numericgreaterthan": lambda value, expected: _number(value) > _number(expected),
    "numericgreaterthanequals": lambda value, expected: _number(value) >= _number(expected),
    "dateequals": lambda value, expected: _date(value) == _date(expected),
    "datelessthan": lambda value, expected: _date(value) < _date(expected),
    "datelessthanequals": lambda value, expected: _date(value) <= _date(expected),
    "dategreaterthan": lambda value, expected: _date(value) > _date(expected),
    "dategreaterthanequals": lambda value, expected: _date(value) >= _date(expected),
}

_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}


def _quoted(values: Received | None) -> str:
    if values is None:
        return "none"
    return " or ".join(f'"{value}"' for value in ((values,) if isinstance(values, str) else values))
