"""Each pipeline file by the linters of its system; none of them needs a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci.jenkinsfile import GroovyError, parse
from tests.ci.pipelines import GITLAB, JENKINS, PIPELINES, PROJECT, WORKFLOWS, scripts_of, shell_of

SCRIPTS = Path(sys.executable).parent
SHELLCHECK = SCRIPTS / "shellcheck"


def run(*command: str | Path, folder: Path = PROJECT, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    return subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, text=True)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a linter has against a file: nothing, if it ends with 0."""
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.skipif(shutil.which("go") is None, reason="actionlint is built with Go, and there is none")
def test_actionlint_and_its_shellcheck_have_nothing_against_the_workflows() -> None:
    linter = ("go", "tool", "actionlint", f"-shellcheck={SHELLCHECK}")
    assert said(run(*linter, *WORKFLOWS, folder=Path(__file__).parent)) == ""


def test_zizmor_has_nothing_against_the_workflows() -> None:
    assert said(run(SCRIPTS / "zizmor", "--offline", "--no-config", "--quiet", "--persona=auditor", *WORKFLOWS)) == ""


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.gitlab-ci", (GITLAB,)),
    ],
)
def test_the_schemas_of_github_and_gitlab_admit_the_files(schema: str, files: tuple[Path, ...]) -> None:
    options = [f"--builtin-schema={schema}", *(["--data-transform=gitlab-ci"] if files == (GITLAB,) else [])]
    assert said(run(SCRIPTS / "check-jsonschema", *options, *files)) == ""


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.name)
def test_shellcheck_has_nothing_against_any_command(file: Path) -> None:
    for script in scripts_of(file):
        assert said(run(SHELLCHECK, f"--shell={shell_of(file)[0]}", "-", given=script)) == "", script


def test_the_jenkinsfile_is_groovy() -> None:
    parse(JENKINS.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("steps {", "steps"),
        ("agent none", "agent none }"),
        ("'golden-ami'", "'golden-ami"),
        ("sh(script:", "sh script:("),
    ],
)
def test_what_is_no_groovy_is_told_with_its_line(there: str, instead: str) -> None:
    source = JENKINS.read_text(encoding="utf-8")
    with pytest.raises(GroovyError, match=r"line \d+ is no Groovy"):
        parse(source.replace(there, instead, 1))


def test_a_shell_command_into_which_groovy_would_put_values_is_refused() -> None:
    with pytest.raises(GroovyError, match="take single quotes"):
        parse('steps { sh "make deploy STACK=${params.PRODUCT}" }')
