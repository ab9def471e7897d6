"""Grants: whom they may name, what they allow, and who may end them.

Source: KMS Developer Guide, "Grants in AWS KMS", "Creating grants" and "Retiring and revoking grants".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_evaluator as evaluator

from local.cloud import identity
from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.keys.principals import unique_id
from local.cloud.ministack_corrections import role_arn_of

Grant = Mapping[str, Any]

ACCOUNT_ROOT = re.compile(r"arn:aws:iam::\d{12}:root")
ROLE_OR_USER = re.compile(r"arn:aws:iam::\d{12}:(role|user)/[\w+=,.@/-]+")
SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([\w+=,.@:-]+)/[\w+=,.@-]+")

WITHOUT_CONTEXT = frozenset({"CreateGrant", "DescribeKey", "RetireGrant"})
"""Operations to which a grant's encryption context does not apply (API Reference, GrantConstraints)."""


class GrantBook:
    """What KMS notes of a grant and ministack does not: the account that made it, its tokens, its grantee's id."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._issuers: dict[str, str] = {}
        self._grantees: dict[str, str] = {}
        self._tokens: dict[str, tuple[str, str]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._issuers.clear()
        self._grantees.clear()
        self._tokens.clear()

    def grantee_of(self, call: Call) -> str:
        """Unique id of a new grant's grantee, or its ARN where that is no role or user.

        Raises `ServiceError` (InvalidArnException) where the grant would name a principal that does not exist.
        """
        parameters = call.parameters
        if services := sorted(set(parameters) & {"GranteeServicePrincipal", "RetiringServicePrincipal"}):
            message = f"The local cloud's CreateGrant does not heed {', '.join(services)}."
            raise ServiceError("UnsupportedOperation", message, 501)
        if "GranteePrincipal" not in parameters:
            raise ServiceError("ValidationException", "GranteePrincipal is required.")
        if "RetiringPrincipal" in parameters:
            self._principal(parameters["RetiringPrincipal"], call)
        return self._principal(parameters["GranteePrincipal"], call)

    def _principal(self, arn: str, call: Call) -> str:
        session = SESSION.fullmatch(arn)
        found: str | None = None
        if ROLE_OR_USER.fullmatch(arn):
            found = unique_id(arn, self._gateway)
        elif session and session[2].startswith("aws:"):
            # AWS's own identities: only the service that they belong to names them.
            found = arn if "kms:ViaService" in call.context else None
        elif session:
            found = arn if unique_id(role_arn_of(arn), self._gateway) else None
        elif ACCOUNT_ROOT.fullmatch(arn):
            found = arn
        if found is None:
            raise ServiceError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")
        return found

    def note(self, call: Call, key_arn: str, made: Mapping[str, Any], grantee: str) -> None:
        """Remember a grant that a call made; the retry of a named one finds it again, with another token."""
        self._tokens[made["GrantToken"]] = (key_arn, made["GrantId"])
        self._issuers.setdefault(made["GrantId"], call.caller.account)
        self._grantees.setdefault(made["GrantId"], grantee)

    def shown(self, grant: Grant) -> dict[str, Any]:
        """A grant as ListGrants tells it, with the account that made it."""
        issuer = self._issuers.get(grant["GrantId"])
        return {**grant, "IssuingAccount": f"arn:aws:iam::{issuer}:root"} if issuer else dict(grant)

    def of_caller(self, call: Call, grants: Iterable[Grant]) -> list[Grant]:
        """The grants whose grantee calls; one whose grantee was deleted and made again is nobody's."""
        mine = {call.caller.arn, role_arn_of(call.caller.arn)}
        return [grant for grant in grants if grant["GranteePrincipal"] in mine and self._is_live(grant)]

    def _is_live(self, grant: Grant) -> bool:
        grantee: str = grant["GranteePrincipal"]
        return self._grantees.get(grant["GrantId"], grantee) in {grantee, unique_id(grantee, self._gateway)}

    def behind(self, token: str) -> tuple[str, str]:
        """ARN of the key and id of the grant of a token; raises `ServiceError`."""
        if token not in self._tokens:
            raise ServiceError("InvalidGrantTokenException", "Invalid grant token.")
        return self._tokens[token]


def covers(grant: Grant, call: Call, action: str, context: Mapping[str, str]) -> bool:
    """Whether a grant allows its grantee a call with an encryption context; it needs no policy beside it."""
    operation = action.removeprefix("kms:")
    if operation not in grant["Operations"]:
        return False
    if operation == "CreateGrant":
        return _contains(grant, call.parameters)
    constraints = grant.get("Constraints") or {}
    if operation in WITHOUT_CONTEXT:
        return True
    equals: Mapping[str, str] | None = constraints.get("EncryptionContextEquals")
    if equals is not None and dict(equals) != dict(context):
        return False
    subset: Mapping[str, str] = constraints.get("EncryptionContextSubset") or {}
    return subset.items() <= context.items()


def _contains(parent: Grant, made: Mapping[str, Any]) -> bool:
    """Whether a grant that is made by another one's leave is at most as permissive ("Granting CreateGrant")."""
    if not set(made.get("Operations", [])) <= set(parent["Operations"]):
        return False
    outer: Mapping[str, Mapping[str, str]] = parent.get("Constraints") or {}
    inner: Mapping[str, Mapping[str, str]] = made.get("Constraints") or {}
    equals = inner.get("EncryptionContextEquals")
    required = outer.get("EncryptionContextEquals")
    if required is not None and (equals is None or dict(equals) != dict(required)):
        return False
    stated: Mapping[str, str] = equals or inner.get("EncryptionContextSubset") or {}
    subset: Mapping[str, str] = outer.get("EncryptionContextSubset") or {}
    return subset.items() <= stated.items()


def check_retiring(call: Call, key_arn: str, grant: Grant) -> None:
    """Raise `ServiceError` (AccessDeniedException) unless the caller may retire a grant.

    The grant itself says who may; the key's account, the one that made the grant and one that is its retiring
    principal may let others do so by identity policies. A key policy has no say.
    """
    principal = identity.resolve(call.caller.credentials.access_key_id)
    context = {"kms:CallerAccount": call.caller.account, **call.context}
    request = identity.evaluation_context(principal, "kms:RetireGrant", key_arn, key_arn.split(":")[3], context)
    decision = (
        "Allow"
        if principal.policies is None
        else evaluator.evaluate(request, principal.policies, *principal.limits).decision
    )
    mine = {principal.arn, role_arn_of(principal.arn)}
    named = grant.get("RetiringPrincipal") in mine or (
        grant["GranteePrincipal"] in mine and "RetireGrant" in grant["Operations"]
    )
    roots = {grant["IssuingAccount"], grant.get("RetiringPrincipal"), f"arn:aws:iam::{key_arn.split(':')[4]}:root"}
    delegated = f"arn:aws:iam::{call.caller.account}:root" in roots and decision == "Allow"
    if decision == "Deny" or not (named or delegated):
        message = identity.denial(principal.arn, "kms:RetireGrant", key_arn, decision, "identity")
        raise ServiceError("AccessDeniedException", message, 400)
