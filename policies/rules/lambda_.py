"""Rules for Lambda functions and who may call them."""

from __future__ import annotations

import re
from typing import Any, cast

from pulumi_policy import Severity

from .launch_settings import SECRETS
from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, is_given, is_key_arn, is_known_list, look_up, require

FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"

RUNTIMES = frozenset(
    (
        *(f"python3.{minor}" for minor in (11, 12, 13, 14, 15)),
        *(f"nodejs{major}.x" for major in (22, 24, 26)),
        *("java8.al2", "java11", "java17", "java8.al2023", "java11.al2023", "java17.al2023", "java21", "java25"),
        *("dotnet10", "ruby3.3", "ruby3.4", "ruby4.0", "provided.al2023"),
    )
)
"""What AWS still patches at the end of 2026 (Lambda Developer Guide, "Lambda runtimes")."""

_SECRET_NAME = re.compile(
    r".*(?:password|passwd|passphrase|secret[_-]?(?:access[_-]?)?key|(?:api|private)[_-]?key|"
    r"(?:access|auth|session)[_-]?token)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"arn:aws[a-z-]*:(?:secretsmanager|ssm):.+")
"""Where a secret lies, which is none itself."""

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


@resource_rule("lambda-function-require-trace", Severity.LOW, ("CKV_AWS_50", "AWS-0066", "Lambda.7"), (FUNCTION,))
def require_trace(function: Resource) -> Findings:
    """Every function is traced."""
    yield from require(
        look_up(function.properties, "tracingConfig", "mode"),
        lambda mode: mode == "Active",
        'calls are not traced; set tracing_config.mode to "Active".',
    )


@resource_rule("lambda-function-require-supported-runtime", Severity.MEDIUM, ("CKV_AWS_363", "Lambda.2"), (FUNCTION,))
def require_supported_runtime(function: Resource) -> Findings:
    """Every function runs on a runtime that AWS still patches, unless it brings its own in an image."""
    package = look_up(function.properties, "packageType")
    if package == "Image":
        return
    runtime = look_up(function.properties, "runtime")
    # An unknown package may turn out to be an image, which has no runtime.
    yield from require(
        UNKNOWN if package is UNKNOWN and not is_given(runtime) else runtime,
        lambda value: isinstance(value, str) and value in RUNTIMES,
        'AWS does not patch the runtime, or none is stated; set runtime to a supported one, such as "python3.13".',
    )


@resource_rule("lambda-function-forbid-secrets", Severity.CRITICAL, ("CKV_AWS_45",), (FUNCTION,))
def forbid_secrets(function: Resource) -> Findings:
    """No function holds a key or a password in its environment."""
    variables = look_up(function.properties, "environment", "variables")
    advice = "read it from Secrets Manager, and set environment.variables to the secret's ARN at most."
    if variables is UNKNOWN:
        yield from require(UNKNOWN, is_given, f"the environment may hold a secret; {advice}")
    elif isinstance(variables, dict):
        for name, variable in cast(dict[str, Any], variables).items():
            yield from require(
                variable,
                lambda value, name=name: not _is_secret(name, value),
                f"environment variable {name} holds a secret, open to all who may read the function; {advice}",
            )


@resource_rule("lambda-function-require-concurrency-limit", Severity.LOW, ("CKV_AWS_115",), (FUNCTION,))
def require_concurrency_limit(function: Resource) -> Findings:
    """Every function states how many calls of it run at once."""
    yield from require(
        look_up(function.properties, "reservedConcurrentExecutions"),
        lambda limit: isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0,
        "the function may use up the account's concurrency; set reserved_concurrent_executions.",
    )


@resource_rule("lambda-function-require-vpc", Severity.LOW, ("CKV_AWS_117", "Lambda.3"), (FUNCTION,))
def require_vpc(function: Resource) -> Findings:
    """Every function runs in subnets and security groups of a VPC."""
    for name, argument in (("subnetIds", "subnet_ids"), ("securityGroupIds", "security_group_ids")):
        yield from require(
            look_up(function.properties, "vpcConfig", name),
            is_known_list,
            f"the function runs outside a VPC; set vpc_config.{argument}.",
        )


@resource_rule("lambda-function-require-code-signing", Severity.MEDIUM, ("CKV_AWS_272",), (FUNCTION,))
def require_code_signing(function: Resource) -> Findings:
    """Every function runs signed code only."""
    yield from require(
        look_up(function.properties, "codeSigningConfigArn"),
        is_given,
        "the function runs code that nobody signed; set code_signing_config_arn.",
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


def _is_secret(name: str, value: Any) -> bool:
    if not isinstance(value, str) or not value:
        return False
    named = _SECRET_NAME.fullmatch(name) is not None and not _REFERENCE.fullmatch(value)
    return named or SECRETS.search(value) is not None


def _names_one_source(value: Any) -> bool:
    return isinstance(value, str) and _SOURCE.fullmatch(value) is not None


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and _ACCOUNT.fullmatch(value) is not None
