"""The pipeline files of three systems as their systems read them: jobs, and the shell commands of each in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ci.jenkinsfile import Block, parse

PROJECT = Path(__file__).parents[2]
CHECK = PROJECT / ".github" / "workflows" / "check.yml"
DEPLOY = PROJECT / ".github" / "workflows" / "deploy.yml"
TEST = PROJECT / ".github" / "workflows" / "test.yml"
GITLAB = PROJECT / ".gitlab-ci.yml"
JENKINS = PROJECT / "Jenkinsfile"
WORKFLOWS = (CHECK, DEPLOY, TEST)
PIPELINES = (*WORKFLOWS, GITLAB, JENKINS)

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
POSIX = ("sh", "-xe", "-c")

MAKE = re.compile(r"(?<![\w-])make(?:\s+--?[\w-]+)*\s+(?P<target>[a-z][a-z-]*)(?P<variables>(?:\s+[A-Z_]+=)?)")


@dataclass(frozen=True)
class MakeCall:
    """A call of make in a shell command, with the variable that it states."""

    target: str
    variable: str


def commands_of(file: Path) -> list[str]:
    """The shell commands of a pipeline file, in the order in which its jobs and their steps stand there."""
    return [command for commands in jobs_of(file).values() for command in commands]


def jobs_of(file: Path) -> dict[str, list[str]]:
    """The shell commands of a pipeline file by its jobs: of Jenkins by its stages."""
    if file.name == JENKINS.name:
        return {stage_name(stage): stage.commands for stage in stages(file)}
    if file.name == GITLAB.name:
        return {name: list(job["script"]) for name, job in gitlab_jobs(file).items()}
    jobs: dict[str, Any] = loaded(file)["jobs"]
    return {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}


def scripts_of(file: Path) -> list[str]:
    """What one shell each runs, in order: all of a job's commands on GitLab, elsewhere every command by itself."""
    jobs = jobs_of(file).values()
    return ["\n".join(commands) for commands in jobs] if file.name == GITLAB.name else commands_of(file)


def shell_of(file: Path) -> tuple[str, ...]:
    """The shell that runs a file's commands, as the start of a command line that a command ends.

    GitHub's workflows ask for bash, GitLab takes it where the image has it, and Jenkins' `sh` is the machine's.
    """
    return POSIX if file.name == JENKINS.name else BASH


def make_calls(file: Path) -> list[MakeCall]:
    """What a pipeline file makes, in order."""
    found = [match for command in commands_of(file) for match in MAKE.finditer(command)]
    return [MakeCall(match["target"], match["variables"].strip().removesuffix("=")) for match in found]


def loaded(file: Path) -> dict[str, Any]:
    """A YAML file with every value as text, so that `on` and `true` are no booleans."""
    return yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)


def gitlab_jobs(file: Path) -> dict[str, dict[str, Any]]:
    """GitLab's jobs: what has a script."""
    return {name: job for name, job in loaded(file).items() if isinstance(job, dict) and "script" in job}


def pipeline(file: Path) -> Block:
    """The one block of a declarative Jenkinsfile."""
    (found,) = parse(file.read_text(encoding="utf-8"))
    return found


def stages(file: Path) -> list[Block]:
    """The stages of a Jenkinsfile."""
    (found,) = pipeline(file).named("stages")
    return found.body


def stage_name(stage: Block) -> str:
    """What a stage is called."""
    found = re.match(r"stage\('([\w ]+)'\)", stage.text)
    assert found, stage.text
    return found[1]
