"""Schedules on a served cloud: they call as their role when the clock is moved, and what is refused is kept."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.clock import forward
from local.cloud_process import CloudError
from tests.local.cloud.served_cloud import HOME, HUB, ServedCloud, document, own, refusal, serving, statement

GROUP = f"arn:aws:scheduler:{HOME}:{HUB}:schedule-group/default"
ECHO = """
import boto3, json, os

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


class Scheduled:
    """A schedule with its role, its function, which tells a queue what it was called with, and its dead letters."""

    def __init__(self, cloud: ServedCloud, *, key: str | None = None, source: str = GROUP) -> None:
        self.cloud, self.name = cloud, cloud.name("scheduled")
        self.scheduler, self._sqs, self._iam = (cloud.client(name) for name in ("scheduler", "sqs", "iam"))
        self.answers = self._sqs.create_queue(QueueName=f"{self.name}-answers")["QueueUrl"]
        self.dead = self._sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        self.dead_arn = f"arn:aws:sqs:{HOME}:{HUB}:{self.name}-dead"
        self.role(f"{self.name}-function", "lambda.amazonaws.com", None, statement("sqs:SendMessage"))
        condition = {"StringEquals": {"aws:SourceAccount": HUB}, "ArnEquals": {"aws:SourceArn": source}}
        rights = [statement("lambda:InvokeFunction", self.function()), statement("sqs:SendMessage", self.dead_arn)]
        rights += [statement("kms:Decrypt", key)] if key else []
        self.role(self.name, "scheduler.amazonaws.com", condition, *rights)
        target: dict[str, Any] = {
            "Arn": self.function(),
            "RoleArn": f"arn:aws:iam::{HUB}:role/{self.name}",
            "Input": json.dumps({"at": "<aws.scheduler.scheduled-time>", "of": "<aws.scheduler.schedule-arn>"}),
            "DeadLetterConfig": {"Arn": self.dead_arn},
        }
        self.settings: dict[str, Any] = {
            "Name": self.name,
            "ScheduleExpression": "cron(30 3 * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
            **({"KmsKeyArn": key} if key else {}),
        }

    def role(self, name: str, service: str, condition: Any, *rights: Any) -> None:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust |= {"Condition": condition} if condition else {}
        self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        self._iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(*rights))

    def function(self) -> str:
        functions, name = self.cloud.client("lambda"), f"{self.name}-function"
        try:
            return functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        except functions.exceptions.ResourceNotFoundException:
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as code:
                code.writestr("code.py", ECHO)
            return functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=f"arn:aws:iam::{HUB}:role/{name}",
                Handler="code.handler",
                Code={"ZipFile": archive.getvalue()},
                Environment={"Variables": {"QUEUE": self.answers}},
            )["FunctionArn"]

    def received(self, url: str, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count:
            more = self._sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            assert more.get("Messages"), "nothing came within 20 s"
            found += more["Messages"]
        return found

    def none_waits(self, url: str) -> bool:
        return "Messages" not in self._sqs.receive_message(QueueUrl=url)


def days(cloud: ServedCloud, count: int) -> None:
    forward(cloud.address, HUB, timedelta(days=count))


def test_a_schedule_calls_its_function_once_for_each_time_that_the_clock_passes(cloud: ServedCloud) -> None:
    key = cloud.key()
    scheduled = Scheduled(cloud, key=key)
    arn = scheduled.scheduler.create_schedule(**scheduled.settings)["ScheduleArn"]
    days(cloud, 2)
    told = [json.loads(message["Body"]) for message in scheduled.received(scheduled.answers, 2)]
    assert {one["of"] for one in told} == {arn}
    times = sorted(one["at"] for one in told)
    assert all(time.endswith("T03:30:00Z") for time in times)
    assert len(set(times)) == 2
    assert scheduled.none_waits(scheduled.dead)
    scheduled.scheduler.delete_schedule(Name=scheduled.name)
    days(cloud, 1)
    assert scheduled.none_waits(scheduled.answers)


def test_a_rate_calls_at_once(cloud: ServedCloud) -> None:
    scheduled = Scheduled(cloud)
    scheduled.scheduler.create_schedule(**{**scheduled.settings, "ScheduleExpression": "rate(7 days)"})
    scheduled.received(scheduled.answers, 1)
    scheduled.scheduler.delete_schedule(Name=scheduled.name)


def test_a_disabled_schedule_calls_nobody(cloud: ServedCloud) -> None:
    scheduled = Scheduled(cloud)
    scheduled.scheduler.create_schedule(**scheduled.settings)
    scheduled.scheduler.update_schedule(**scheduled.settings, State="DISABLED")
    assert scheduled.scheduler.get_schedule(Name=scheduled.name)["State"] == "DISABLED"
    days(cloud, 2)
    assert scheduled.none_waits(scheduled.answers)


@pytest.mark.parametrize("taken", ["lambda:InvokeFunction", "kms:Decrypt"])
def test_a_call_that_the_schedules_role_may_not_make_is_kept(cloud: ServedCloud, taken: str) -> None:
    key = cloud.key()
    scheduled = Scheduled(cloud, key=key)
    scheduled.scheduler.create_schedule(**scheduled.settings)
    rights = {
        "lambda:InvokeFunction": scheduled.settings["Target"]["Arn"],
        "kms:Decrypt": key,
        "sqs:SendMessage": scheduled.dead_arn,
    }
    kept = [statement(action, resource) for action, resource in rights.items() if action != taken]
    policy = document(*kept)
    cloud.client("iam").put_role_policy(RoleName=scheduled.name, PolicyName="work", PolicyDocument=policy)
    days(cloud, 1)
    (letter,) = scheduled.received(scheduled.dead, 1)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["SCHEDULE_ARN"].endswith(f":schedule/default/{scheduled.name}")
    assert taken in attributes["ERROR_MESSAGE"]
    assert scheduled.none_waits(scheduled.answers)
    scheduled.scheduler.delete_schedule(Name=scheduled.name)


def test_a_role_that_does_not_trust_scheduler_for_the_schedules_group_is_refused(cloud: ServedCloud) -> None:
    scheduled = Scheduled(cloud, source=GROUP.replace("schedule-group/default", "schedule/default/other"))
    code, message = refusal(lambda: scheduled.scheduler.create_schedule(**scheduled.settings))
    assert (code, "assume the role" in message) == ("ValidationException", True)


def test_who_makes_a_schedule_must_be_allowed_to_pass_its_role_and_to_use_its_key(cloud: ServedCloud) -> None:
    key = cloud.client("kms").create_key(Policy=document(own()))["KeyMetadata"]["Arn"]
    scheduled = Scheduled(cloud, key=key)
    role = scheduled.settings["Target"]["RoleArn"]
    rights = [statement("scheduler:CreateSchedule"), statement("iam:PassRole", role), statement("kms:*", key)]
    for missing in ("PassRole", "kms:GenerateDataKey", "scheduler:CreateSchedule"):
        left = [right for right in rights if missing.partition(":")[0] not in right["Action"][0]]
        maker = cloud.role(HUB, *left)
        code, message = refusal(
            lambda maker=maker: cloud.client("scheduler", maker).create_schedule(**scheduled.settings)
        )
        assert (code, missing in message) == ("AccessDeniedException", True)
    cloud.client("scheduler", cloud.role(HUB, *rights)).create_schedule(**scheduled.settings)


def test_what_is_not_emulated_is_refused_by_name(cloud: ServedCloud) -> None:
    scheduled = Scheduled(cloud)
    window = {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}}
    code, message = refusal(lambda: scheduled.scheduler.create_schedule(**{**scheduled.settings, **window}))
    assert (code, "FlexibleTimeWindow.Mode" in message) == ("UnsupportedOperation", True)
    code, _ = refusal(lambda: scheduled.scheduler.create_schedule_group(Name="others"))
    assert code == "UnsupportedOperation"


def test_only_the_root_of_an_account_moves_the_clock(cloud: ServedCloud) -> None:
    operator = cloud.operator(HUB)
    with pytest.raises(CloudError, match="Only the root of an account moves the clock"):
        forward(cloud.address, operator.access_key, timedelta(days=1), operator.secret)
