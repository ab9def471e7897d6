"""Reading IAM policy documents out of properties."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from .values import UNKNOWN, Finding, Findings, Unknown, look_up

Statement = dict[str, Any]

_WITHOUT_TLS = tuple({"Bool": {"aws:SecureTransport": value}} for value in ("false", ["false"], False))


def statements(policy: Any) -> list[Statement] | Unknown | None:
    """The statements of a policy in JSON: `None` where it is missing or no policy, `UNKNOWN` where it is unknown."""
    if policy is UNKNOWN:
        return UNKNOWN
    try:
        document: Any = json.loads(policy) if isinstance(policy, str) else policy
    except json.JSONDecodeError:
        return None
    found = look_up(document, "Statement")
    several: list[Any] = values(found)
    readable = bool(several) and all(isinstance(entry, dict) for entry in several)
    return cast(list[Statement], several) if readable else None


def forbid(policy: Any, offends: Callable[[Statement], bool], message: str) -> Findings:
    """A finding for each statement that offends, named by its Sid; pending where the policy is unknown.

    A policy that cannot be read gives a finding too: nobody can say what it allows.
    """
    found = statements(policy)
    if found is UNKNOWN:
        yield Finding(message, pending=True)
    elif found is None:
        yield Finding("the policy is missing or cannot be read; give a JSON policy document.")
    else:
        for number, statement in enumerate(found, start=1):
            if offends(statement):
                sid = str(statement.get("Sid") or number)
                yield Finding(f"statement {sid}: {message}", statement=sid)


def values(element: Any) -> list[Any]:
    """A policy element as a list: the language lets one value stand alone."""
    if element is None:
        return []
    return cast(list[Any], element) if isinstance(element, list) else [element]


def refuses_plain_http(statement: Statement, actions: set[str]) -> bool:
    """Whether a statement denies everybody what comes without TLS; it must name one of some actions."""
    principal: Any = statement.get("Principal")
    everybody = principal == "*" or "*" in values(look_up(principal, "AWS"))
    return (
        statement.get("Effect") == "Deny"
        and everybody
        and bool(actions & set(values(statement.get("Action"))))
        # Nothing else: a further condition would let plain HTTP pass wherever it does not hold.
        and statement.get("Condition") in _WITHOUT_TLS
    )
