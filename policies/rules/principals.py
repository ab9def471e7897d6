"""Whom a resource policy admits."""

from __future__ import annotations

import re
from typing import Any, cast

from .documents import Statement, forbid, values
from .rule import Resource
from .values import Findings, is_given, look_up

_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_BINDING_OPERATORS = ("stringequals", "stringequalsignorecase", "stringlike")


def forbid_everybody(resource: Resource, optional: bool = False) -> Findings:
    """A finding for each statement of a resource's `policy` that admits everybody; `optional` lets it be missing."""
    policy = look_up(resource.properties, "policy")
    if is_given(policy) or not optional:
        yield from forbid(policy, admits_everybody, "it admits everybody; name principals or add aws:PrincipalOrgID.")


def admits_everybody(statement: Statement) -> bool:
    """Whether a statement allows something to any principal, without a bond to one organisation.

    Only `aws:PrincipalOrgID` binds: a key policy with `Principal: *` under any other condition is still open to
    whoever can meet the condition. `…IfExists` does not bind, since it lets callers without an organisation pass.
    """
    if statement.get("Effect") != "Allow":
        return False
    everybody = "NotPrincipal" in statement or any("*" in name for name in _principals(statement.get("Principal")))
    return everybody and not _bound_to_organization(statement)


def _principals(principal: Any) -> list[str]:
    if isinstance(principal, dict):
        return [str(name) for names in cast(dict[str, Any], principal).values() for name in values(names)]
    return [str(name) for name in values(principal)]


def _bound_to_organization(statement: Statement) -> bool:
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return False
    for operator, keys in cast(dict[str, dict[str, Any]], conditions).items():
        if operator.lower() not in _BINDING_OPERATORS:
            continue
        for key, bound in keys.items():
            organizations = values(bound)
            if (
                key.lower() == "aws:principalorgid"
                and organizations
                and all(_ORGANIZATION.fullmatch(str(name)) for name in organizations)
            ):
                return True
    return False
