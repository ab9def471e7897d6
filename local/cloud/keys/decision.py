"""Whether a principal may use a key: key policy, identity policies and grants together.

Source: KMS Developer Guide, "Troubleshooting key access" and "Allowing users in other accounts to use a KMS key".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ministack.core import iam_evaluator as evaluator

from local.cloud import identity
from local.cloud.call import Call, ServiceError
from local.cloud.keys.grants import Grant, covers

RESOURCE_ALIASES = "kms:ResourceAliases"
"""Aliases of the key that a call is about, whatever name the call gave it."""

ALLOW_ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def encryption_context(call: Call, action: str) -> Mapping[str, str]:
    """The encryption context of a call; a re-encryption has one for each of its keys."""
    side = {"kms:ReEncryptFrom": "Source", "kms:ReEncryptTo": "Destination"}.get(action, "")
    return call.parameters.get(f"{side}EncryptionContext", {})


def condition_keys(call: Call, action: str) -> dict[str, Any]:
    """Condition keys of KMS that a call carries (KMS Developer Guide, "AWS KMS condition keys")."""
    parameters = call.parameters
    context = encryption_context(call, action)
    keys: dict[str, Any] = {"kms:CallerAccount": call.caller.account, **call.context}
    keys |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    if context:
        keys["kms:EncryptionContextKeys"] = list(context)
    if action == "kms:CreateGrant":
        keys["kms:GranteePrincipal"] = parameters.get("GranteePrincipal", "")
        keys["kms:GrantOperations"] = list(parameters.get("Operations", []))
        if "RetiringPrincipal" in parameters:
            keys["kms:RetiringPrincipal"] = parameters["RetiringPrincipal"]
        if constraints := parameters.get("Constraints"):
            keys["kms:GrantConstraintType"] = next(iter(constraints))
    if action in {"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"}:
        # True exactly where an integrated service asks on its caller's behalf.
        keys["kms:GrantIsForAWSResource"] = str("kms:ViaService" in call.context).lower()
    return keys


def decide(
    call: Call, action: str, key_arn: str, policy: str, grants: Iterable[Grant], aliases: Callable[[], Sequence[str]]
) -> None:
    """Raise `ServiceError` (AccessDeniedException, in AWS's words) unless the call may use the key.

    `grants` are the caller's own; `aliases` tells the key's, and is asked only where a policy speaks of them.
    """
    principal = identity.resolve(call.caller.credentials.access_key_id)
    owner = key_arn.split(":")[4]
    context = condition_keys(call, action)
    if RESOURCE_ALIASES in policy or RESOURCE_ALIASES in str(principal.policies):
        context[RESOURCE_ALIASES] = list(aliases())
    request = identity.evaluation_context(principal, action, key_arn, key_arn.split(":")[3], context)
    policies = [evaluator.parse_policy_document(ALLOW_ALL)] if principal.policies is None else principal.policies
    by_identity = evaluator.evaluate(request, policies, *principal.limits)
    by_policy = evaluator.evaluate_resource_policy(policy, request)
    together = evaluator.combine_resource_policy(
        by_identity, request, policy, owner, required=True, limits=tuple(principal.limits)
    )
    if together.decision == "Allow":
        return
    denied = "Deny" in {by_identity.decision, by_policy.decision}
    if not denied and any(covers(grant, call, action, encryption_context(call, action)) for grant in grants):
        return
    kind = "identity" if by_identity.decision == "Deny" else "resource"
    if not denied:
        kind = "identity" if by_policy.decision == "Allow" else "resource"
    message = identity.denial(principal.arn, action, key_arn, "Deny" if denied else "ImplicitDeny", kind)
    raise ServiceError("AccessDeniedException", message, 400)
