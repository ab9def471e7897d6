"""Rules for Lambda functions and who may call them."""

from __future__ import annotations

import re
from typing import Any

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, is_given, is_key_arn, look_up, require

FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"

_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_SOURCE = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?P<account>\d{12})?:[^*?].*")
_ACCOUNT = re.compile(r"\d{12}")


@resource_rule("lambda-function-require-customer-key", Severity.HIGH, ("CKV_AWS_173",), (FUNCTION,))
def require_customer_key(function: Resource) -> Findings:
    """Every function's environment is encrypted under a customer key by its full ARN."""
    yield from require(
        look_up(function.properties, "kmsKeyArn"),
        is_key_arn,
        "the function has no customer key; set kms_key_arn to the full ARN of the product's data key.",
    )


@resource_rule("lambda-function-require-dead-letters", Severity.MEDIUM, ("CKV_AWS_116",), (FUNCTION,))
def require_dead_letters(function: Resource) -> Findings:
    """Every function keeps the events that it failed on."""
    yield from require(
        look_up(function.properties, "deadLetterConfig", "targetArn"),
        is_given,
        "failed events are lost; set dead_letter_config.target_arn.",
    )


@resource_rule(
    "lambda-permission-bind-source", Severity.HIGH, ("CKV_AWS_301", "CKV_AWS_364", "Lambda.1"), (PERMISSION,)
)
def bind_source(permission: Resource) -> Findings:
    """A service may call a function for one named source of one named account only.

    A bucket's ARN carries no account: after the bucket is deleted, somebody else may own its name.
    """
    properties = permission.properties
    principal = look_up(properties, "principal")
    yield from require(
        principal,
        lambda value: is_given(value) and (value != "*" or is_given(look_up(properties, "principalOrgId"))),
        "everybody may call the function; name a principal, or the organisation in principal_org_id.",
    )
    if principal is not UNKNOWN and not (isinstance(principal, str) and _SERVICE.fullmatch(principal)):
        return
    source = look_up(properties, "sourceArn")
    yield from require(
        source, _names_one_source, "any source of the service may call the function; set source_arn without wildcards."
    )
    stated = look_up(properties, "sourceAccount")
    # An unknown principal may turn out to be none that states a source.
    account = UNKNOWN if principal is UNKNOWN and stated is None else stated
    yield from require(account, _is_account, "no account is named for the source; set source_account to its account.")


@resource_rule("lambda-url-require-authentication", Severity.CRITICAL, ("CKV_AWS_258",), (FUNCTION_URL,))
def require_url_authentication(url: Resource) -> Findings:
    """A function's URL answers signed requests only."""
    yield from require(
        look_up(url.properties, "authorizationType"),
        lambda value: value == "AWS_IAM",
        'the URL answers everybody; set authorization_type to "AWS_IAM".',
    )


def _names_one_source(value: Any) -> bool:
    return isinstance(value, str) and _SOURCE.fullmatch(value) is not None


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and _ACCOUNT.fullmatch(value) is not None
