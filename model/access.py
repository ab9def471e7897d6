"""Whether AWS lets a principal do something, predicted from policy documents alone, and what is missing where not.

Sources: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "Permissions boundaries
for IAM entities"; AWS KMS Developer Guide, "Troubleshooting AWS KMS permissions" and "Grants in AWS KMS".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.additions import Addition, described, for_boundary, for_grant, for_identity, for_resource, needs_grant
from model.conditions import Received, UnsupportedPolicyError
from model.policy_statements import Asked, BearingStatement, Reach, bearing_statements

__all__ = [
    "Addition",
    "Decision",
    "Grant",
    "NamedPolicy",
    "Permissions",
    "Principal",
    "Request",
    "ResourceSide",
    "UnsupportedPolicyError",
    "additions",
    "decide",
]


@dataclass(frozen=True)
class Principal:
    """A role, service-linked role or user by its IAM ARN with path, or the root of an account.

    Raises ValueError for other ARNs: a session's does not tell its role's path.
    """

    arn: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[^*?]+)", self.arn):
            raise ValueError(f"{self.arn!r} is no ARN of a role, a user or an account's root")

    @property
    def account(self) -> str:
        """The account that the principal belongs to."""
        return self.arn.split(":")[4]

    @property
    def is_root(self) -> bool:
        """Whether this is the root of its account."""
        return self.arn.endswith(":root")

    @property
    def kind(self) -> str:
        """The principal's `aws:PrincipalType`."""
        return "Account" if self.is_root else "User" if ":user/" in self.arn else "AssumedRole"


@dataclass(frozen=True)
class NamedPolicy:
    """A policy document, and the name by which a reader finds it.

    An example of a name: "policy golden-ami-ledger-image-key of role ledger-instances (222222222222)".
    """

    name: str
    document: Mapping[str, Any]

    def bearing(self, asked: Asked, *, of_resource: bool) -> tuple[BearingStatement, ...]:
        """The statements that bear on a request; raises `UnsupportedPolicyError`."""
        return bearing_statements(self.name, self.document, asked, of_resource=of_resource)


@dataclass(frozen=True)
class Permissions:
    """Everything on the principal's own side: its identity policies, and the boundary that caps them."""

    principal: Principal
    policies: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None


@dataclass(frozen=True)
class Grant:
    """A grant of a KMS key: operations as `CreateGrant` takes them, such as "Decrypt"."""

    grantee: str
    operations: frozenset[str]
    encryption_context_equals: Mapping[str, str] | None = None
    encryption_context_subset: Mapping[str, str] | None = None

    def covers(self, asked: Asked) -> bool:
        """Whether the grant allows a request, with no policy beside it.

        Constraints heed the case of values, not of names, and bind no operation that takes no encryption context; a
        grant made under a constraint must be as strict. Source: AWS KMS API Reference, "GrantConstraints".
        """
        operation = asked.action.removeprefix("kms:")
        if asked.principal != self.grantee or operation not in self.operations:
            return False
        if operation in {"DescribeKey", "RetireGrant"}:
            return True
        prefix = "kms:encryptioncontext:"
        given = {key.removeprefix(prefix): value for key, value in asked.context.items() if key.startswith(prefix)}
        equals, subset = (
            None if constraint is None else {name.lower(): value for name, value in constraint.items()}
            for constraint in (self.encryption_context_equals, self.encryption_context_subset)
        )
        return (equals is None or equals == given) and (subset is None or subset.items() <= given.items())


@dataclass(frozen=True)
class ResourceSide:
    """The resource's own side.

    `owner` is the resource's account. `required` is true for KMS keys and roles (trust policies): without leave of the
    resource's policy nobody gets in, not even the owner's account.
    """

    owner: str
    policy: NamedPolicy | None = None
    required: bool = False
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class Request:
    """What is asked: an action such as "kms:Decrypt" on a resource's ARN, under condition keys in any case.

    A tuple is the value of a multivalued key. `aws:SecureTransport` is "true" unless stated; what follows from the
    principal (`aws:PrincipalArn`, `aws:PrincipalAccount`, …) is never stated.
    """

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict[str, str | tuple[str, ...]])


@dataclass(frozen=True)
class Decision:
    """What AWS decides.

    `deciding` names the statements that allowed, or every Deny that refused: "<policy name>: <Sid>", or "grant to
    <grantee>". `missing` says all that would have to be added, and where; empty where a Deny refused, as no addition
    helps then.
    """

    allowed: bool
    deciding: tuple[str, ...]
    missing: tuple[str, ...]


def decide(permissions: Permissions, request: Request, resource_side: ResourceSide | None = None) -> Decision:
    """Predict AWS's decision on a request; without a resource side the principal's own policies decide.

    Session policies and policies of an organisation are no part of it.
    Raises `UnsupportedPolicyError` where a policy that bears on the request holds something this model does not know.
    """
    case = _Case.of(permissions, request, resource_side)
    if denies := case.denies():
        return Decision(False, denies, ())
    if allows := case.allows():
        return Decision(True, allows, ())
    return Decision(False, (), tuple(str(addition) for addition in case.additions()))


def additions(
    permissions: Permissions, request: Request, resource_side: ResourceSide | None = None
) -> tuple[Addition, ...]:
    """The smallest statements that together make AWS allow a request; none where it is allowed, or a Deny refuses it.

    Raises `UnsupportedPolicyError` as `decide` does.
    """
    case = _Case.of(permissions, request, resource_side)
    return () if case.denies() or case.allows() else case.additions()


@dataclass(frozen=True)
class _Case:
    """A request beside all statements that bear on it; `boundary` is None where the principal has none."""

    asked: Asked
    identity: tuple[BearingStatement, ...]
    boundary: tuple[BearingStatement, ...] | None
    boundary_name: str
    resource: tuple[BearingStatement, ...]
    side: ResourceSide | None

    @staticmethod
    def of(permissions: Permissions, request: Request, side: ResourceSide | None) -> _Case:
        """Read the policies of both sides."""
        principal, boundary = permissions.principal, permissions.boundary
        context = _context(principal, request, side)
        asked = Asked(principal.arn, boundary is not None, request.action, request.resource, context)
        if principal.is_root:
            # No identity policy binds an account's root (IAM User Guide, "AWS account root user").
            identity = (BearingStatement(described(principal.arn), True, Reach.PRINCIPAL),)
        else:
            identity = tuple(
                statement for policy in permissions.policies for statement in policy.bearing(asked, of_resource=False)
            )
        return _Case(
            asked,
            identity,
            boundary.bearing(asked, of_resource=False) if boundary else None,
            boundary.name if boundary else "",
            side.policy.bearing(asked, of_resource=True) if side and side.policy else (),
            side,
        )

    @property
    def own(self) -> bool:
        """Whether the resource is in the principal's account."""
        return self.side is None or self.side.owner == self.asked.principal.split(":")[4]

    @property
    def needs_resource(self) -> bool:
        """Whether an identity policy needs the resource policy's leave beside it."""
        return self.side is not None and (self.side.required or not self.own)

    def denies(self) -> tuple[str, ...]:
        """Each Deny, on either side, that refuses."""
        everything = (*self.identity, *(self.boundary or ()), *self.resource)
        return tuple(each.name for each in everything if not each.allows and not each.unmet)

    def allows(self) -> tuple[str, ...]:
        """What together allows the request, were there no Deny; nothing where it is not allowed."""
        identity, resource = _leave(self.identity), _leave(self.resource)
        boundary = _leave(self.boundary or ())
        within = self.boundary is None or boundary is not None
        of_boundary = (boundary.name,) if boundary else ()
        if identity and within and (resource or not self.needs_resource):
            return (identity.name, *of_boundary, *((resource.name,) if resource and self.needs_resource else ()))
        if self.own and resource and resource.reach is Reach.USER:
            return (resource.name,)
        if self.own and resource and resource.reach is Reach.PRINCIPAL and within:
            return (*of_boundary, resource.name)
        for grant in self.side.grants if self.side else ():
            if grant.covers(self.asked):
                return (f"grant to {grant.grantee}",)
        return ()

    def additions(self) -> tuple[Addition, ...]:
        """What to add on each side, where nothing denies and something is missing."""
        resource, named = _leave(self.resource), self.asked.principal
        # What names the principal in its own account needs no identity policy, and no boundary where it is a user.
        to_be_named = self.own and self.needs_resource and not resource
        by_name = to_be_named or (self.own and resource is not None and resource.reach > Reach.ACCOUNT)
        lacking: list[Addition] = []
        if not by_name and not _leave(self.identity):
            if needs_grant(self.asked):
                return (for_grant(self.asked),)
            lacking.append(for_identity(self.asked, self.identity))
        if self.boundary is not None and not _leave(self.boundary) and not (to_be_named and ":user/" in named):
            lacking.append(for_boundary(self.asked, self.boundary_name, self.boundary))
        if self.side and self.needs_resource and not resource:
            name = self.side.policy.name if self.side.policy else None
            lacking.append(for_resource(self.asked, name, self.side.owner, self.resource))
        return tuple(lacking)


def _leave(statements: tuple[BearingStatement, ...]) -> BearingStatement | None:
    """The Allow whose conditions hold and that names the principal most directly."""
    return max((each for each in statements if each.allows and not each.unmet), key=_reach, default=None)


def _reach(statement: BearingStatement) -> Reach:
    return statement.reach


def _context(principal: Principal, request: Request, side: ResourceSide | None) -> Mapping[str, Received]:
    """All condition keys by lower case name: stated ones, and what follows from principal and resource.

    Source: IAM User Guide, "AWS global condition context keys".
    """
    stated = {key.lower(): value for key, value in request.context.items()}
    if len(stated) != len(request.context):
        raise ValueError(f"a condition key is stated twice: {', '.join(request.context)}")
    _, _, _, region, account, *_ = (*request.resource.split(":"), "", "", "", "")
    owner = side.owner if side else account
    assumed = {
        "aws:securetransport": "true",
        **({"aws:requestedregion": region} if region else {}),
        **({"aws:resourceaccount": owner} if owner else {}),
    }
    derived = {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": principal.kind,
        "aws:principalisawsservice": "false",
        **({"kms:calleraccount": principal.account} if request.action.lower().startswith("kms:") else {}),
    }
    for key in stated.keys() & derived.keys():
        if stated[key] != derived[key]:
            raise ValueError(f"{key} is stated as {stated[key]}, but {principal.arn} asks")
    return {**assumed, **stated, **derived}
