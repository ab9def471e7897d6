"""The engine and the language host together, on a project of their own with the engine's built-in resources."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local.engine.go_build import EngineError
from local.engine.install import install
from local.environment import LocalFolder, tool_environment
from local.progress import Report

pytestmark = pytest.mark.stack

PROGRAM = """
import pulumi

config = pulumi.Config()
stash = pulumi.Stash("note", input={"text": config.require("text"), "hidden": config.require_secret("hidden")})
pulumi.export("text", config.require("text"))
pulumi.export("hidden", config.require_secret("hidden"))
pulumi.export("object", config.require_object("object")["list"][1])
pulumi.export("dry", pulumi.runtime.is_dry_run())
if config.get_bool("fail"):
    raise ValueError(" ".join(["own", "trouble"]))
"""

PROJECT = """
name: tiny
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws]
"""

POLICIES = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_shouting(args, report):
    if args.resource_type == "pulumi:index:Stash" and args.props["input"]["text"].isupper():
        report("do not shout")

PolicyPack("tiny-policies", policies=[
    ResourceValidationPolicy("no-shouting", "Notes are quiet.", no_shouting, EnforcementLevel.MANDATORY)])
"""

Pulumi = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def engine_folder() -> LocalFolder:
    folder = LocalFolder()
    try:
        install(folder, Report(), os.environ.get("PATH", ""))
    except EngineError as error:
        pytest.fail(str(error))
    return folder


@pytest.fixture
def pulumi(tmp_path: Path, engine_folder: LocalFolder) -> Pulumi:
    project = tmp_path / "project"
    (project / "policies").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text(PROJECT)
    (project / "__main__.py").write_text(PROGRAM)
    (project / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (project / "policies" / "__main__.py").write_text(POLICIES)
    (tmp_path / "state").mkdir()
    environment = {
        **tool_environment(engine_folder, os.environ),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def checked(*arguments: str) -> subprocess.CompletedProcess[str]:
        answer = run(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer

    checked("stack", "init", "dev")
    checked("config", "set", "text", "good morning")
    checked("config", "set", "--secret", "hidden", "s3cret")
    checked("config", "set", "--path", "object.list[0]", "first")
    checked("config", "set", "--path", "object.list[1]", "second")
    return run


def test_a_program_is_previewed_deployed_refreshed_and_destroyed_with_its_configuration(pulumi: Pulumi) -> None:
    preview = pulumi("preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "+ 2 to create" in preview.stdout

    up = pulumi("up", "--yes", "--policy-pack", "policies")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "s3cret" not in up.stdout
    outputs = json.loads(pulumi("stack", "output", "--json", "--show-secrets").stdout)
    assert outputs == {"text": "good morning", "hidden": "s3cret", "object": "second", "dry": False}

    again = pulumi("up", "--yes")
    assert "2 unchanged" in again.stdout
    assert pulumi("refresh", "--yes").returncode == 0
    destroyed = pulumi("destroy", "--yes")
    assert "- 2 deleted" in destroyed.stdout, destroyed.stdout + destroyed.stderr


def test_a_mandatory_policy_stops_the_preview(pulumi: Pulumi) -> None:
    pulumi("config", "set", "text", "GOOD MORNING")
    preview = pulumi("preview", "--policy-pack", "policies")
    assert preview.returncode != 0
    assert "do not shout" in preview.stdout


def test_a_program_that_raises_shows_its_own_error_once(pulumi: Pulumi) -> None:
    pulumi("config", "set", "fail", "true")
    preview = pulumi("preview")
    assert preview.returncode != 0
    assert preview.stdout.count("own trouble") == 1


def test_the_engine_tells_about_the_interpreter_and_its_packages(pulumi: Pulumi) -> None:
    about = json.loads(pulumi("about", "--json").stdout)
    assert about["runtime"]["language"] == "python"
    assert "pulumi-aws" in {dependency["name"].replace("_", "-") for dependency in about["dependencies"]}
