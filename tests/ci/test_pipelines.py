"""What the pipelines may do: their permissions, their approvals, and the commands that they share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.ci.jenkinsfile import Block
from tests.ci.pipelines import (
    CHECK,
    DEPLOY,
    GITLAB,
    JENKINS,
    PIPELINES,
    PROJECT,
    WORKFLOWS,
    MakeCall,
    commands_of,
    gitlab_jobs,
    loaded,
    make_calls,
    pipeline,
    stage_name,
    stages,
)

PINNED = re.compile(r"(?P<action>[\w-]+/[\w-]+)@(?P<digest>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)")
REPORTS = ".local/check/report."

CHECKED = [MakeCall("check-products", "BASE")]
DEPLOYED = [
    MakeCall("environment", ""),
    MakeCall("affected", "BASE"),
    MakeCall("engine", ""),
    MakeCall("deploy", "STACK"),
]
"""`environment` comes by itself, so that nothing but stacks is printed by `affected`."""

PIPELINE_SECTIONS = {
    "agent",
    "environment",
    "libraries",
    "options",
    "parameters",
    "post",
    "stages",
    "tools",
    "triggers",
}
STAGE_SECTIONS = {"agent", "environment", "failFast", "input", "options", "post", "steps", "tools", "when"}
"""Declarative pipelines' sections (Jenkins' "Pipeline Syntax"); of a stage those without stages of its own."""

JOBS = [pytest.param(file, name, id=f"{file.stem}-{name}") for file in WORKFLOWS for name in loaded(file)["jobs"]]


def job_of(file: Path, name: str) -> dict[str, Any]:
    return loaded(file)["jobs"][name]


def steps_using(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def stage(name: str) -> Block:
    return next(stage for stage in stages(JENKINS) if stage_name(stage) == name)


def text_of(block: Block, name: str) -> str:
    return " ".join(part.text for part in block.named(name))


@pytest.mark.parametrize(
    ("file", "calls"),
    [(CHECK, CHECKED), (DEPLOY, DEPLOYED), (GITLAB, CHECKED + DEPLOYED), (JENKINS, CHECKED + DEPLOYED)],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_a_pipeline_makes_just_what_is_promised(file: Path, calls: list[MakeCall]) -> None:
    assert make_calls(file) == calls


@pytest.mark.parametrize("call", CHECKED + DEPLOYED, ids=lambda call: call.target)
def test_what_the_pipelines_make_is_in_the_makefile(call: MakeCall) -> None:
    rule = re.search(rf"^{call.target}:.*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert rule
    assert call.variable in rule[1]


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.name)
def test_no_account_stands_in_a_pipeline(file: Path) -> None:
    assert not re.search(r"\b\d{12}\b", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_by_a_commit_and_tells_its_version(file: Path) -> None:
    used = re.findall(r"\buses: *(.*)", file.read_text(encoding="utf-8"))
    assert used
    assert [use for use in used if not PINNED.fullmatch(use)] == []


def test_an_action_has_one_version_in_all_workflows() -> None:
    used = {match.groups() for file in WORKFLOWS for match in PINNED.finditer(file.read_text(encoding="utf-8"))}
    assert len({action for action, _, _ in used}) == len(used) > 0


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_no_permissions_but_those_of_its_jobs(file: Path) -> None:
    assert loaded(file)["permissions"] == {}


@pytest.mark.parametrize(("file", "name"), JOBS)
def test_a_job_that_may_write_runs_nothing_of_the_repository(file: Path, name: str) -> None:
    job = job_of(file, name)
    may_write = {scope for scope, access in job["permissions"].items() if access == "write"} - {"id-token"}
    runs = steps_using(job, "actions/checkout") or any("make " in step.get("run", "") for step in job["steps"])
    assert not (may_write and runs)


@pytest.mark.parametrize(("file", "name"), JOBS)
def test_only_the_deployment_that_was_approved_gets_an_identity(file: Path, name: str) -> None:
    job = job_of(file, name)
    approved = (file, name) == (DEPLOY, "deploy")
    assert (job["permissions"].get("id-token") == "write") == approved
    assert (job.get("environment") == "production") == approved
    assert bool(steps_using(job, "aws-actions/configure-aws-credentials")) == approved
    assert "secrets." not in str(job)


def test_packages_are_installed_before_there_are_credentials() -> None:
    steps = job_of(DEPLOY, "deploy")["steps"]
    names = [step.get("uses", step.get("run", "")).split("@")[0] for step in steps]
    assert [name.splitlines()[0] for name in names][-3:] == [
        "make engine",
        "aws-actions/configure-aws-credentials",
        "for stack in $STACKS; do",
    ]
    (engine, token, _) = gitlab_jobs(GITLAB)["deploy"]["script"]
    assert "make engine" in engine
    assert "AWS_TOKEN" in token


def test_jenkins_deploys_with_the_engine_that_was_installed() -> None:
    assert 'PATH = "${env.WORKSPACE}/.local/pulumi-engine/bin:${env.PATH}"' in stage("Deploy").text


@pytest.mark.parametrize(("file", "name"), JOBS)
def test_what_a_job_checks_out_holds_no_credentials(file: Path, name: str) -> None:
    for step in steps_using(job_of(file, name), "actions/checkout"):
        assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_expression_is_put_into_a_command(file: Path) -> None:
    assert [command for command in commands_of(file) if "${{" in command] == []


def test_the_check_runs_for_pull_requests_without_the_rights_of_the_base() -> None:
    assert set(loaded(CHECK)["on"]) == {"pull_request"}
    assert job_of(CHECK, "preview")["permissions"] == {"contents": "read"}


def test_a_push_ends_the_check_of_the_one_before() -> None:
    concurrency = loaded(CHECK)["concurrency"]
    assert "github.event.pull_request.number" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "true"


def test_the_report_is_kept_and_commented_though_the_check_fails() -> None:
    (kept,) = steps_using(job_of(CHECK, "preview"), "actions/upload-artifact")
    comment = job_of(CHECK, "comment")
    assert "!cancelled()" in kept["if"]
    assert kept["with"]["path"].split() == [f"{REPORTS}md", f"{REPORTS}html"]
    assert kept["with"]["include-hidden-files"] == "true"
    assert "!cancelled()" in comment["if"]
    assert comment["permissions"] == {"pull-requests": "write"}
    assert steps_using(comment, "actions/download-artifact")[0]["with"]["name"] == kept["with"]["name"]


def test_a_fork_gets_no_comment_which_its_token_could_not_write() -> None:
    assert "head.repo.full_name == github.repository" in job_of(CHECK, "comment")["if"]


def test_github_deploys_from_main_one_at_a_time_and_asks_only_where_something_is_affected() -> None:
    assert loaded(DEPLOY)["on"] == {"push": {"branches": ["main"]}}
    assert loaded(DEPLOY)["concurrency"] == {"group": "deploy", "cancel-in-progress": "false"}
    assert job_of(DEPLOY, "deploy")["needs"] == "affected"
    assert job_of(DEPLOY, "deploy")["if"] == "needs.affected.outputs.stacks != ''"


@pytest.mark.parametrize(("file", "name"), [(CHECK, "preview"), (DEPLOY, "affected")], ids=["preview", "affected"])
def test_what_compares_with_a_base_has_the_whole_history(file: Path, name: str) -> None:
    (step,) = steps_using(job_of(file, name), "actions/checkout")
    assert step["with"]["fetch-depth"] == "0"
    assert loaded(GITLAB)["variables"]["GIT_DEPTH"] == "0"


def test_gitlab_checks_merge_requests_and_shows_the_report_though_the_check_fails() -> None:
    job = gitlab_jobs(GITLAB)["check"]
    assert all("MERGE_REQUEST" in rule["if"] or "merge_request" in rule["if"] for rule in job["rules"])
    assert job["artifacts"]["when"] == "always"
    assert set(job["artifacts"]["paths"]) == {f"{REPORTS}md", f"{REPORTS}html"}
    assert job["artifacts"]["expose_as"]


def test_gitlab_deploys_the_default_branch_by_hand_into_the_protected_environment_one_at_a_time() -> None:
    job = gitlab_jobs(GITLAB)["deploy"]
    assert job["rules"] == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "when": "manual"}]
    assert job["environment"] == job["resource_group"] == "production"
    assert job["needs"] == ["affected"]


def test_gitlab_gives_an_identity_to_the_deployment_only() -> None:
    holders = [name for name, job in gitlab_jobs(GITLAB).items() if "id_tokens" in job or "secrets" in job]
    assert holders == ["deploy"]
    assert not {"id_tokens", "secrets"} & {*loaded(GITLAB), *loaded(GITLAB)["default"]}


def test_every_job_of_gitlab_and_stage_of_jenkins_has_a_time_limit() -> None:
    assert [name for name, job in gitlab_jobs(GITLAB).items() if "timeout" not in job] == []
    assert [stage_name(stage) for stage in stages(JENKINS) if "timeout(" not in text_of(stage, "options")] == []


def test_the_jenkinsfile_is_a_declarative_pipeline() -> None:
    assert pipeline(JENKINS).name == "pipeline"
    assert {block.name for block in pipeline(JENKINS).body} <= PIPELINE_SECTIONS
    for found in stages(JENKINS):
        names = [block.name for block in found.body]
        assert set(names) <= STAGE_SECTIONS
        assert len(set(names)) == len(names)
        assert "steps" in names


def test_jenkins_asks_for_product_and_role() -> None:
    (parameters,) = pipeline(JENKINS).named("parameters")
    assert re.findall(r"name: '(\w+)'", parameters.text) == ["PRODUCT", "ROLE"]


def test_jenkins_checks_pull_requests_into_main_and_keeps_the_report_though_the_check_fails() -> None:
    assert "changeRequest(target: 'main')" in text_of(stage("Check"), "when")
    (always,) = stage("Check").named("post")[0].named("always")
    assert f"archiveArtifacts(artifacts: '{REPORTS}*'" in always.text


def test_jenkins_deploys_main_one_at_a_time_after_approval_and_holds_no_machine_meanwhile() -> None:
    names = [stage_name(found) for found in stages(JENKINS)]
    assert names.index("Affected") < names.index("Approve") < names.index("Deploy")
    assert "input(" in text_of(stage("Approve"), "steps")
    assert "submitter: 'golden-ami-approvers'" in text_of(stage("Approve"), "steps")
    assert stage("Approve").named("agent") == []
    assert [block.text for block in pipeline(JENKINS).named("agent")] == ["agentnone"]
    for name in ("Affected", "Approve", "Deploy"):
        assert "branch 'main'" in text_of(stage(name), "when")
    for name in ("Approve", "Deploy"):
        assert "expression { env.STACKS }" in text_of(stage(name), "when")
    assert "disableConcurrentBuilds()" in text_of(pipeline(JENKINS), "options")


def test_jenkins_gives_an_identity_to_the_deployment_only() -> None:
    holders = [stage_name(found) for found in stages(JENKINS) if "redentials(" in found.text]
    assert holders == ["Deploy"]
    assert "redentials(" not in text_of(pipeline(JENKINS), "environment")


def test_what_jenkins_left_out_for_one_product_stays_to_be_deployed() -> None:
    assert "(affected - params.PRODUCT).join(' ')" in text_of(stage("Affected"), "steps")
    assert "GIT_PREVIOUS_SUCCESSFUL_COMMIT" in text_of(stage("Affected"), "environment")
    assert re.search(r"if \(env\.LEFT\) \{[^}]*unstable\(", text_of(stage("Deploy"), "steps"))


def test_the_guide_names_what_has_to_be_set_up() -> None:
    guide = (PROJECT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
    named = [job_of(CHECK, "preview")["name"], *re.findall(r"vars\.(\w+)", DEPLOY.read_text(encoding="utf-8"))]
    quoted = r"(?:credentials\(|submitter: |label )'([\w-]+)'"
    named += re.findall(quoted, JENKINS.read_text(encoding="utf-8"))
    named += re.findall(r"name: '(\w+)'", text_of(pipeline(JENKINS), "parameters"))
    assert [name for name in named if f"`{name}`" not in guide] == []
    assert f":environment:{job_of(DEPLOY, 'deploy')['environment']}`" in guide
