"""The whole local cloud as a process of its own, with roles, keys and policies made in it as in AWS."""

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

HUB, TARGET = "111111111111", "222222222222"
HOME, AWAY = "us-east-1", "eu-west-1"
FOR_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@dataclass(frozen=True)
class Who:
    """An access key."""

    access_key: str
    secret: str = "root"
    token: str | None = None


@dataclass(frozen=True)
class Role:
    """A role and a session of it."""

    arn: str
    name: str
    session: str
    """ARN of the session, as refusals name it."""
    who: Who


def statement(actions: str | Sequence[str], resource: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """An allowing statement; `Effect`, `Principal`, `Condition` and `Resource` may be given."""
    actions = [actions] if isinstance(actions, str) else list(actions)
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def root_of(account: str) -> dict[str, str]:
    """The account as a principal of policies."""
    return {"AWS": f"arn:aws:iam::{account}:root"}


def own(account: str = HUB) -> dict[str, Any]:
    """The statement by which a key leaves decisions to its account's own identity policies."""
    return statement("kms:*", Principal=root_of(account))


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of a refused call."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"]


def denied(role: Role, action: str, resource: str, kind: str, explicit: bool = False) -> tuple[str, str]:
    """A refusal in AWS's words; `kind` is the type of the policies that decided."""
    article = "an" if kind == "identity" else "a"
    because = (
        f"with an explicit deny in {article} {kind}-based policy"
        if explicit
        else f"because no {kind}-based policy allows the {action} action"
    )
    message = f"User: {role.session} is not authorized to perform: {action} on resource: {resource} {because}"
    return "AccessDeniedException", message


@dataclass
class ServedCloud:
    address: str
    session: Any = field(default_factory=boto3.Session)
    clients: dict[tuple[str, str, Who], Any] = field(default_factory=dict[tuple[str, str, Who], Any])
    operators: dict[str, Who] = field(default_factory=dict[str, Who])
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def client(self, service: str, who: Who | Role | str = HUB, region: str = HOME) -> Any:
        """A client of an access key, a role's session or an account's root."""
        if isinstance(who, str):
            who = Who(who)
        elif isinstance(who, Role):
            who = who.who
        key = (service, region, who)
        if key not in self.clients:
            self.clients[key] = self.session.client(
                service,
                region_name=region,
                endpoint_url=self.address,
                aws_access_key_id=who.access_key,
                aws_secret_access_key=who.secret,
                aws_session_token=who.token,
                config=Config(
                    retries={"max_attempts": 1},
                    s3={"addressing_style": "path"},
                    # What S3 demands for addresses of objects under SSE-KMS; boto3 would sign them as of old.
                    signature_version="s3v4" if service == "s3" else None,
                ),
            )
        return self.clients[key]

    def name(self, prefix: str) -> str:
        """A name that nothing in this cloud has yet."""
        return f"{prefix}-{next(self.numbers)}"

    def operator(self, account: str) -> Who:
        """A user who may assume the account's roles, and nothing else."""
        if account not in self.operators:
            iam = self.client("iam", account)
            iam.create_user(UserName="operator")
            policy = document(statement("sts:AssumeRole"))
            iam.put_user_policy(UserName="operator", PolicyName="assume", PolicyDocument=policy)
            made = iam.create_access_key(UserName="operator")["AccessKey"]
            self.operators[account] = Who(made["AccessKeyId"], made["SecretAccessKey"])
        return self.operators[account]

    def role(self, account: str, *statements: Mapping[str, Any], path: str = "/", name: str | None = None) -> Role:
        """A new role with an inline policy, and a session of it."""
        name = name or self.name("role")
        iam = self.client("iam", account)
        trust = {"Effect": "Allow", "Principal": root_of(account), "Action": "sts:AssumeRole"}
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document(trust))["Role"]
        if statements:
            self.put_policy(account, name, *statements)
        sts = self.client("sts", self.operator(account))
        assumed = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="test")
        keys = assumed["Credentials"]
        who = Who(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return Role(made["Arn"], name, assumed["AssumedRoleUser"]["Arn"], who)

    def put_policy(self, account: str, name: str, *statements: Mapping[str, Any]) -> None:
        """Replace a role's inline policy."""
        policy = document(*statements)
        self.client("iam", account).put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy)

    def key(self, *statements: Mapping[str, Any], account: str = HUB, region: str = HOME, **more: Any) -> str:
        """ARN of a new key that its account's policies govern, and further statements."""
        policy = document(own(account), *statements)
        return self.client("kms", account, region).create_key(Policy=policy, **more)["KeyMetadata"]["Arn"]

    def encrypted(self, key: str, text: bytes = b"plain", **more: Any) -> bytes:
        """A ciphertext that the key's owner made."""
        account, region = key.split(":")[4], key.split(":")[3]
        return self.client("kms", account, region).encrypt(KeyId=key, Plaintext=text, **more)["CiphertextBlob"]


@contextmanager
def serving(folder: Path) -> Generator[ServedCloud]:
    """A local cloud in which nothing is yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "local.cloud.server", "--port", str(port), "--directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _until_ready(server, address, folder / "log")
        yield ServedCloud(address)
    finally:
        server.terminate()
        server.wait(30)


def _until_ready(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    pause = threading.Event()
    for _ in range(600):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{address}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pause.wait(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
