"""What the pack asks of functions beside keys, dead letters and callers."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import lambda_
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, changed, verdict

KEY_ID = "AKIA" + "A" * 16
SESSION_KEY_ID = "ASIA" + "B2" * 8
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:111111111111:secret:database-a1b2c3"


@pytest.mark.parametrize(
    ("tracing", "expected"),
    [
        ({"mode": "Active"}, KEPT),
        ({"mode": "Active", "other": UNKNOWN}, KEPT),
        ({"mode": "PassThrough"}, BROKEN),
        ({"mode": ""}, BROKEN),
        ({}, BROKEN),
        (None, BROKEN),
        ({"mode": UNKNOWN}, PENDING),
        (UNKNOWN, PENDING),
    ],
)
def test_a_function_is_traced(tracing: Any, expected: str) -> None:
    assert verdict(lambda_.require_trace, changed({}, tracing, "tracingConfig")) == expected


RUNTIMES: list[tuple[dict[str, Any], str]] = [
    *(({"runtime": runtime}, KEPT) for runtime in sorted(lambda_.RUNTIMES)),
    ({"runtime": "python3.13", "packageType": "Zip"}, KEPT),
    ({"runtime": "python3.13", "packageType": UNKNOWN}, KEPT),
    ({"packageType": "Image"}, KEPT),
    ({"packageType": "Image", "runtime": ""}, KEPT),
    *(
        ({"runtime": runtime}, BROKEN)
        for runtime in ("python3.9", "python3.10", "nodejs20.x", "dotnet8", "ruby3.2", "provided.al2", "go1.x", "", 3)
    ),
    ({"runtime": "python3.8", "packageType": UNKNOWN}, BROKEN),
    ({"packageType": "Zip"}, BROKEN),
    ({}, BROKEN),
    ({"runtime": UNKNOWN}, PENDING),
    ({"packageType": UNKNOWN}, PENDING),
]


@pytest.mark.parametrize(("properties", "expected"), RUNTIMES)
def test_a_function_runs_on_a_runtime_that_aws_patches_or_brings_an_image(
    properties: dict[str, Any], expected: str
) -> None:
    assert verdict(lambda_.require_supported_runtime, properties) == expected


VARIABLES: list[tuple[Any, str]] = [
    ({}, KEPT),
    ({"PRODUCT": "ledger", "KEY": "arn:aws:kms:us-east-1:111111111111:key/0123"}, KEPT),
    ({"DB_PASSWORD": SECRET_ARN}, KEPT),
    ({"DB_PASSWORD": "arn:aws:ssm:us-east-1:111111111111:parameter/database"}, KEPT),
    ({"DB_PASSWORD": ""}, KEPT),
    ({"PASSWORD_POLICY": "long"}, KEPT),
    ({"PRODUCT": f"X{KEY_ID}"}, KEPT),
    ({"PRODUCT": KEY_ID}, BROKEN),
    ({"PRODUCT": f"key={SESSION_KEY_ID}"}, BROKEN),
    ({"PRODUCT": "-----BEGIN RSA PRIVATE KEY-----\nMII"}, BROKEN),
    ({"PRODUCT": "-----BEGIN PRIVATE KEY-----"}, BROKEN),
    ({"AWS_SECRET_ACCESS_KEY": "short"}, BROKEN),
    ({"DB_PASSWORD": "hunter2"}, BROKEN),
    ({"dbPassword": "hunter2"}, BROKEN),
    ({"DB_PASSWORD": "arn:aws:kms:us-east-1:111111111111:key/0123"}, BROKEN),
    ({"MAIL_API_KEY": "0123"}, BROKEN),
    ({"AUTH_TOKEN": "0123"}, BROKEN),
    ({"PRODUCT": "ledger", "LAST": KEY_ID}, BROKEN),
    ({"PRODUCT": UNKNOWN, "LAST": KEY_ID}, BROKEN),
    ({"PRODUCT": "ledger", "LAST": UNKNOWN}, PENDING),
    (UNKNOWN, PENDING),
    (None, KEPT),
]


@pytest.mark.parametrize(("variables", "expected"), VARIABLES)
def test_no_environment_holds_a_secret(variables: Any, expected: str) -> None:
    assert verdict(lambda_.forbid_secrets, changed({}, variables, "environment", "variables")) == expected


@pytest.mark.parametrize(("environment", "expected"), [(None, KEPT), (UNKNOWN, PENDING)])
def test_a_function_without_an_environment_holds_no_secret(environment: Any, expected: str) -> None:
    assert verdict(lambda_.forbid_secrets, changed({}, environment, "environment")) == expected


def test_what_is_said_of_a_secret_names_the_variable_and_never_its_value() -> None:
    function = lambda_.Resource(
        lambda_.FUNCTION, "tested", {"environment": {"variables": {"FIRST": KEY_ID, "PASSWORD": "hunter2"}}}
    )
    first, second = (finding.message for finding in lambda_.forbid_secrets.check(function))
    assert "FIRST" in first
    assert "PASSWORD" in second
    assert KEY_ID not in first
    assert "hunter2" not in second


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, KEPT),
        (50.0, KEPT),
        (0, KEPT),
        (-1, BROKEN),
        ("5", BROKEN),
        (True, BROKEN),
        (None, BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_a_function_states_how_many_calls_run_at_once(limit: Any, expected: str) -> None:
    properties = changed({}, limit, "reservedConcurrentExecutions")
    assert verdict(lambda_.require_concurrency_limit, properties) == expected


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}, KEPT),
        ({"subnetIds": [UNKNOWN, "subnet-2"], "securityGroupIds": [UNKNOWN]}, KEPT),
        ({"subnetIds": ["subnet-1"], "securityGroupIds": []}, BROKEN),
        ({"subnetIds": ["subnet-1"]}, BROKEN),
        ({"securityGroupIds": ["sg-1"]}, BROKEN),
        ({"subnetIds": UNKNOWN}, BROKEN),
        ({}, BROKEN),
        (None, BROKEN),
        ({"subnetIds": UNKNOWN, "securityGroupIds": ["sg-1"]}, PENDING),
        (UNKNOWN, PENDING),
    ],
)
def test_a_function_runs_in_a_vpc(network: Any, expected: str) -> None:
    assert verdict(lambda_.require_vpc, changed({}, network, "vpcConfig")) == expected


SIGNING = "arn:aws:lambda:us-east-1:111111111111:code-signing-config:csc-0123"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"codeSigningConfigArn": SIGNING}, KEPT),
        ({"codeSigningConfigArn": SIGNING, "packageType": "Zip"}, KEPT),
        ({"codeSigningConfigArn": ""}, BROKEN),
        ({"codeSigningConfigArn": "", "packageType": "Image"}, BROKEN),
        ({}, BROKEN),
        ({"codeSigningConfigArn": UNKNOWN}, PENDING),
    ],
)
def test_a_function_runs_signed_code_only(properties: dict[str, Any], expected: str) -> None:
    assert verdict(lambda_.require_code_signing, properties) == expected
