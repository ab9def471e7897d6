"""The pipelines' shell commands, run with programs in place of make, gh and curl."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ci.pipelines import CHECK, DEPLOY, GITLAB, JENKINS, jobs_of, shell_of

NO_COMMIT = "0" * 40
"""What both systems state as the commit before the first push of a branch."""


@dataclass
class Machine:
    """A folder to run commands in, with programs that note how they were called."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def program(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$*" >> "{self.folder}/{name}.calls"\n{body}\n')
        path.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        file = self.folder / f"{name}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, file: Path, *commands: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*shell_of(file), "\n".join(commands)],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), **self.environment, **environment},
            capture_output=True,
            text=True,
        )

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")})


@pytest.fixture
def history(machine: Machine) -> list[str]:
    """A repository of four commits, the oldest first."""
    machine.git("init", "--quiet")
    for text in ("one", "two", "three", "four"):
        machine.git("commit", "--quiet", "--allow-empty", "--message", text)
    return machine.git("rev-list", "--reverse", "HEAD").split()


def command(file: Path, job: str, text: str) -> str:
    """The one command of a job in which a text stands."""
    (found,) = [command for command in jobs_of(file)[job] if text in command]
    return found


def base_on_github(machine: Machine, deployed: str, before: str) -> str:
    machine.program("gh", f"echo '{deployed}'")
    done = machine.run(DEPLOY, command(DEPLOY, "affected", "git rev-parse"), BEFORE=before)
    assert done.returncode == 0, done.stderr
    return (machine.folder / "GITHUB_OUTPUT").read_text().strip().removeprefix("commit=")


def base_on_gitlab(machine: Machine, deployed: str, before: str) -> str:
    machine.program("curl", f"echo '{json.dumps([{'sha': deployed}] if deployed else [])}'")
    given = {"CI_JOB_TOKEN": "token", "CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "7"}
    find = command(GITLAB, "affected", "git rev-parse")
    done = machine.run(GITLAB, find, 'echo "$BASE"', CI_COMMIT_BEFORE_SHA=before, **given)
    assert done.returncode == 0, done.stderr
    # Without it a refusal would be an answer.
    assert "--fail" in machine.calls("curl")[-1].split()
    return done.stdout.strip()


@pytest.mark.parametrize("base_on", [base_on_github, base_on_gitlab])
def test_what_was_deployed_last_is_the_base_else_what_was_there_before(
    machine: Machine, history: list[str], base_on: Callable[[Machine, str, str], str]
) -> None:
    one, two, three, _ = history
    assert base_on(machine, one, two) == one
    (machine.folder / "GITHUB_OUTPUT").unlink(missing_ok=True)
    assert base_on(machine, "", two) == two
    (machine.folder / "GITHUB_OUTPUT").unlink(missing_ok=True)
    assert base_on(machine, "f" * 40, NO_COMMIT) == three


@pytest.mark.parametrize(("file", "program"), [(DEPLOY, "gh"), (GITLAB, "curl")])
def test_without_an_answer_nothing_is_compared(machine: Machine, history: list[str], file: Path, program: str) -> None:
    machine.program(program, "exit 1")
    done = machine.run(file, command(file, "affected", "git rev-parse"), 'echo "went on"', BEFORE=history[0])
    assert done.returncode != 0
    assert "went on" not in done.stdout


@pytest.mark.parametrize(("file", "output"), [(DEPLOY, "GITHUB_OUTPUT"), (GITLAB, ".local/affected.env")])
@pytest.mark.parametrize("affected", [["landing-zone", "ledger"], []])
def test_the_affected_stacks_are_handed_on_in_one_line(
    machine: Machine, file: Path, output: str, affected: list[str]
) -> None:
    machine.program("make", "\n".join(f"echo {stack}" for stack in affected))
    (machine.folder / ".local").mkdir()
    done = machine.run(file, command(file, "affected", "make --silent"), BASE="abc")
    assert done.returncode == 0, done.stderr
    assert machine.calls("make") == ["--silent affected BASE=abc"]
    assert (machine.folder / output).read_text().lower() == f"stacks={' '.join(affected)}\n"


@pytest.mark.parametrize("file", [DEPLOY, GITLAB])
def test_a_comparison_that_fails_hands_nothing_on(machine: Machine, file: Path) -> None:
    machine.program("make", "echo ledger; exit 2")
    (machine.folder / ".local").mkdir()
    assert machine.run(file, command(file, "affected", "make --silent"), BASE="abc").returncode == 2
    assert not (machine.folder / "GITHUB_OUTPUT").exists()
    assert not (machine.folder / ".local" / "affected.env").exists()


@pytest.mark.parametrize(("file", "job"), [(DEPLOY, "deploy"), (GITLAB, "deploy"), (JENKINS, "Deploy")])
def test_stacks_are_deployed_in_order_and_none_after_one_that_failed(machine: Machine, file: Path, job: str) -> None:
    machine.program("make", 'case "$*" in *ledger) exit 1;; esac')
    done = machine.run(file, command(file, job, "make deploy"), STACKS="landing-zone ledger payroll")
    assert done.returncode != 0
    assert machine.calls("make") == ["deploy STACK=landing-zone", "deploy STACK=ledger"]


def test_what_is_deployed_with_is_the_engine_that_was_installed(machine: Machine) -> None:
    machine.program("make", "")
    there = str(machine.folder / ".local" / "pulumi-engine" / "bin")
    done = machine.run(GITLAB, command(GITLAB, "deploy", "make engine"), 'printf %s "$PATH"')
    assert done.stdout.startswith(f"{there}:")
    path = machine.folder / "GITHUB_PATH"
    assert machine.run(DEPLOY, command(DEPLOY, "deploy", "make engine"), GITHUB_PATH=str(path)).returncode == 0
    assert path.read_text() == f"{there}\n"
    assert machine.calls("make") == ["engine", "engine"]


def test_gitlab_s_token_lies_in_a_file_that_only_its_user_reads(machine: Machine) -> None:
    look = 'stat --format=%a "$AWS_WEB_IDENTITY_TOKEN_FILE"; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"; env'
    given = {"AWS_TOKEN": "header.body.signature", "TMPDIR": str(machine.folder)}
    done = machine.run(GITLAB, command(GITLAB, "deploy", "AWS_TOKEN"), look, **given)
    assert done.stdout.startswith("600\nheader.body.signature")
    assert "\nAWS_WEB_IDENTITY_TOKEN_FILE=" in done.stdout


def comment(machine: Machine) -> subprocess.CompletedProcess[str]:
    machine.program("gh", "")
    return machine.run(CHECK, *jobs_of(CHECK)["comment"], PULL_REQUEST="7", RUN="https://github.example.com/runs/1")


def test_the_comment_is_written_over_the_last_one_and_leads_to_the_run(machine: Machine) -> None:
    (machine.folder / "report").mkdir()
    (machine.folder / "report" / "report.md").write_text("# Two products\n\n| ledger |\n")
    assert comment(machine).returncode == 0
    assert machine.calls("gh") == ["pr comment 7 --edit-last --create-if-none --body-file comment.md"]
    text = (machine.folder / "comment.md").read_text()
    assert text.startswith("# Two products\n\n| ledger |\n\n[")
    assert text.endswith("(https://github.example.com/runs/1)\n")


def test_a_report_that_no_comment_holds_ends_at_a_line(machine: Machine) -> None:
    (machine.folder / "report").mkdir()
    (machine.folder / "report" / "report.md").write_text(f"{'ä' * 98}\n" * 1000)
    assert comment(machine).returncode == 0
    text = (machine.folder / "comment.md").read_text()
    assert len(text) < 65_536
    assert set(text.split("\n\n[")[0].split("\n")) == {"ä" * 98}


def test_a_report_that_is_a_link_is_not_shown(machine: Machine) -> None:
    (machine.folder / "report").mkdir()
    (machine.folder / "secret").write_text("secret")
    (machine.folder / "report" / "report.md").symlink_to(machine.folder / "secret")
    assert comment(machine).returncode != 0
    assert machine.calls("gh") == []
