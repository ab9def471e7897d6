"""A project of the real engine in a folder of its own, with this plugin."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path
from typing import Any

PROJECT = """
name: trial
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws]
"""

TOKENS = """
import json

import pulumi


def provider(name, owner="platform", **settings):
    role = {
        "roleArn": "arn:aws:iam::222222222222:role/deployer",
        "sessionName": "trial",
        "externalId": "between-us",
    }
    properties = {"region": "us-east-1", "assumeRoles": json.dumps([role]), **settings}
    if owner:
        properties["defaultTags"] = json.dumps({"tags": {"owner": owner}})
    return pulumi.ProviderResource("aws", name, properties)


def make(token, name, properties, provider, **options):
    return pulumi.CustomResource(token, name, properties, pulumi.ResourceOptions(provider=provider, **options))
"""
"""A program without the SDK, whose import takes longer than all else in a run."""


class Stack:
    """One project in a folder of its own, and the engine on it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        (folder / "state").mkdir()
        (self.project / "Pulumi.yaml").write_text(PROJECT)
        self._environment = {
            **environment,
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        }
        self("stack", "init", "dev")

    def program(self, text: str) -> None:
        """What the next run does."""
        (self.project / "__main__.py").write_text(textwrap.dedent(text))

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, printed
        return printed

    def up(self, *arguments: str, fails: bool = False) -> str:
        """Deploy without a preview before."""
        return self("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def outputs(self) -> dict[str, Any]:
        """Outputs of the stack; secrets stay hidden."""
        return json.loads(self("stack", "output", "--json"))

    def resources(self) -> dict[str, dict[str, Any]]:
        """What the state records, by the resources' names."""
        state = json.loads(self("stack", "export"))
        return {item["urn"].rpartition("::")[2]: item for item in state["deployment"]["resources"]}
