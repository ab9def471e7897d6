"""IAM, KMS and resource policy documents as plain data, a statement per audience."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

POLICY_LANGUAGE_VERSION = "2012-10-17"

Principal = str | Mapping[str, str | tuple[str, ...]]
Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy document.

    `sid` names the audience or the guard, so that an access report can point at it. `principal` is left out of
    identity policies. Source: IAM User Guide, "IAM JSON policy elements reference".
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    principal: Principal | None = None
    effect: str = "Allow"
    conditions: Conditions = field(default_factory=dict[str, dict[str, str | tuple[str, ...]]])

    def as_dict(self) -> dict[str, Any]:
        """The statement in the policy language; single values stay single, as AWS stores them."""
        statement: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect}
        if self.principal is not None:
            statement["Principal"] = (
                self.principal
                if isinstance(self.principal, str)
                else {kind: _one_or_many(names) for kind, names in self.principal.items()}
            )
        statement["Action"] = _one_or_many(self.actions)
        statement["Resource"] = _one_or_many(self.resources)
        if self.conditions:
            statement["Condition"] = {
                operator: {key: _one_or_many(values) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return statement


@dataclass(frozen=True)
class PolicyDocument:
    """A policy document: identity, trust, key or other resource policy."""

    statements: tuple[Statement, ...]
    id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The document in the policy language."""
        document: dict[str, Any] = {"Version": POLICY_LANGUAGE_VERSION}
        if self.id:
            document["Id"] = self.id
        document["Statement"] = [statement.as_dict() for statement in self.statements]
        return document

    def json(self) -> str:
        """The document as compact JSON; the same document gives the same text."""
        return json.dumps(self.as_dict(), separators=(",", ":"))


def in_parts(document: PolicyDocument, maximum: int) -> tuple[PolicyDocument, ...]:
    """Documents of at most `maximum` characters that together allow the same; statements keep their order.

    A statement that is too long alone is parted by its resources. Raises `ValueError` where one is too long for a
    single resource.
    """
    parts: list[PolicyDocument] = []
    held: list[Statement] = []
    for statement in (part for whole in document.statements for part in _parted(whole, maximum)):
        if held and len(PolicyDocument((*held, statement)).json()) > maximum:
            parts.append(PolicyDocument(tuple(held)))
            held = []
        held.append(statement)
    return (*parts, PolicyDocument(tuple(held)))


def _parted(statement: Statement, maximum: int) -> tuple[Statement, ...]:
    if len(PolicyDocument((statement,)).json()) <= maximum:
        return (statement,)
    middle = len(statement.resources) // 2
    if not middle:
        raise ValueError(f"statement {statement.sid} has more than {maximum} characters")
    halves = statement.resources[:middle], statement.resources[middle:]
    return tuple(part for half in halves for part in _parted(replace(statement, resources=half), maximum))


def trust_policy(*statements: Statement) -> PolicyDocument:
    """A role's trust policy: its statements carry principals and no resource of their own."""
    return _TrustPolicy(statements)


class _TrustPolicy(PolicyDocument):
    def as_dict(self) -> dict[str, Any]:
        document = super().as_dict()
        for statement in document["Statement"]:
            # IAM rejects a trust policy that names a resource.
            del statement["Resource"]
        return document


def _one_or_many(values: str | tuple[str, ...]) -> str | list[str]:
    if isinstance(values, str):
        return values
    return values[0] if len(values) == 1 else list(values)
