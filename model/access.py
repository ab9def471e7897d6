"""Whether AWS lets a principal do something, predicted from policy documents alone, and what is missing where not.

Sources: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "Permissions boundaries
for IAM entities"; AWS KMS Developer Guide, "Troubleshooting AWS KMS permissions" and "Grants in AWS KMS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.conditions import UnsupportedPolicyError

__all__ = [
    "Decision",
    "Grant",
    "NamedPolicy",
    "Permissions",
    "Principal",
    "Request",
    "ResourceSide",
    "UnsupportedPolicyError",
    "decide",
]


@dataclass(frozen=True)
class Principal:
    """A role, service-linked role or user by its IAM ARN with path, or the root of an account."""

    arn: str

    @property
    def account(self) -> str:
        """The account that the principal belongs to."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class NamedPolicy:
    """A policy document, and the name by which a reader finds it.

    An example of a name: "policy golden-ami-ledger-image-key of role ledger-instances (222222222222)".
    """

    name: str
    document: Mapping[str, Any]


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

    `deciding` names the statements that allowed, or the Deny that refused: "<policy name>: <Sid>", "grant to <grantee>".
    `missing` says all that would have to be added, and where; empty where a Deny refused, as no addition helps then.
    """

    allowed: bool
    deciding: tuple[str, ...]
    missing: tuple[str, ...]


def decide(permissions: Permissions, request: Request, resource_side: ResourceSide | None = None) -> Decision:
    """Predict AWS's decision on a request; without a resource side the principal's own policies decide.

    Raises `UnsupportedPolicyError` where a policy that bears on the request holds something this model does not know.
    """
    raise UnsupportedPolicyError(f"{request.action}: evaluation is not there yet")
