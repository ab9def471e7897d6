"""Building by hand: started, followed, told."""

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from commands.build import Builder, build
from commands.follow import Follower
from commands.project import CommandError
from model.names import ProductNames

PROJECT = Path(__file__).parent.parent.parent
NAMES = ProductNames("ledger", "111111111111", "us-east-1")
ARN = "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1"


class NotFoundError(Exception):
    pass


class Exceptions:
    ResourceNotFoundException = NotFoundError


class FakeFunctions:
    exceptions = Exceptions

    def __init__(self, answer: dict[str, Any] | None, error: str | None = None) -> None:
        self._answer = answer
        self._error = error
        self.requests: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == "golden-ami-ledger-start-build"
        if self._answer is None:
            raise NotFoundError
        self.requests.append(json.loads(Payload))
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self._answer).encode())}
        return {**answer, "FunctionError": self._error} if self._error else answer


class FakeImages:
    """Image Builder that answers one state after the other."""

    def __init__(self, *states: str, reason: str | None = None, interrupt: bool = False) -> None:
        self._states = list(states)
        self._reason = reason
        self._interrupt = interrupt

    def get_image(self, *, imageBuildVersionArn: str) -> dict[str, Any]:
        assert imageBuildVersionArn == ARN
        if self._interrupt and len(self._states) == 1:
            raise KeyboardInterrupt
        status = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        state = {"status": status, **({"reason": self._reason} if self._reason else {})}
        amis = [{"accountId": "222222222222", "region": "eu-west-1", "image": "ami-1"}] if status == "AVAILABLE" else []
        return {"image": {"state": state, "outputResources": {"amis": amis}}}


class FakeLogs:
    exceptions = Exceptions

    def get_log_events(self, *, logGroupName: str, logStreamName: str, limit: int) -> dict[str, Any]:
        assert (logGroupName, logStreamName) == ("/aws/imagebuilder/golden-ami-ledger", "1.0.0/1")
        return {"events": [{"message": "install.sh: exit code 3\n"}]}


class FakeSession:
    def __init__(self, **clients: Any) -> None:
        self._clients = clients

    def client(self, service: str, *, region_name: str) -> Any:
        assert region_name == "us-east-1"
        return self._clients[service]


def printed(images: FakeImages, functions: FakeFunctions, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    output = io.StringIO()
    session = FakeSession(imagebuilder=images, logs=FakeLogs(), **{"lambda": functions})
    monkeypatch.setattr("commands.follow.POLL_SECONDS", 0.0)
    code = build("ledger", PROJECT, cast(Any, session), Console(file=output, width=200))
    return code, output.getvalue()


STARTED = {"outcome": "started", "imageBuildVersionArn": ARN, "reason": None}


def test_a_request_by_hand_says_so_and_has_an_id_of_its_own() -> None:
    functions = FakeFunctions(STARTED)
    assert Builder(NAMES, cast(Any, functions)).start() == ARN
    Builder(NAMES, cast(Any, functions)).start()
    assert [request["source"] for request in functions.requests] == ["manual", "manual"]
    assert len({request["requestId"] for request in functions.requests}) == 2


def test_a_build_that_runs_already_is_followed() -> None:
    functions = FakeFunctions({"outcome": "running", "imageBuildVersionArn": ARN, "reason": "a build runs"})
    assert Builder(NAMES, cast(Any, functions)).start() == ARN


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        (FakeFunctions(None), "deploy the product first: pulumi up --stack ledger"),
        (FakeFunctions({"outcome": "refused", "reason": "no entry script"}), "nothing was built: no entry script"),
        (FakeFunctions({"errorMessage": "boom"}, "Unhandled"), "failed: boom"),
    ],
)
def test_where_nothing_is_built_the_reason_is_told(functions: FakeFunctions, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        Builder(NAMES, cast(Any, functions)).start()


def test_every_phase_is_printed_once_and_in_order_even_where_one_was_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    images = FakeImages("PENDING", "BUILDING", "BUILDING", "DISTRIBUTING", "AVAILABLE")
    code, text = printed(images, FakeFunctions(STARTED), monkeypatch)
    words = [line.split()[-1] for line in text.splitlines() if " s  " in line]
    assert words == ["Building", "Testing", "Distributing", "Integrating", "Available"]
    assert code == 0
    assert "workloads-production" in text
    assert "ami-1" in text


def test_a_failure_tells_reason_and_log(monkeypatch: pytest.MonkeyPatch) -> None:
    images = FakeImages("BUILDING", "FAILED", reason="step Install ended with 3")
    code, text = printed(images, FakeFunctions(STARTED), monkeypatch)
    assert code == 1
    assert "FAILED: step Install ended with 3" in text
    assert "install.sh: exit code 3" in text


def test_ctrl_c_stops_following_and_tells_how_to_end_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    images = FakeImages("BUILDING", "BUILDING", interrupt=True)
    code, text = printed(images, FakeFunctions(STARTED), monkeypatch)
    assert code == 130
    assert "the build goes on" in text
    assert f"cancel-image-creation --image-build-version-arn {ARN}" in text


def test_waiting_is_bounded_by_nothing_but_the_image() -> None:
    waits: list[float] = []
    follower = Follower(
        cast(Any, FakeImages("BUILDING", "TESTING", "AVAILABLE")),
        Console(file=io.StringIO()),
        wait=waits.append,
        clock=lambda: 0.0,
    )
    assert follower.follow(ARN).available
    assert waits == [2.0, 2.0]
