"""Rules for IAM: no policy without bounds, no role that anybody may assume."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pulumi_policy import Severity

from .documents import Statement, forbid, values
from .principals import admits_everybody
from .rule import Resource, resource_rule
from .values import Findings, entries, is_given, look_up

ROLE = "aws:iam/role:Role"
IDENTITY_POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)


@resource_rule(
    "iam-policy-forbid-service-wildcard",
    Severity.CRITICAL,
    ("CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_288", "CKV_AWS_355", "CKV2_AWS_40", "IAM.1", "IAM.21"),
    (*IDENTITY_POLICIES, ROLE),
)
def forbid_service_wildcard(policy: Resource) -> Findings:
    """No identity policy allows all of a service's actions, or all but some, on everything."""
    for document in _documents(policy):
        yield from forbid(document, _is_unbounded, "it allows all actions on everything; name actions or resources.")


@resource_rule("iam-policy-scope-pass-role", Severity.HIGH, ("CKV_AWS_110", "CKV_AWS_286"), (*IDENTITY_POLICIES, ROLE))
def scope_pass_role(policy: Resource) -> Findings:
    """No identity policy lets every role be passed on."""
    for document in _documents(policy):
        yield from forbid(document, _passes_every_role, "it passes every role on; name the roles in Resource.")


@resource_rule("iam-role-bound-trust", Severity.CRITICAL, ("CKV_AWS_60", "CKV_AWS_61"), (ROLE,))
def bound_trust(role: Resource) -> Findings:
    """No role trusts everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid(
        look_up(role.properties, "assumeRolePolicy"),
        admits_everybody,
        "everybody may assume the role; name principals or add aws:PrincipalOrgID.",
    )


def _documents(resource: Resource) -> list[object]:
    """The identity policies that a resource carries; a role may carry several."""
    if resource.type != ROLE:
        return [look_up(resource.properties, "policy")]
    inline = [look_up(policy, "policy") for policy in entries(look_up(resource.properties, "inlinePolicies"))]
    return [document for document in inline if is_given(document)]


def _is_unbounded(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow" or not _on_everything(statement):
        return False
    wide = any(action == "*" or str(action).endswith(":*") for action in values(statement.get("Action")))
    return wide or "NotAction" in statement


def _passes_every_role(statement: Statement) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    patterns = [str(action).lower() for action in values(statement.get("Action"))]
    passes = any(fnmatchcase("iam:passrole", pattern) for pattern in patterns)
    every_role = any(str(resource).endswith(":role/*") for resource in values(statement.get("Resource")))
    return passes and (every_role or _on_everything(statement))


def _on_everything(statement: Statement) -> bool:
    return "*" in values(statement.get("Resource")) or "NotResource" in statement
