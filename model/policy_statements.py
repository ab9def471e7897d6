"""Which statements of a policy bear on a request, and under which conditions they would.

Sources: IAM User Guide, "IAM JSON policy elements reference": Principal, NotPrincipal, Action, Resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from model.conditions import (
    Received,
    UnmetCondition,
    UnsupportedPolicyError,
    matches_wildcards,
    texts,
    unmet_conditions,
)

_VERSIONS = ("2008-10-17", "2012-10-17")
_DOCUMENT_ELEMENTS = {"Version", "Id", "Statement"}
_STATEMENT_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_ACCOUNT = re.compile(r"(\d{12})|arn:aws[a-z-]*:iam::(\d{12}):root")
_ROLE_OR_USER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[^*?]+")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(\d{12}):assumed-role/([^/*?]+)/[^*?]+")


class Reach(IntEnum):
    """How directly the principal element of a statement names whoever asks."""

    ACCOUNT = 1
    """Its account: the account's own policies say who of it may."""
    PRINCIPAL = 2
    """Itself, or everybody; an implicit deny of a boundary still limits this."""
    USER = 3
    """Itself, an IAM user, whom a boundary does not limit there (IAM User Guide, "Permissions boundaries")."""


@dataclass(frozen=True)
class Asked:
    """A request as statements see it; the names of the context's keys are in lower case."""

    principal: str
    bounded: bool
    action: str
    resource: str
    context: Mapping[str, Received]

    @property
    def for_role(self) -> bool:
        """Whether the resource is a role, whose own policy, the trust policy, names no resource."""
        return re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", self.resource) is not None


@dataclass(frozen=True)
class BearingStatement:
    """A statement that covers a request's action, resource and principal, and the conditions that still fail."""

    name: str
    allows: bool
    reach: Reach
    unmet: tuple[UnmetCondition, ...] = ()


def bearing_statements(
    name: str, document: Mapping[str, Any], asked: Asked, *, of_resource: bool
) -> tuple[BearingStatement, ...]:
    """The statements of a policy that bear on a request.

    `of_resource` tells a resource's policy, whose statements name principals, from one of an identity or a boundary.
    Raises `UnsupportedPolicyError` for anything that this model does not know.
    """
    _known(name, document, _DOCUMENT_ELEMENTS)
    if document.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise UnsupportedPolicyError(f"{name}: version {document['Version']} of the policy language is not known here")
    found: list[BearingStatement] = []
    stated = document.get("Statement")
    for number, statement in enumerate(_mappings(stated, name), start=1):
        called = f"{name}: {statement.get('Sid') or f'statement {number}'}"
        _check(called, statement, asked, of_resource)
        if not _covers(called, statement, "Action", asked.action) or not _covers_resource(called, statement, asked):
            continue
        reach = _reach(called, statement, asked) if of_resource else Reach.PRINCIPAL
        if reach is None:
            continue
        try:
            unmet = unmet_conditions(statement.get("Condition", {}), asked.context)
        except UnsupportedPolicyError as error:
            raise UnsupportedPolicyError(f"{called}: {error}") from error
        found.append(BearingStatement(called, statement["Effect"] == "Allow", reach, unmet))
    return tuple(found)


def _mappings(stated: Any, name: str) -> tuple[Mapping[str, Any], ...]:
    several = tuple(cast(Iterable[Any], stated)) if isinstance(stated, list | tuple) else (stated,)
    if not all(isinstance(one, Mapping) for one in several):
        raise UnsupportedPolicyError(f"{name}: no statements to read")
    return several


def _known(name: str, element: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(element) - known)
    if unknown:
        raise UnsupportedPolicyError(f"{name}: unknown elements {', '.join(unknown)}")


def _check(called: str, statement: Mapping[str, Any], asked: Asked, of_resource: bool) -> None:
    _known(called, statement, _STATEMENT_ELEMENTS)
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise UnsupportedPolicyError(f"{called}: Effect is neither Allow nor Deny")
    wanted = {"Action": 1, "Resource": 1, "Principal": int(of_resource)}
    if of_resource and asked.for_role:
        wanted["Resource"] = 0
    for element, count in wanted.items():
        if (element in statement) + (f"Not{element}" in statement) != count:
            raise UnsupportedPolicyError(f"{called}: {count} of {element} and Not{element} is due here")
    conditions: Any = statement.get("Condition", {})
    if not isinstance(conditions, Mapping) or not all(
        isinstance(keys, Mapping) for keys in cast(Mapping[str, Any], conditions).values()
    ):
        raise UnsupportedPolicyError(f"{called}: Condition is no map of operators to keys")


def _covers(called: str, statement: Mapping[str, Any], element: str, text: str) -> bool:
    """Whether Action or Resource, or their negations, cover a text; actions heed no case, resources do."""
    negated = f"Not{element}" in statement
    name = f"Not{element}" if negated else element
    patterns = texts(statement[name], f"{called}, {name}")
    return negated != any(matches_wildcards(each, text, ignore_case=element == "Action") for each in patterns)


def _covers_resource(called: str, statement: Mapping[str, Any], asked: Asked) -> bool:
    has_resource = "Resource" in statement or "NotResource" in statement
    return not has_resource or _covers(called, statement, "Resource", asked.resource)


def _reach(called: str, statement: Mapping[str, Any], asked: Asked) -> Reach | None:
    if "Principal" in statement:
        return max(_reaches(called, statement["Principal"], asked), default=None)
    if statement["Effect"] == "Allow" or asked.for_role:
        raise UnsupportedPolicyError(f"{called}: NotPrincipal is for a Deny, and not for trust policies")
    spared = _reaches(called, statement["NotPrincipal"], asked)
    if asked.bounded or not spared:
        # Whoever has a boundary is always denied here (IAM User Guide, "NotPrincipal").
        return Reach.PRINCIPAL
    by_itself = any(reach > Reach.ACCOUNT for reach in spared)
    if by_itself and (Reach.ACCOUNT in spared or asked.principal.endswith(":root")):
        return None
    raise UnsupportedPolicyError(f"{called}: NotPrincipal names only one of {asked.principal} and its account")


def _reaches(called: str, principal: Any, asked: Asked) -> list[Reach]:
    if principal == "*":
        principal = {"AWS": "*"}
    if not isinstance(principal, Mapping):
        raise UnsupportedPolicyError(f"{called}: principal {principal!r} is not known here")
    found: list[Reach] = []
    for kind, names in cast(Mapping[str, Any], principal).items():
        if kind not in {"AWS", "Service", "Federated"}:
            raise UnsupportedPolicyError(f"{called}: principals of kind {kind} are not known here")
        for name in texts(names, f"{called}, principal") if kind == "AWS" else ():
            reach = _reach_of(called, name, asked)
            if reach is not None:
                found.append(reach)
    return found


def _reach_of(called: str, name: str, asked: Asked) -> Reach | None:
    if name == asked.principal:
        return Reach.USER if ":user/" in name else Reach.PRINCIPAL
    if name == "*":
        return Reach.PRINCIPAL
    account = asked.principal.split(":")[4]
    if named := _ACCOUNT.fullmatch(name):
        if account not in named.groups():
            return None
        return Reach.PRINCIPAL if asked.principal.endswith(":root") else Reach.ACCOUNT
    if session := _SESSION.fullmatch(name):
        if ":role/" in asked.principal and session.groups() == (account, asked.principal.rsplit("/", 1)[-1]):
            raise UnsupportedPolicyError(f"{called}: which session asks is not known here: {name}")
        return None
    if _ROLE_OR_USER.fullmatch(name):
        return None
    raise UnsupportedPolicyError(f"{called}: principal {name!r} is not known here")
