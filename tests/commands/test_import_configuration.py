"""`make import` as a person meets it."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from commands.import_report import show
from tests.sample.configurations import DEFAULTS, REPOSITORY, Project, whole


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.made(tmp_path)


def test_files_decisions_and_next_steps_are_shown_whole(project: Project) -> None:
    said = io.StringIO()
    show(project.imported(defaults=DEFAULTS), Console(file=said, width=80))
    text = said.getvalue()
    order = ["stacks/Pulumi.sample.yaml", "Decided", "Next", "mandatoryComponents:", "make preview PRODUCT=sample"]
    assert sorted(order, key=text.index) == order
    # A block to copy keeps its lines, however narrow the console.
    assert "- arn: arn:aws:imagebuilder:us-east-1:aws:component/reboot-test-linux/1.0.0/1\n" in text
    assert "inspector: true" not in text


def test_a_landing_zone_without_inspector_is_told_what_a_scan_needs(project: Project) -> None:
    said = io.StringIO()
    done = project.imported(whole())
    without = done.landing_zone.model_copy(update={"inspector": False})
    show(replace(done, landing_zone=without), Console(file=said, width=80))
    assert "    inspector: true\n" in said.getvalue()


def test_a_mistake_ends_the_command_with_its_key_and_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"baseImge": "ami-1"}', encoding="utf-8")
    command = [sys.executable, "-m", "commands.import_configuration", "--config", str(config), "--product", "sample"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "config.json:1: baseImge: is no field of this file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (REPOSITORY / "stacks" / "Pulumi.sample.yaml").exists()
