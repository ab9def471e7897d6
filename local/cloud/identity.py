"""Who calls and what identity policies allow, decided by ministack's own evaluator.

This module is the only one that touches ministack's request context; everything else goes through requests.
"""

from __future__ import annotations

import contextvars
import json
import secrets
import string
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import parse_qs

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import sts

from local.cloud.call import Caller, Credentials, ServiceError

SESSION_SECONDS = 3600


def authenticate(scope: Mapping[str, Any], body: bytes, access_key_id: str, region: str) -> Caller:
    """Check a request's signature and tell its caller.

    Raises `ServiceError` with the code that AWS gives: InvalidClientTokenId, SignatureDoesNotMatch, …
    """
    return contextvars.Context().run(_authenticate, scope, body, access_key_id, region)


def _authenticate(scope: Mapping[str, Any], body: bytes, access_key_id: str, region: str) -> Caller:
    account = evaluator.find_iam_access_key_account(access_key_id) or access_key_id
    set_request_account_id(account)
    set_request_region(region)
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    raw_headers = cast(list[tuple[bytes, bytes]], list(scope["headers"]))
    raw_path = cast(bytes, scope.get("raw_path") or scope["path"].encode())
    evaluator.pin_signed_request(scope["method"], raw_path.decode("latin-1"), query, raw_headers)
    evaluator.pin_signed_body(body)
    checked = evaluator.authenticate(access_key_id, account)
    if isinstance(checked, evaluator.AuthError):
        raise ServiceError(checked.code, checked.message, 403)
    principal = resolve(access_key_id)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in raw_headers}
    secret = checked.secret_access_key if checked else "root"
    credentials = Credentials(access_key_id, secret, headers.get("x-amz-security-token"))
    return Caller(principal.account, principal.arn, credentials)


def resolve(access_key_id: str) -> evaluator.PrincipalInfo:
    """The principal behind an access key, with its policies; raises `ServiceError` for an unknown one."""
    return contextvars.Context().run(_resolve, access_key_id)


def _resolve(access_key_id: str) -> evaluator.PrincipalInfo:
    account = evaluator.find_iam_access_key_account(access_key_id) or access_key_id
    # ministack keeps inline policies by the request's account.
    set_request_account_id(account)
    principal = evaluator.resolve_principal(access_key_id, account)
    if isinstance(principal, evaluator.AuthError):
        raise ServiceError(principal.code, principal.message, 403)
    return principal


def evaluation_context(
    principal: evaluator.PrincipalInfo, action: str, resource_arn: str, region: str, context: Mapping[str, Any]
) -> evaluator.EvalContext:
    """The request as policies see it; names of condition keys do not heed case.

    The loopback stands for TLS unless the context says `aws:SecureTransport` otherwise.
    """
    return evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource_arn,
        region=region,
        secure_transport=context.get("aws:SecureTransport") != "false",
        service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in context.items()}},
        principal_keys=principal.keys,
    )


def authorize(
    access_key_id: str, action: str, resource_arn: str, region: str, context: Mapping[str, Any], code: str
) -> None:
    """Hold a call against its caller's identity policies, boundary and session policies.

    Raises `ServiceError` with the given code and AWS's words (IAM User Guide, "Troubleshoot access denied errors").
    """
    principal = resolve(access_key_id)
    if principal.policies is None:
        return
    request = evaluation_context(principal, action, resource_arn, region, context)
    decision = evaluator.evaluate(request, principal.policies, *principal.limits).decision
    if decision != "Allow":
        raise ServiceError(code, denial(principal.arn, action, resource_arn, decision, "identity"), 403)


def denial(arn: str, action: str, resource_arn: str, decision: str, kind: str) -> str:
    """AWS's words for a refusal; `kind` is the policy type that decided: identity or resource."""
    because = (
        f"with an explicit deny in {'an' if kind == 'identity' else 'a'} {kind}-based policy"
        if decision == "Deny"
        else f"because no {kind}-based policy allows the {action} action"
    )
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource_arn} {because}"


def admits_service(
    policy: Mapping[str, Any] | str, service: str, action: str, resource_arn: str, context: Mapping[str, str]
) -> bool:
    """Whether a resource's own policy admits an AWS service that calls in its own name.

    `context` holds the condition keys of the call; services call under TLS.
    """
    request = evaluator.EvalContext(
        # No account's principal: what a policy grants to an account, it does not grant to a service.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=resource_arn.split(":")[3],
        secure_transport=True,
        service_context={key.lower(): value for key, value in context.items()},
    )
    document = cast(dict[str, Any], policy)
    return evaluator.evaluate_resource_policy(document, request, service=service).decision == "Allow"


def trusts_service(
    trust_policy: Mapping[str, Any] | str, service: str, role_arn: str, context: Mapping[str, str]
) -> bool:
    """Whether a role's trust policy names an AWS service and admits it under the given condition keys.

    A role that everybody may take is not a service's role.
    """
    document = cast(dict[str, Any], json.loads(trust_policy) if isinstance(trust_policy, str) else trust_policy)
    statements = [
        statement
        for statement in _list(document.get("Statement"))
        if isinstance(statement.get("Principal"), dict) and service in _list(statement["Principal"].get("Service"))
    ]
    return admits_service({"Statement": statements}, service, "sts:AssumeRole", role_arn, context)


def service_session(role_arn: str, session_name: str, now: float) -> Credentials:
    """Temporary credentials of a role, as STS hands them to an AWS service that the role trusts."""
    account = role_arn.split(":")[4]
    role = role_arn.rsplit("/", 1)[-1]
    alphabet = string.ascii_uppercase + string.digits
    access_key_id = "ASIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    credentials = Credentials(access_key_id, secrets.token_urlsafe(30), secrets.token_urlsafe(60))
    sts.register_session(
        access_key_id,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session_name}",
            "UserId": f"{role}:{session_name}",
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": now + SESSION_SECONDS,
        },
    )
    return credentials


def known_credentials(access_key_id: str) -> Credentials:
    """The whole credentials behind an access key that the cloud handed out itself; raises `ServiceError`."""
    principal = resolve(access_key_id)
    found = evaluator.resolve_credential(access_key_id, principal.account)
    if isinstance(found, evaluator.CredentialResolutionError):
        raise ServiceError(found.code, found.message, 403)
    return Credentials(access_key_id, found.secret_access_key, found.session_token)


def caller_of(credentials: Credentials) -> Caller:
    """The caller behind credentials that the cloud itself handed out."""
    principal = resolve(credentials.access_key_id)
    return Caller(principal.account, principal.arn, credentials)


def _list(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    return cast(list[Any], value) if isinstance(value, list) else [value]
