"""The local cloud's front on a free port of this machine, ministack beneath it, and services that note their calls."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypercorn.asyncio import serve
from hypercorn.config import Config as Binding

from local.cloud.call import Call, Credentials, ServiceError
from local.cloud.clock import SystemClock

HUB = "111111111111"
HOME = "us-east-1"
SESSION: Any = boto3.Session()
"""One for all clients: a session reads the models of services anew."""

ENVIRONMENT = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "PERSIST_STATE": "0",
    "SERVICES": "s3,sqs,sns,lambda,iam,sts,kms,ssm,ec2,events,logs",
    "SFTP_ENABLED": "0",
}


def allow(*actions: str, resource: str = "*", condition: Mapping[str, Any] | None = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _thing(call: Call) -> str:
    return f"arn:aws:{call.service}:{call.region}:{call.caller.account}:thing/one"


@dataclass
class Toy:
    """A service whose operations answer what a test puts there."""

    name: str
    whole: bool = False
    resource_of: Callable[[Call], str] | None = _thing
    answers: dict[str, Callable[[Call], dict[str, Any]]] = field(
        default_factory=dict[str, Callable[[Call], dict[str, Any]]]
    )
    calls: list[Call] = field(default_factory=list[Call])

    @property
    def operations(self) -> Mapping[str, Callable[[Call], dict[str, Any]]]:
        return {name: self._noting(answer) for name, answer in self.answers.items()}

    def _noting(self, answer: Callable[[Call], dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
        def run(call: Call) -> dict[str, Any]:
            self.calls.append(call)
            return answer(call)

        return run

    def reset(self) -> None:
        self.calls.clear()


@dataclass
class RunningCloud:
    address: str
    gateway: Any
    builder: Toy
    images: Toy
    keys: Toy

    def client(self, service: str, who: Credentials | None = None, region: str = HOME, **config: Any) -> Any:
        """A client over the socket; the hub's root where nobody is named."""
        who = who or Credentials(HUB, "root")
        return SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=who.secret_access_key,
            aws_session_token=who.session_token,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config),
        )

    def user(self, *actions: str, name: str = "somebody", account: str = HUB, **more: Any) -> Credentials:
        """A new user who is allowed some actions."""
        iam = self.client("iam", Credentials(account, "root"))
        iam.create_user(UserName=name)
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=allow(*actions, **more))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, name: str, principal: Any, *actions: str, condition: Mapping[str, Any] | None = None) -> str:
        """A new role of the hub; returns its ARN."""
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        if condition:
            statement["Condition"] = condition
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if actions:
            iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=allow(*actions))
        return arn


def component(call: Call) -> dict[str, Any]:
    return {"requestId": "1", "component": {"arn": call.parameters["componentBuildVersionArn"], "name": "one"}}


def described(call: Call) -> dict[str, Any]:
    return {"Images": [{"ImageId": image, "Public": False} for image in call.parameters.get("ImageIds", [])]}


def key(call: Call) -> dict[str, Any]:
    return {"KeyMetadata": {"KeyId": call.parameters["KeyId"], "CreationDate": datetime(2026, 11, 2, tzinfo=UTC)}}


def tags(call: Call) -> dict[str, Any]:
    return {"tags": {"of": call.parameters["resourceArn"]}}


def broken(_call: Call) -> dict[str, Any]:
    raise ZeroDivisionError


def refusing(call: Call) -> dict[str, Any]:
    raise ServiceError("ResourceInUse", f"{call.operation} <is> & stays refused", 409)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, Any, Any]]:
    """The front's address, the front and its gateway, once for all tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "GATEWAY_PORT": str(port)}.items():
            patch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        from ministack import app as ministack  # pyright: ignore[reportMissingTypeStubs]

        from local.cloud.front import Front
        from local.cloud.gateway import Gateway

        # Read at import, which may have been another test's.
        patch.setattr(ministack, "AUTH", True)
        front = Front(ministack.app)
        loop = asyncio.new_event_loop()
        ended = asyncio.Event()
        binding = Binding()
        binding.bind = [f"127.0.0.1:{port}"]
        binding.accesslog = None
        binding.graceful_timeout = 1
        serving: Any = serve(front, binding, shutdown_trigger=ended.wait)  # type: ignore[arg-type]
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
        thread.start()
        gateway = Gateway(front, ministack.app, loop, SystemClock())
        try:
            _until_listening(port)
            yield f"http://127.0.0.1:{port}", front, gateway
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(30)
            front.close()
            loop.close()


def _until_listening(port: int) -> None:
    pause = threading.Event()
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)
    raise AssertionError(port)


@pytest.fixture
def running(served: tuple[str, Any, Any]) -> RunningCloud:
    """A cloud in which nothing is yet."""
    from ministack import app as ministack  # pyright: ignore[reportMissingTypeStubs]

    address, front, gateway = served
    ministack._reset_all_state()  # pyright: ignore[reportPrivateUsage]
    builder = Toy("imagebuilder", whole=True)
    builder.answers = {"GetComponent": component, "ListTagsForResource": tags, "DeleteComponent": refusing,
                       "TagResource": lambda _call: {}, "ListComponents": broken}  # fmt: skip
    images = Toy("ec2", resource_of=None)
    images.answers = {"DescribeImages": described, "DeregisterImage": refusing}
    keys = Toy("kms", resource_of=None)
    keys.answers = {"DescribeKey": key, "ScheduleKeyDeletion": refusing}
    front.serve(gateway, [builder, images, keys])
    return RunningCloud(address, gateway, builder, images, keys)
