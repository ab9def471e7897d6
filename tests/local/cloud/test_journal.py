"""The journal of the local cloud: every decision on access is in it, and nothing secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud.call import ServiceError
from local.cloud.journal import FILE_NAME, Journal, RecordedCall, read
from tests.local.cloud.served_cloud import (
    HOME,
    HUB,
    TARGET,
    Role,
    ServedCloud,
    refusal,
    serving,
    statement,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[ServedCloud]:
    with serving(directory) as served:
        yield served


def calls_of(directory: Path, role: Role) -> list[RecordedCall]:
    return [call for call in read(directory / FILE_NAME) if call.principal == role.arn]


def decisions(directory: Path, role: Role) -> list[tuple[str, str, str]]:
    return [(call.action, call.resource, call.decision) for call in calls_of(directory, role)]


def test_what_ministack_decides_is_written_by_role_and_session(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB, statement("sqs:CreateQueue"), path="/team/")
    cloud.client("sqs", role).create_queue(QueueName="one")
    [call] = calls_of(directory, role)
    assert (call.principal, call.session, call.account) == (role.arn, role.session, HUB)
    assert (call.action, call.resource) == ("sqs:CreateQueue", f"arn:aws:sqs:{HOME}:{HUB}:one")
    assert (call.decision, call.allowed, call.service) == ("allowed", True, None)


def test_a_refusal_is_written_with_its_code(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB)
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    code, _ = refusal(lambda: cloud.client("sqs", role).create_queue(QueueName="two"))
    refusal(lambda: cloud.client("s3", role).list_objects_v2(Bucket=name))
    refusal(lambda: cloud.client("events", role).delete_rule(Name="none"))
    refusal(lambda: cloud.client("s3", role).head_bucket(Bucket=name))
    assert [(call.action, call.decision) for call in calls_of(directory, role)] == [
        ("sqs:CreateQueue", code),
        ("s3:ListBucket", "AccessDenied"),
        ("events:DeleteRule", "AccessDeniedException"),
        ("s3:ListBucket", "AccessDenied"),
    ]


def test_a_trust_policy_that_refuses_is_a_refusal(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB, statement("sts:AssumeRole"))
    other = cloud.role(TARGET)
    refusal(lambda: cloud.client("sts", role).assume_role(RoleArn=other.arn, RoleSessionName="test"))
    assert decisions(directory, role) == [("sts:AssumeRole", other.arn, "AccessDenied")]


def test_a_call_that_fails_otherwise_was_allowed(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB, statement("sqs:GetQueueUrl"))
    refusal(lambda: cloud.client("sqs", role).get_queue_url(QueueName="missing"))
    assert decisions(directory, role) == [("sqs:GetQueueUrl", f"arn:aws:sqs:{HOME}:{HUB}:missing", "allowed")]


def test_what_aws_allows_everybody_is_left_out(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB)
    cloud.client("sts", role).get_caller_identity()
    assert calls_of(directory, role) == []


def test_a_root_is_left_out(cloud: ServedCloud, directory: Path) -> None:
    cloud.client("sqs", HUB).create_queue(QueueName="roots")
    cloud.key()
    assert not [call for call in read(directory / FILE_NAME) if call.principal.endswith(":root")]


def test_the_use_of_a_key_is_written(cloud: ServedCloud, directory: Path) -> None:
    key = cloud.key()
    role = cloud.role(HUB, statement("kms:Encrypt", key))
    cloud.client("kms", role).encrypt(KeyId=key, Plaintext=b"plain")
    refusal(lambda: cloud.client("kms", role).decrypt(CiphertextBlob=cloud.encrypted(key)))
    assert decisions(directory, role) == [
        ("kms:Encrypt", key, "allowed"),
        ("kms:Decrypt", key, "AccessDeniedException"),
    ]


def test_a_key_that_s3_uses_is_written_with_s3(cloud: ServedCloud, directory: Path) -> None:
    key = cloud.key()
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    role = cloud.role(HUB, statement("s3:PutObject"), statement("kms:GenerateDataKey", key))
    cloud.client("s3", role).put_object(
        Bucket=name, Key="a", Body=b"secret body", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    assert [(call.action, call.service) for call in calls_of(directory, role)] == [
        ("kms:GenerateDataKey", "s3.amazonaws.com"),
        ("s3:PutObject", None),
    ]
    assert "secret body" not in (directory / FILE_NAME).read_text(encoding="utf-8")


def test_every_resource_of_our_services_is_written(cloud: ServedCloud, directory: Path) -> None:
    role = cloud.role(HUB, statement("ec2:DescribeImages"), statement("ssm:GetParameter"))
    cloud.client("ec2", role).describe_images(Owners=["self"])
    refusal(lambda: cloud.client("ssm", role).get_parameter(Name="/none"))
    refusal(lambda: cloud.client("imagebuilder", role).list_components())
    assert decisions(directory, role) == [
        ("ec2:DescribeImages", "*", "allowed"),
        ("ssm:GetParameter", f"arn:aws:ssm:{HOME}:{HUB}:parameter/none", "allowed"),
        ("imagebuilder:ListComponents", "*", "AccessDeniedException"),
    ]


def test_refused_and_allowed_decisions_come_back_as_they_were_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / FILE_NAME, lambda arn: arn.replace(":sts:", ":iam:"))
    session = f"arn:aws:sts::{HUB}:assumed-role/r/s"

    def refuse() -> None:
        raise ServiceError("AccessDenied", "no", 403)

    with pytest.raises(ServiceError):
        journal.decide(refuse, session, "s3:PutObject", "arn:aws:s3:::b/k", service="lambda.amazonaws.com")
    journal.decide(lambda: None, "events.amazonaws.com", "lambda:InvokeFunction", "arn:f", account=HUB)
    first, second = read(tmp_path / FILE_NAME)
    assert (first.principal, first.session) == (f"arn:aws:iam::{HUB}:assumed-role/r/s", session)
    assert (first.decision, first.allowed, first.service) == ("AccessDenied", False, "lambda.amazonaws.com")
    assert (second.principal, second.service, second.session, second.account) == (
        "events.amazonaws.com",
        "events.amazonaws.com",
        None,
        HUB,
    )
    journal.reset()
    assert read(tmp_path / FILE_NAME) == []


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    Journal(tmp_path / FILE_NAME).record("events.amazonaws.com", "a:B", "arn:r")
    whole = (tmp_path / FILE_NAME).read_text(encoding="utf-8")
    fields: dict[str, Any] = json.loads(whole)
    assert set(fields) == {"time", "principal", "session", "account", "action", "resource", "decision", "service"}
    (tmp_path / FILE_NAME).write_text(whole + whole[:20], encoding="utf-8")
    assert len(read(tmp_path / FILE_NAME)) == 1


def test_what_came_since_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    journal = Journal(path)
    journal.record("events.amazonaws.com", "a:Before", "arn:r")
    size = path.stat().st_size
    journal.record("events.amazonaws.com", "a:After", "arn:r")
    assert [call.action for call in read(path, size)] == ["a:After"]
    assert [call.action for call in read(path)] == ["a:Before", "a:After"]
