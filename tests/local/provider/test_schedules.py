"""Schedules, on an EventBridge Scheduler in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provider.requests import Provider

URN = "urn:pulumi:dev::golden-ami::aws:scheduler/schedule:Schedule::nightly"
ARN = "arn:aws:scheduler:us-east-1:111111111111:schedule/default/nightly"

INPUTS: Mapping[str, Any] = {
    "name": "nightly",
    "scheduleExpression": "cron(0 3 * * ? *)",
    "flexibleTimeWindow": {"mode": "OFF"},
    "target": {
        "arn": "arn:aws:lambda:us-east-1:111111111111:function:start",
        "roleArn": "arn:aws:iam::111111111111:role/schedule",
        "input": '{"source": "schedule"}',
        "retryPolicy": {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 3600},
        "deadLetterConfig": {"arn": "arn:aws:sqs:us-east-1:111111111111:dead"},
    },
}


class FakeScheduler:
    """Schedules of the default group by name; a role is known only at the second time that it is named."""

    def __init__(self, sessions: Any, refusal: Callable[..., ClientError]) -> None:
        self.schedules: dict[str, dict[str, Any]] = {}
        self.refused = 0
        self._refusal = refusal
        sessions.operations.update(
            CreateSchedule=self.create,
            UpdateSchedule=self.update,
            GetSchedule=self.get,
            DeleteSchedule=self.delete,
        )

    def create(self, **parameters: Any) -> dict[str, str]:
        if not self.refused:
            self.refused += 1
            raise self._refusal("ValidationException", "The execution role must allow Scheduler to assume the role.")
        self.schedules[parameters["Name"]] = parameters
        return {"ScheduleArn": ARN}

    def update(self, **parameters: Any) -> dict[str, str]:
        self.schedules[parameters["Name"]] = parameters
        return {"ScheduleArn": ARN}

    def get(self, **parameters: Any) -> dict[str, Any]:
        if parameters["Name"] not in self.schedules:
            raise self._refusal("ResourceNotFoundException", "no such schedule")
        return {"Arn": ARN, **self.schedules[parameters["Name"]]}

    def delete(self, **parameters: Any) -> dict[str, Any]:
        del self.schedules[parameters["Name"]]
        return {}


@pytest.fixture
def scheduler(sessions: Any, refusal: Callable[..., ClientError]) -> FakeScheduler:
    return FakeScheduler(sessions, refusal)


def test_a_schedule_is_known_by_its_group_and_name_once_its_role_is_there(
    provider: Provider, scheduler: FakeScheduler
) -> None:
    resource_id, outputs = provider.create(URN, INPUTS, preview=False)
    assert (resource_id, outputs["arn"], outputs["groupName"]) == ("default/nightly", ARN, "default")
    _, read, _ = provider.read(URN, resource_id, outputs, INPUTS)
    assert not provider.diff(URN, INPUTS, read, INPUTS, ()).kinds
    made = scheduler.schedules["nightly"]
    assert (made["State"], made["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert made["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 3600}
    assert made["Target"]["DeadLetterConfig"] == {"Arn": "arn:aws:sqs:us-east-1:111111111111:dead"}


def test_a_change_sends_all_settings_because_what_is_left_out_falls_back(
    provider: Provider, scheduler: FakeScheduler
) -> None:
    resource_id, state = provider.create(URN, INPUTS, preview=False)
    changed = {**INPUTS, "scheduleExpressionTimezone": "Europe/Berlin"}
    provider.update(URN, resource_id, changed, state, INPUTS, (), False)
    made = scheduler.schedules["nightly"]
    assert (made["ScheduleExpressionTimezone"], made["ScheduleExpression"]) == ("Europe/Berlin", "cron(0 3 * * ? *)")
    assert made["Target"]["RoleArn"] == INPUTS["target"]["roleArn"]
    provider.delete(URN, resource_id, state, INPUTS)
    assert scheduler.schedules == {}
