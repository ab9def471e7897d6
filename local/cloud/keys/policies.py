"""What KMS demands of a key policy when it is put."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from ministack.core import iam_evaluator as evaluator

from local.cloud import identity
from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.keys.principals import unique_id

MAXIMUM = 32_768
"""Bytes of a key policy (KMS Developer Guide, "Quotas")."""

MALFORMED = "MalformedPolicyDocumentException"


def check_policy(call: Call, text: str, key_arn: str, gateway: Gateway) -> None:
    """Raise `ServiceError` where KMS would refuse a policy: grammar, size, principals that do not exist, a lockout."""
    if len(text.encode()) > MAXIMUM:
        raise ServiceError("LimitExceededException", f"The key policy exceeds {MAXIMUM} bytes.")
    statements = list(_statements(text))
    for statement in statements:
        for principal in _named(statement):
            if unique_id(principal, gateway) is None:
                raise ServiceError(MALFORMED, "Policy contains a statement with one or more invalid principals.")
    if not call.parameters.get("BypassPolicyLockoutSafetyCheck"):
        _check_lockout(call, text, key_arn)


def _statements(text: str) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ServiceError(MALFORMED, f"The policy is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ServiceError(MALFORMED, "The policy is no JSON object.")
    stated = cast(dict[str, Any], document).get("Statement")
    for statement in cast(list[Any], stated) if isinstance(stated, list) else [stated]:
        if not isinstance(statement, dict):
            raise ServiceError(MALFORMED, "The policy has a statement that is no JSON object.")
        entry = cast(dict[str, Any], statement)
        for names in (("Effect",), ("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
            if not any(name in entry for name in names):
                raise ServiceError(MALFORMED, f"Missing required field {names[0]} in a statement of the policy.")
        yield entry


def _named(statement: dict[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal", {})
    if not isinstance(principal, dict):
        return
    named = cast(dict[str, Any], principal).get("AWS", [])
    for arn in cast(list[str], named) if isinstance(named, list) else [cast(str, named)]:
        if ":role/" in arn or ":user/" in arn:
            yield arn


def _check_lockout(call: Call, text: str, key_arn: str) -> None:
    principal = identity.resolve(call.caller.credentials.access_key_id)
    request = identity.evaluation_context(
        principal, "kms:PutKeyPolicy", key_arn, call.region, {"kms:CallerAccount": call.caller.account}
    )
    if evaluator.evaluate_resource_policy(text, request).decision != "Allow":
        raise ServiceError(MALFORMED, "The new key policy will not allow you to update the key policy in the future.")
