"""What is to be added to a policy so that AWS allows a request: the smallest statement, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model.names import account_root_arn
from model.policy_statements import Asked, BearingStatement


@dataclass(frozen=True)
class Addition:
    """The smallest statement that a place lacks.

    `place` is where to add it, in a reader's words. `statement` is in the policy language, or, where `place` is a new
    grant, the parameters of `CreateGrant`. `near` says which statements there would allow the request, were it not for
    conditions that it fails.
    """

    summary: str
    place: str
    statement: Mapping[str, Any]
    near: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line: what to add, where, and what is there already."""
        return "; ".join((self.summary, *self.near))


def described(principal: str) -> str:
    """A principal in a reader's words: "role ledger-instances (222222222222)"."""
    _, _, _, _, account, resource = principal.split(":", 5)
    kind, _, name = resource.partition("/")
    return f"{kind} {name.rsplit('/', 1)[-1]} ({account})" if name else f"account root ({account})"


def needs_grant(asked: Asked) -> bool:
    """Whether only a grant of the key can make good what the principal's own policies lack.

    AWS alone writes those of a service-linked role (EC2 Auto Scaling User Guide, "Required AWS KMS key policy for use
    with encrypted volumes").
    """
    return ":role/aws-service-role/" in asked.principal and asked.action.startswith("kms:")


def for_grant(asked: Asked) -> Addition:
    """The grant of a key that allows a request by itself."""
    operation = asked.action.removeprefix("kms:")
    return Addition(
        f"grant {operation} on {asked.resource} to {asked.principal}: AWS alone writes this role's own policies",
        f"a new grant of {asked.resource}",
        {"KeyId": asked.resource, "GranteePrincipal": asked.principal, "Operations": [operation]},
    )


def for_identity(asked: Asked, statements: Iterable[BearingStatement]) -> Addition:
    """What the identity policies of the principal lack; `statements` of them bear on the request."""
    return _addition(asked, f"an identity policy of {described(asked.principal)}", statements, {})


def for_boundary(asked: Asked, boundary: str, statements: Iterable[BearingStatement]) -> Addition:
    """What the boundary of the principal lacks, by the boundary's name."""
    return _addition(asked, f"the boundary {boundary} of {described(asked.principal)}", statements, {})


def for_resource(asked: Asked, policy: str | None, owner: str, statements: Iterable[BearingStatement]) -> Addition:
    """What the resource's policy lacks, by the policy's name; None where there is no such policy yet.

    Another account is named as a whole, under a condition: a role that is deleted and made again then stays admitted,
    and the policy can be put before the role is there (IAM User Guide, "AWS JSON policy elements: Principal").
    """
    account = asked.principal.split(":")[4]
    admitted: dict[str, Any] = {"Principal": {"AWS": asked.principal}}
    if account != owner and not asked.principal.endswith(":root"):
        admitted = {
            "Principal": {"AWS": account_root_arn(account)},
            "Condition": {"ArnEquals": {"aws:PrincipalArn": asked.principal}},
        }
    added = _addition(asked, policy or f"a resource policy of {asked.resource}", statements, admitted)
    return Addition(f"{added.summary}, for {asked.principal}", added.place, added.statement, added.near)


def _addition(
    asked: Asked, place: str, statements: Iterable[BearingStatement], admitted: Mapping[str, Any]
) -> Addition:
    resource = {"Resource": "*" if admitted and asked.action.startswith("kms:") else asked.resource}
    statement: dict[str, Any] = {
        "Sid": "".join(part[:1].upper() + part[1:] for part in ("Allow", *asked.action.split(":"))),
        "Effect": "Allow",
        **({"Principal": admitted["Principal"]} if admitted else {}),
        "Action": asked.action,
        **({} if admitted and asked.for_role else resource),
        **({"Condition": admitted["Condition"]} if "Condition" in admitted else {}),
    }
    near = tuple(
        f"{each.name} allows it only under {' and under '.join(str(condition) for condition in each.unmet)}"
        for each in statements
        if each.allows and each.unmet
    )
    return Addition(f"allow {asked.action} on {asked.resource} in {place}", place, statement, near)
