"""Condition operators as the IAM User Guide describes them, a line per rule."""

from typing import Any

import pytest

from model.conditions import UnmetCondition, UnsupportedPolicyError, unmet_conditions

ROLE = "arn:aws:iam::222222222222:role/application/ledger"
CONTEXT: dict[str, str | tuple[str, ...]] = {
    "aws:principalarn": ROLE,
    "aws:securetransport": "true",
    "aws:sourceip": "192.0.2.7",
    "aws:tagkeys": ("team", "cost"),
    "aws:currenttime": "2025-03-01T12:00:00Z",
    "aws:epochtime": "1740830400",
    "s3:max-keys": "10",
    "s3:prefix": "",
    "ec2:region": "us-east-1",
    "aws:sourcearn": "arn:aws:logs:us-east-1:222222222222:log-group:build",
    "x:none": (),
}


def holds(operator: str, key: str, expected: Any) -> bool:
    return unmet_conditions({operator: {key: expected}}, CONTEXT) == ()


@pytest.mark.parametrize(
    ("operator", "key", "expected"),
    [
        ("StringEquals", "ec2:Region", "us-east-1"),
        ("StringEquals", "EC2:REGION", ["eu-west-1", "us-east-1"]),
        ("StringEquals", "s3:prefix", ["", "home/"]),
        ("stringequals", "ec2:Region", "us-east-1"),
        ("StringNotEquals", "ec2:Region", ["eu-west-1", "eu-west-2"]),
        ("StringEqualsIgnoreCase", "ec2:Region", "US-East-1"),
        ("StringNotEqualsIgnoreCase", "ec2:Region", "eu-west-1"),
        ("StringLike", "ec2:Region", "us-*-?"),
        ("StringNotLike", "ec2:Region", "eu-*"),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/*/ledger"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::222222222222:role/*"),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::222222222222:role/ledger"),
        ("ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::1*:role/*", "arn:aws:sts::*:*"]),
        ("Bool", "aws:SecureTransport", "true"),
        ("Bool", "aws:SecureTransport", True),
        ("Null", "aws:SecureTransport", "false"),
        ("Null", "kms:ViaService", "true"),
        ("Null", "x:none", True),
        ("NumericEquals", "s3:max-keys", 10),
        ("NumericEquals", "s3:max-keys", "10.0"),
        ("NumericNotEquals", "s3:max-keys", "11"),
        ("NumericLessThan", "s3:max-keys", "10.5"),
        ("NumericLessThanEquals", "s3:max-keys", "10"),
        ("NumericGreaterThan", "s3:max-keys", "9"),
        ("NumericGreaterThanEquals", "s3:max-keys", "10"),
        ("DateEquals", "aws:CurrentTime", "2025-03-01T13:00:00+01:00"),
        ("DateEquals", "aws:EpochTime", "2025-03-01T12:00:00Z"),
        ("DateNotEquals", "aws:CurrentTime", "2025-03-01T12:00:01Z"),
        ("DateLessThan", "aws:CurrentTime", "2025-03-02"),
        ("DateLessThanEquals", "aws:CurrentTime", "1740830400"),
        ("DateGreaterThan", "aws:CurrentTime", "2025-03-01"),
        ("DateGreaterThanEquals", "aws:CurrentTime", "2025-03-01T12:00:00Z"),
        ("IpAddress", "aws:SourceIp", ["198.51.100.0/24", "192.0.2.0/24"]),
        ("IpAddress", "aws:SourceIp", "192.0.2.7"),
        ("NotIpAddress", "aws:SourceIp", ["198.51.100.0/24", "2001:db8::/32"]),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost", "owner"]),
        ("ForAnyValue:StringLike", "aws:TagKeys", "te*"),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", "team"),
        ("ForAllValues:StringEquals", "ec2:Region", "us-east-1"),
    ],
)
def test_a_condition_holds_where_the_value_fits(operator: str, key: str, expected: Any) -> None:
    assert holds(operator, key, expected)


@pytest.mark.parametrize(
    ("operator", "key", "expected"),
    [
        ("StringEquals", "ec2:Region", "US-EAST-1"),
        ("StringEquals", "ec2:Region", "us-*"),
        ("StringNotEquals", "ec2:Region", ["us-east-1", "eu-west-1"]),
        ("StringLike", "ec2:Region", "US-*"),
        ("StringLike", "ec2:Region", "us"),
        ("StringNotLike", "ec2:Region", ["eu-*", "us-*"]),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::222222222222:role/ledger"),
        ("ArnLike", "aws:SourceArn", "arn:aws:*:222222222222:log-group:*"),
        ("ArnLike", "ec2:Region", "arn:*:*:*:*:*"),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*"),
        ("Bool", "aws:SecureTransport", "false"),
        ("Null", "aws:SecureTransport", "true"),
        ("Null", "kms:ViaService", "false"),
        ("NumericLessThan", "s3:max-keys", "9"),
        ("NumericLessThan", "s3:max-keys", "10"),
        ("NumericGreaterThan", "s3:max-keys", "10"),
        ("DateLessThan", "aws:CurrentTime", "2025-03-01T12:00:00Z"),
        ("DateGreaterThan", "aws:CurrentTime", "2025-03-01T12:00:00Z"),
        ("IpAddress", "aws:SourceIp", "198.51.100.0/24"),
        ("NotIpAddress", "aws:SourceIp", ["198.51.100.0/24", "192.0.2.0/24"]),
        ("ForAllValues:StringEquals", "aws:TagKeys", "team"),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "owner"),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", "team"),
        ("ForAnyValue:StringNotLike", "aws:TagKeys", ["te*", "c*"]),
    ],
)
def test_a_condition_fails_where_the_value_does_not_fit(operator: str, key: str, expected: Any) -> None:
    assert not holds(operator, key, expected)


@pytest.mark.parametrize(
    ("operator", "satisfied"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
@pytest.mark.parametrize("key", ["kms:ViaService", "x:none"])
def test_what_an_absent_key_satisfies(operator: str, satisfied: bool, key: str) -> None:
    assert holds(operator, key, "ec2.us-east-1.amazonaws.com") == satisfied


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("StringEqualsIfExists", "eu-west-1"), ("StringNotEqualsIfExists", "us-east-1")],
)
def test_if_exists_still_judges_a_key_that_is_there(operator: str, expected: str) -> None:
    assert not holds(operator, "ec2:Region", expected)


@pytest.mark.parametrize(
    ("operator", "key", "expected"),
    [
        ("BinaryEquals", "x:y", "QmluYXJ5"),
        ("StringMatches", "ec2:Region", "us"),
        ("ForSomeValues:StringEquals", "ec2:Region", "us"),
        ("NullIfExists", "ec2:Region", "true"),
        ("ForAllValues:Null", "ec2:Region", "true"),
        ("Null", "ec2:Region", "yes"),
        ("Null", "ec2:Region", ["true", "false"]),
        ("Bool", "aws:SecureTransport", "yes"),
        ("StringEquals", "aws:TagKeys", "team"),
        ("StringLike", "s3:prefix", "${aws:username}/*"),
        ("StringEquals", "ec2:Region", []),
        ("StringEquals", "ec2:Region", {"a": "b"}),
        ("StringEquals", "ec2:Region", None),
        ("ArnLike", "aws:PrincipalArn", "*"),
        ("NumericEquals", "s3:max-keys", "ten"),
        ("NumericEquals", "ec2:Region", "10"),
        ("NumericEquals", "s3:max-keys", "NaN"),
        ("DateEquals", "aws:CurrentTime", "yesterday"),
        ("DateEquals", "ec2:Region", "2025-03-01"),
        ("IpAddress", "aws:SourceIp", "192.0.2.0/99"),
        ("IpAddress", "ec2:Region", "192.0.2.0/24"),
        ("StringNotEquals", "aws:RequestedRegion", "eu-west-1"),
        ("Null", "aws:userid", "true"),
    ],
)
def test_what_is_not_known_is_an_error_that_names_operator_and_key(operator: str, key: str, expected: Any) -> None:
    with pytest.raises(UnsupportedPolicyError, match=f"^{operator} {key}: "):
        holds(operator, key, expected)


def test_what_is_not_known_is_an_error_beside_a_value_that_fits() -> None:
    with pytest.raises(UnsupportedPolicyError):
        holds("IpAddress", "aws:SourceIp", ["192.0.2.7", "somewhere"])


def test_all_conditions_must_hold_and_each_that_fails_is_told() -> None:
    conditions = {
        "StringEquals": {"ec2:Region": "us-east-1", "kms:ViaService": ["a", "b"]},
        "Bool": {"aws:SecureTransport": "false"},
    }
    unmet = unmet_conditions(conditions, CONTEXT)
    assert unmet == (
        UnmetCondition("StringEquals", "kms:ViaService", ("a", "b"), None),
        UnmetCondition("Bool", "aws:SecureTransport", ("false",), "true"),
    )
    assert [str(condition) for condition in unmet] == [
        'StringEquals kms:ViaService "a" or "b", and the request has none',
        'Bool aws:SecureTransport "false", and the request has "true"',
    ]
