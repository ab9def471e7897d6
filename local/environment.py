"""Where everything on this machine lies, and the environment in which stacks run against the local cloud."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 4566
PORT_VARIABLE = "GOLDEN_AMI_PORT"
"""Environment variable that moves the local cloud to another port."""

STATE_PASSPHRASE = "local"
"""Encrypts secrets in the local state. It protects nothing: the state lies beside it, and holds made-up accounts."""


@dataclass(frozen=True)
class LocalFolder:
    """The ignored folder of the repository, which holds everything that is made here.

    `tools` is another such folder whose installed programs are used; left out, they lie in this one.
    """

    path: Path = REPOSITORY / ".local"
    tools: Path | None = None

    @property
    def programs(self) -> Path:
        """The engine, its language host and its provider plugin."""
        return (self.tools or self.path) / "bin"

    @property
    def cloud(self) -> Path:
        """The local cloud's process id, port, log and credentials."""
        return self.path / "cloud"

    @property
    def state(self) -> Path:
        """The stacks' state."""
        return self.path / "state"

    @property
    def stacks(self) -> Path:
        """Copies of the stack files: the engine rewrites the ones it uses."""
        return self.path / "stacks"

    @property
    def stack_states(self) -> list[Path]:
        """State files of all stacks."""
        return sorted(self.state.glob(".pulumi/stacks/*/*.json"))

    @property
    def logs(self) -> Path:
        """What the engine printed."""
        return self.path / "logs"

    @property
    def pulumi_home(self) -> Path:
        """The engine's own files."""
        return self.path / "pulumi"


@dataclass(frozen=True)
class AccessKey:
    """Long-term credentials of an IAM user of the local cloud."""

    access_key_id: str
    secret_access_key: str


def port() -> int:
    """Port of the local cloud: `GOLDEN_AMI_PORT`, else 4566."""
    return int(os.environ.get(PORT_VARIABLE, DEFAULT_PORT))


def endpoint(cloud_port: int) -> str:
    """Address of the local cloud."""
    return f"http://127.0.0.1:{cloud_port}"


def tool_environment(folder: LocalFolder, base: Mapping[str, str]) -> dict[str, str]:
    """The environment for the engine itself: its programs first on PATH, its files in the ignored folder."""
    interpreter = Path(sys.executable).parent
    # Compiled files lie in a folder of their own here, so that no reason is left to forbid them, as many images do.
    kept = {name: value for name, value in base.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PATH": os.pathsep.join((str(folder.programs), str(interpreter), base.get("PATH", os.defpath))),
        "PULUMI_HOME": str(folder.pulumi_home),
        "PULUMI_BACKEND_URL": folder.state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": STATE_PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPYCACHEPREFIX": base.get("PYTHONPYCACHEPREFIX", str(folder.path / "pycache")),
    }


def stack_environment(folder: LocalFolder, base: Mapping[str, str], address: str, key: AccessKey) -> dict[str, str]:
    """The environment that turns the same stacks to the local cloud; real use sets none of this."""
    # A profile or a session token of the machine's owner must never meet the local cloud, nor the other way round.
    foreign = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")
    kept = {name: value for name, value in base.items() if name not in foreign}
    return {
        **tool_environment(folder, kept),
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy of the machine cannot reach this machine's own loopback address.
        "NO_PROXY": ",".join(filter(None, (base.get("NO_PROXY", ""), "127.0.0.1"))),
    }
