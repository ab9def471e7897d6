"""The engine runs the pack over programs whose provider keeps resources in memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.pack import packed
from local.engine.go_build import EngineError
from local.engine.install import install
from local.environment import LocalFolder, tool_environment
from local.progress import Report

pytestmark = pytest.mark.stack

PACK = Path(__file__).parents[2] / "policies"
PROVIDER = Path(__file__).parent / "memory_provider.py"

GOOD_LOG_GROUP = """
import json
import pulumi
import pulumi_aws as aws

here = aws.Provider("here", region="us-east-1", allowed_account_ids=["111111111111"])
root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"}
key = aws.kms.Key(
    "key",
    enable_key_rotation=True,
    policy=json.dumps({"Statement": [root]}),
    opts=pulumi.ResourceOptions(protect=True, provider=here),
)
aws.cloudwatch.LogGroup(
    "log", kms_key_id=key.arn, retention_in_days=365, opts=pulumi.ResourceOptions(provider=here)
)
"""

OPEN_KEY = GOOD_LOG_GROUP.replace('{"AWS": "arn:aws:iam::111111111111:root"}', '"*"')

SHORT_RETENTION = GOOD_LOG_GROUP.replace("days=365", "days=30")

LATE_RETENTION = GOOD_LOG_GROUP.replace("days=365", "days=key.arn.apply(lambda arn: 30 if arn else 365)")

BARE_RECIPE = """
import pulumi_aws as aws

aws.imagebuilder.ImageRecipe(
    "recipe",
    name="ledger",
    version="1.0.0",
    parent_image="ami-0123456789abcdef0",
    components=[{"component_arn": "arn:aws:imagebuilder:us-east-1:111111111111:component/ledger/1.0.0/1"}],
)
"""

BARE_BUCKET = """
import pulumi_aws as aws

bucket = aws.s3.Bucket("scripts")
aws.s3.BucketVersioning("versioning", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"})
"""

Engine = Callable[..., subprocess.CompletedProcess[str]]
Pulumi = Callable[[str, str], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def engine_folder() -> LocalFolder:
    folder = LocalFolder()
    try:
        install(folder, Report(), os.environ.get("PATH", ""))
    except EngineError as error:
        pytest.fail(str(error))
    return folder


@pytest.fixture
def engine(tmp_path: Path, engine_folder: LocalFolder) -> Engine:
    """Runs commands of the engine in a project and state of its own."""
    for name in ("bin", "state", "project"):
        (tmp_path / name).mkdir()
    plugin = tmp_path / "bin" / "pulumi-resource-aws"
    plugin.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{PROVIDER}' \"$@\"\n")
    plugin.chmod(0o755)
    (tmp_path / "project" / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    tools = tool_environment(engine_folder, os.environ)
    environment = {
        **tools,
        "PATH": os.pathsep.join((str(tmp_path / "bin"), tools["PATH"])),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=tmp_path / "project",
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    made = run("stack", "init", "dev")
    assert made.returncode == 0, made.stderr
    return run


@pytest.fixture
def pulumi(tmp_path: Path, engine: Engine) -> Pulumi:
    """Runs a command of the engine on a program under the pack."""

    def run(command: str, program: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "project" / "__main__.py").write_text(program)
        return engine(*command.split(), "--policy-pack", str(PACK))

    return run


def test_a_stack_that_keeps_the_rules_is_deployed_without_a_remark(pulumi: Pulumi) -> None:
    # The key's ARN is unknown in the preview.
    for command in ("preview", "up --yes"):
        answer = pulumi(command, GOOD_LOG_GROUP)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "advisory" not in answer.stdout
        assert "can't be known" not in answer.stdout


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        (OPEN_KEY, "kms-key-forbid-public-principal"),
        (BARE_RECIPE, "imagebuilder-recipe-require-encrypted-volumes"),
        (BARE_RECIPE, "imagebuilder-recipe-scope-base-owner"),
        (BARE_BUCKET, "s3-bucket-require-customer-key"),
    ],
)
def test_a_mandatory_violation_stops_a_preview(pulumi: Pulumi, program: str, rule: str) -> None:
    answer = pulumi("preview", program)
    assert answer.returncode != 0, answer.stdout
    assert re.search(rf"\[mandatory\] .* {rule} ", answer.stdout), answer.stdout
    # No file of the project beside the pack decides what another project makes.
    assert "(stacks/" not in answer.stdout


def test_a_violation_in_a_stack_with_a_file_names_the_line(pulumi: Pulumi, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "project" / "Pulumi.yaml").write_text("name: golden-ami\nruntime: python\n")
    made = engine("stack", "init", "ledger")
    assert made.returncode == 0, made.stderr
    answer = pulumi("preview --stack ledger", BARE_RECIPE)
    assert re.search(r"\(stacks/Pulumi\.ledger\.yaml:\d+, baseImage\)", answer.stdout), answer.stdout


@pytest.mark.parametrize(
    ("lowered", "level", "told", "code"),
    [
        ({"enforcementLevel": "advisory", "reason": "An archive keeps them."}, "advisory", "An archive keeps them.", 0),
        ({"enforcementLevel": "advisory"}, "mandatory", 'lowers it without a "reason"', 1),
        ("disabled", "mandatory", 'lowers it without a "reason"', 1),
    ],
)
def test_a_rule_is_advisory_for_a_reason_only(
    pulumi: Pulumi, tmp_path: Path, lowered: Any, level: str, told: str, code: int
) -> None:
    rule = "logs-group-require-retention"
    file = tmp_path / "configuration.json"
    file.write_text(json.dumps({rule: lowered}))
    answer = pulumi(f"preview --policy-pack-config {file}", SHORT_RETENTION)
    assert (answer.returncode != 0) is bool(code), answer.stdout + answer.stderr
    assert re.search(rf"\[{level}\] .* {rule} ", answer.stdout), answer.stdout
    assert told in answer.stdout


def test_what_no_preview_can_judge_is_counted_in_a_remark_and_stops_nothing(pulumi: Pulumi) -> None:
    answer = pulumi("preview", LATE_RETENTION)
    assert answer.returncode == 0, answer.stdout
    assert "[advisory]  stack-findings-count-pending" in answer.stdout
    assert "1 not to be judged before deployment" in answer.stdout
    assert "log (logs-group-require-retention)" in answer.stdout


def test_a_resource_in_a_strange_account_stops_a_preview(pulumi: Pulumi) -> None:
    program = GOOD_LOG_GROUP.replace('allowed_account_ids=["111111111111"]', 'allowed_account_ids=["999999999999"]')
    answer = pulumi("preview", program)
    assert answer.returncode != 0, answer.stdout
    assert "log: it lies in account 999999999999, outside the landing zone" in answer.stdout


def test_what_the_preview_cannot_know_is_refused_by_the_update_before_it_is_made(pulumi: Pulumi) -> None:
    preview = pulumi("preview", LATE_RETENTION)
    assert preview.returncode == 0, preview.stdout
    update = pulumi("up --yes", LATE_RETENTION)
    assert update.returncode != 0, update.stdout
    assert "logs-group-require-retention" in update.stdout
    assert "aws:cloudwatch:LogGroup log created" not in " ".join(update.stdout.split())


def test_a_bucket_without_its_companions_is_told_everything_that_is_missing(pulumi: Pulumi) -> None:
    answer = pulumi("preview", BARE_BUCKET)
    missing = ("require-customer-key", "block-public-access", "disable-acls", "require-tls")
    assert [name for name in missing if f"s3-bucket-{name}" not in answer.stdout] == []
    assert "s3-bucket-require-versioning" not in answer.stdout


FOREIGN_KEY = GOOD_LOG_GROUP.replace("arn:aws:iam::111111111111:root", "arn:aws:iam::999999999999:root")


def test_a_foreign_project_is_judged_by_the_packed_folder_and_its_own_configuration(
    tmp_path: Path, engine: Engine
) -> None:
    folder = tmp_path / "elsewhere" / "policies"
    packed(PACK.parent, folder)
    (folder / "venv").symlink_to(sys.prefix)
    configuration = tmp_path / "configuration.json"
    configuration.write_text(json.dumps({"all": "mandatory", "kms-key-scope-accounts": {"accounts": ["111111111111"]}}))
    options = ("--policy-pack", str(folder), "--policy-pack-config", str(configuration))
    for program, told in (
        (GOOD_LOG_GROUP, ""),
        (FOREIGN_KEY, "kms-key-scope-accounts"),
        (BARE_BUCKET, "s3-bucket-require-customer-key"),
    ):
        (tmp_path / "project" / "__main__.py").write_text(program)
        answer = engine("preview", *options)
        assert (answer.returncode == 0) is (told == ""), answer.stdout + answer.stderr
        assert told in answer.stdout
