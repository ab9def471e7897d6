"""Whom a resource policy admits."""

from __future__ import annotations

import re
from typing import Any, cast

from .conditions import account_in, bonds, bound_to_true, bound_values, limited_values
from .configuration import Configuration
from .documents import Statement, forbid, statements, values
from .rule import Resource
from .values import Findings, is_given, look_up

_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_BINDING_OPERATORS = ("stringequals", "stringequalsignorecase", "stringlike")
_UNBINDABLE = frozenset(("ec2.amazonaws.com", "lambda.amazonaws.com"))
"""Services that assume a role for its own account's instances and functions only, and state no source when they do."""


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


def scope_accounts(resource: Resource, name: str, configuration: Configuration, guests: bool = False) -> Findings:
    """A finding for each statement of a policy that admits accounts or organisations outside the landing zone.

    `guests` lets in named roles of further accounts, such as a team's that uploads scripts.
    """
    policy = look_up(resource.properties, name)
    if not configuration.accounts or not is_given(policy):
        return
    yield from forbid(
        policy,
        lambda statement: bool(_outsiders(statement, configuration, guests)),
        "it admits accounts or organisations outside the landing zone; name accounts of its file.",
    )


def bind_services(resource: Resource, name: str, configuration: Configuration) -> Findings:
    """A finding for each statement that lets an AWS service act without saying for which source of which account."""
    policy = look_up(resource.properties, name)
    if not is_given(policy):
        return
    trust = name == "assumeRolePolicy"
    yield from forbid(
        policy,
        lambda statement: not _services_bound(statement, trust, resource.account, configuration),
        "a service may act for anybody's resources; bind it by aws:SourceAccount and aws:SourceArn.",
    )


def bind_other_accounts(resource: Resource, name: str = "policy") -> Findings:
    """A finding for each statement that admits the whole of another account, instead of roles in it."""
    policy = look_up(resource.properties, name)
    if not is_given(policy) or not resource.account:
        return
    yield from forbid(
        policy,
        lambda statement: _admits_whole_account(statement, resource.account),
        "all of another account may use it; name its roles under aws:PrincipalArn.",
    )


def bind_grants(policy: Any) -> Findings:
    """A finding for each statement that lets grants be made for anybody."""
    if is_given(policy) and statements(policy) is not None:
        yield from forbid(
            policy,
            _grants_to_anybody,
            "it lets grants be made for anybody; add kms:GrantIsForAWSResource, or both kms:GranteePrincipal and "
            "kms:GrantOperations.",
        )


def _outsiders(statement: Statement, configuration: Configuration, guests: bool) -> list[str]:
    if statement.get("Effect") != "Allow":
        return []
    principal = statement.get("Principal")
    named = _principals({key: names for key, names in _by_kind(principal).items() if key != "Service"})
    roles = bound_values(statement, "aws:principalarn") if guests else []
    admitted = configuration.accounts | {account_in(role) for role in roles if not set("*?") & set(role)}
    outside: list[str] = []
    for name in named:
        if name == "*":
            organizations = bound_values(statement, "aws:principalorgid")
            outside += [each for each in organizations or ["*"] if each not in configuration.organizations]
        elif account_in(name) not in admitted:
            outside.append(name)
    return outside


def _by_kind(principal: Any) -> dict[str, Any]:
    return cast(dict[str, Any], principal) if isinstance(principal, dict) else {"AWS": principal}


def _services_bound(statement: Statement, trust: bool, own: str, configuration: Configuration) -> bool:
    services = [str(name) for name in values(_by_kind(statement.get("Principal")).get("Service"))]
    if statement.get("Effect") != "Allow" or not services:
        return True
    if trust and all(service in _UNBINDABLE for service in services):
        return True
    accounts = bound_values(statement, "aws:sourceaccount")
    sources = bound_values(statement, "aws:sourcearn")
    contexts = [value for key, found in bonds(statement) if key.startswith("kms:encryptioncontext:") for value in found]
    # For its own account's resources a role need not say which.
    at_home = trust and accounts == [own]
    bound = at_home or bool(accounts and sources) or bool(contexts)
    named = {account_in(value) for value in (*accounts, *sources, *contexts)} - {None}
    known = not configuration.accounts or named <= configuration.accounts
    return bound and bool(named) and known


def admits_other_account(statement: Statement, own: str) -> bool:
    """Whether a statement allows something to a principal of another account than one's own."""
    names = _principals(_by_kind(statement.get("Principal")).get("AWS"))
    return statement.get("Effect") == "Allow" and any(account_in(name) not in (own, None) for name in names)


def _admits_whole_account(statement: Statement, own: str) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    roots = [name for name in _principals(_by_kind(statement.get("Principal")).get("AWS")) if _is_whole(name)]
    if not any(account_in(name) != own for name in roots):
        return False
    roles = bound_values(statement, "aws:principalarn")
    # An account may be a pattern only where the role's name is none: the principal bounds the accounts.
    return not roles or any(role.rpartition(":role/")[2].strip("*?") == "" for role in roles)


def _is_whole(name: str) -> bool:
    return name.isdigit() or name.endswith(":root")


def allows_grants(statement: Statement) -> bool:
    """Whether a statement names the making of grants.

    `kms:*` of the key's own account is for its identity policies to narrow; they are held to the same.
    """
    actions = [str(action).lower() for action in values(statement.get("Action"))]
    return statement.get("Effect") == "Allow" and "kms:creategrant" in actions


def _grants_to_anybody(statement: Statement) -> bool:
    if not allows_grants(statement):
        return False
    named = bound_values(statement, "kms:granteeprincipal") and limited_values(statement, "kms:grantoperations")
    return not bound_to_true(statement, "kms:grantisforawsresource") and not named
