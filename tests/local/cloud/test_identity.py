"""Trust policies for services, and the words of a refusal."""

import json
from typing import Any

import pytest

from local.cloud import identity
from local.cloud.call import ServiceError

HUB = "111111111111"
ROLE = f"arn:aws:iam::{HUB}:role/build"
SERVICE = "imagebuilder.amazonaws.com"


def statement(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal, **more}


def trusts(*statements: dict[str, Any], **context: str) -> bool:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    found = identity.trusts_service(document, SERVICE, ROLE, context)
    assert identity.trusts_service(json.dumps(document), SERVICE, ROLE, context) is found
    return found


@pytest.mark.parametrize("principal", [{"Service": SERVICE}, {"Service": ["ec2.amazonaws.com", SERVICE]}])
def test_a_service_that_is_named_is_trusted(principal: Any) -> None:
    assert trusts(statement(principal))


@pytest.mark.parametrize(
    "principal", [{"Service": "ec2.amazonaws.com"}, {"Service": f"x{SERVICE}"}, {"AWS": SERVICE}, {"AWS": "*"}, "*", {}]
)
def test_a_service_that_is_not_named_is_not_trusted(principal: Any) -> None:
    assert not trusts(statement(principal))


def test_a_single_statement_need_not_be_a_list() -> None:
    document = {"Version": "2012-10-17", "Statement": statement({"Service": SERVICE})}
    assert identity.trusts_service(document, SERVICE, ROLE, {})
    assert not identity.trusts_service({"Version": "2012-10-17"}, SERVICE, ROLE, {})


def test_another_action_does_not_admit_a_service() -> None:
    assert not trusts({**statement({"Service": SERVICE}), "Action": "sts:TagSession"})


def test_a_deny_outweighs_what_is_allowed() -> None:
    named = {"Service": SERVICE}
    assert not trusts(statement(named), statement(named, effect="Deny"))
    assert trusts(statement(named), statement({"Service": "ec2.amazonaws.com"}, effect="Deny"))


def test_a_condition_holds_for_a_service_as_for_anybody() -> None:
    only = statement({"Service": SERVICE}, Condition={"StringEquals": {"aws:SourceAccount": HUB}})
    assert trusts(only, **{"aws:SourceAccount": HUB})
    assert not trusts(only, **{"aws:SourceAccount": "222222222222"})
    assert not trusts(only)


@pytest.mark.parametrize(
    ("decision", "kind", "because"),
    [
        ("Deny", "identity", "with an explicit deny in an identity-based policy"),
        ("Deny", "resource", "with an explicit deny in a resource-based policy"),
        ("ImplicitDeny", "identity", "because no identity-based policy allows the s3:GetObject action"),
        ("ImplicitDeny", "resource", "because no resource-based policy allows the s3:GetObject action"),
    ],
)
def test_a_refusal_has_aws_s_words(decision: str, kind: str, because: str) -> None:
    assert identity.denial("arn:who", "s3:GetObject", "arn:what", decision, kind) == (
        f"User: arn:who is not authorized to perform: s3:GetObject on resource: arn:what {because}"
    )


def test_the_cloud_knows_the_credentials_that_it_handed_out(running: Any) -> None:
    who = running.user()
    session = identity.service_session(ROLE, "image", 2**33)
    assert identity.known_credentials(who.access_key_id) == who
    assert identity.known_credentials(session.access_key_id) == session
    assert identity.caller_of(session).arn == f"arn:aws:sts::{HUB}:assumed-role/build/image"
    assert identity.caller_of(who).account == HUB
    with pytest.raises(ServiceError) as refused:
        identity.known_credentials("AKIAIOSFODNN7EXAMPLE")
    assert refused.value.status == 403


def test_a_service_s_session_ends(running: Any) -> None:
    ended = identity.service_session(ROLE, "image", 0)
    with pytest.raises(ServiceError) as refused:
        identity.known_credentials(ended.access_key_id)
    assert refused.value.code == "ExpiredTokenException"


def test_a_deleted_user_s_key_is_nobody_s(running: Any) -> None:
    who = running.user()
    iam = running.client("iam")
    iam.delete_access_key(UserName="somebody", AccessKeyId=who.access_key_id)
    with pytest.raises(ServiceError):
        identity.caller_of(who)
