"""State machines, workflows and Inspector's switch, as pulumi-aws declares them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from local.provider.errors import ProviderError
from local.provider.resource_table import resource_type
from local.provider.work import Work
from tests.local.provider.conftest import ACCOUNT, FakeSessions

MACHINE = "arn:aws:states:us-east-1:111111111111:stateMachine:gate"
GROUP = "arn:aws:logs:us-east-1:111111111111:log-group:/aws/vendedlogs/states/gate:*"
INPUTS = {
    "name": "gate",
    "roleArn": "arn:aws:iam::111111111111:role/gate",
    "definition": "{}",
    "loggingConfiguration": {"level": "ALL", "includeExecutionData": True, "logDestination": GROUP},
    "tracingConfiguration": {"enabled": True},
    "tags": {"a": "b"},
}


def work(sessions: FakeSessions, token: str, inputs: dict[str, Any], state: Any = None, resource_id: str = "") -> Work:
    return Work(resource_type(token), sessions, "urn", inputs, state, resource_id)


def test_a_state_machines_log_group_is_a_destination_in_aws_and_comes_back_as_it_was(sessions: FakeSessions) -> None:
    token = "aws:sfn/stateMachine:StateMachine"
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    sessions.operations["CreateStateMachine"] = lambda **_: {"stateMachineArn": MACHINE, "creationDate": now}
    row = resource_type(token)
    made = work(sessions, token, INPUTS)
    assert callable(row.create)
    assert row.create(made) == MACHINE
    (sent,) = sessions.called("CreateStateMachine")
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}
    assert sent["loggingConfiguration"] == {
        "level": "ALL", "includeExecutionData": True, "destinations": [destination],
    }  # fmt: skip
    assert {"key": "a", "value": "b"} in sent["tags"]
    sessions.operations |= {
        "DescribeStateMachine": lambda **_: {**sent, "stateMachineArn": MACHINE, "creationDate": now},
        "ListStateMachineVersions": lambda **_: {"stateMachineVersions": []},
        "ListTagsForResource": lambda **_: {"tags": sent["tags"]},
    }
    found = row.read(work(sessions, token, INPUTS, resource_id=MACHINE))
    stated = {name: value for name, value in INPUTS.items() if name != "tags"}
    assert {name: found[name] for name in stated} == stated
    assert found["tags"]["a"] == "b"


def status(**enabled: bool) -> dict[str, Any]:
    states = {kind: {"status": "ENABLED" if on else "DISABLED"} for kind, on in enabled.items()}
    return {"accounts": [{"accountId": ACCOUNT, "state": {"status": "ENABLED"}, "resourceState": states}]}


def test_inspector_is_enabled_for_what_is_asked_and_the_rest_disabled_on_a_change(sessions: FakeSessions) -> None:
    token = "aws:inspector2/enabler:Enabler"
    on = {"ec2": False, "ecr": True}

    def switch(to: bool) -> Any:
        def change(resourceTypes: list[str], **_: Any) -> dict[str, Any]:
            on.update({kind.lower(): to for kind in resourceTypes})
            return {"accounts": [], "failedAccounts": []}

        return change

    sessions.operations |= {
        "Enable": switch(True),
        "Disable": switch(False),
        "BatchGetAccountStatus": lambda **_: status(**on),
    }
    row, inputs = resource_type(token), {"accountIds": [ACCOUNT], "resourceTypes": ["EC2"]}
    changing = work(sessions, token, inputs)
    (setting,) = row.settings
    assert callable(setting.apply)
    setting.apply(changing)
    assert on == {"ec2": True, "ecr": False}
    assert row.read(work(sessions, token, inputs)) == inputs
    assert callable(row.delete)
    row.delete(work(sessions, token, inputs, inputs))
    assert row.read(work(sessions, token, inputs)) is None


def test_an_account_that_inspector_refuses_is_told(sessions: FakeSessions) -> None:
    failed = {"accountId": ACCOUNT, "errorCode": "ACCESS_DENIED", "errorMessage": "not yours"}
    sessions.operations["Enable"] = lambda **_: {"accounts": [], "failedAccounts": [failed]}
    token = "aws:inspector2/enabler:Enabler"
    create = resource_type(token).create
    assert callable(create)
    with pytest.raises(ProviderError, match="Enable: ACCESS_DENIED: not yours"):
        create(work(sessions, token, {"accountIds": [ACCOUNT], "resourceTypes": ["EC2"]}))
