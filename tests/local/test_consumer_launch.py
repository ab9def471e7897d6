from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.consumer_launch import Launcher


@dataclass
class Instances:
    """EC2 for one instance that goes through the given states, one a look."""

    states: list[dict[str, Any]]
    launched: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    terminated: list[str] = field(default_factory=list[str])

    def run_instances(self, **parameters: Any) -> dict[str, Any]:
        self.launched.append(parameters)
        return {"Instances": [{"InstanceId": "i-1"}]}

    def describe_instances(self, *, InstanceIds: list[str]) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Reservations": [{"Instances": [{"InstanceId": InstanceIds[0], "ImageId": "ami-1", **state}]}]}

    def terminate_instances(self, *, InstanceIds: list[str]) -> None:
        self.terminated += InstanceIds


class Refusing:
    def run_instances(self, **_parameters: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "not yours"}}, "RunInstances")


def _state(name: str, **more: Any) -> dict[str, Any]:
    return {"State": {"Name": name}, **more}


def _launcher(consumer: Any, operator: Any) -> Launcher:
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    return Launcher(consumer, operator, wait, lambda: now[0])


def test_an_instance_that_runs_is_a_launch_and_is_ended() -> None:
    ec2 = Instances([_state("pending"), _state("running")])
    launch = _launcher(ec2, ec2).launch("/golden-ami/ledger/stable", "m5.large")
    assert (str(launch), launch.image) == ("yes", "ami-1")
    assert ec2.terminated == ["i-1"]
    assert ec2.launched[0]["ImageId"] == "resolve:ssm:/golden-ami/ledger/stable"


def test_a_key_that_refuses_ends_the_instance_with_its_reason() -> None:
    reason = {"Code": "Client.InternalError", "Message": "Client.InternalError: Client error on launch"}
    ec2 = Instances([_state("pending"), _state("terminated", StateReason=reason)])
    assert str(_launcher(ec2, ec2).launch("/p", "m5.large")) == "no: Client.InternalError: Client error on launch"


def test_a_refused_call_is_told_with_its_code() -> None:
    ec2 = Instances([_state("running")])
    launch = _launcher(Refusing(), ec2).launch("/p", "m5.large")
    assert str(launch) == "no: UnauthorizedOperation: not yours"
    assert ec2.terminated == []


@pytest.mark.parametrize("state", ["pending", "stopped"])
def test_an_instance_that_never_runs_is_no_launch(state: str) -> None:
    ec2 = Instances([_state(state)])
    assert str(_launcher(ec2, ec2).launch("/p", "m5.large")) == f"no: the instance is {state}"
    assert ec2.terminated == ["i-1"]
