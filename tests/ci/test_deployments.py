"""What continuous integration runs after a merge, by each system's own commands on a local cloud."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.check.base_state import base_cloud
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from local.start import prepared
from tests.ci.pipelines import CHECK, DEPLOY, GITLAB, JENKINS, commands_of
from tests.local.check.repositories import bare_environment, edit, git, made_repository, run

pytestmark = pytest.mark.stack

STACKS = ("landing-zone", "ledger")


@dataclass
class Deployment:
    """A repository after a merge, and the environment of the job that deploys it."""

    repository: Path
    session: Session

    @property
    def environment(self) -> dict[str, str]:
        """What the environment states: backend, credentials, and the engine on PATH."""
        own = ("AWS_", "PULUMI_", "PATH")
        stated = {name: value for name, value in self.session.environment.items() if name.startswith(own)}
        return bare_environment(**stated)

    def deployed(self) -> dict[str, int]:
        """How many resources each stack has."""
        listed = {stack: self.session.stacks.export(stack)["deployment"].get("resources") or [] for stack in STACKS}
        return {stack: len(resources) for stack, resources in listed.items()}


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Generator[Deployment]:
    """A cloud of its own, and stacks that were made once by hand as the README says."""
    repository = made_repository(tmp_path_factory.mktemp("merged"))
    folder, report = LocalFolder(repository / ".local", tools=REPOSITORY / ".local"), Report()
    with base_cloud(folder, report) as record:
        deployment = Deployment(repository, prepared(folder, record, report, StackFiles.read(repository)))
        folder.state.mkdir(parents=True)
        for stack in STACKS:
            subprocess.run(
                ["pulumi", "stack", "init", stack, "--no-select", "--non-interactive"],
                cwd=repository,
                env=deployment.environment,
                check=True,
                capture_output=True,
            )
        yield deployment


def command_with(pipeline: Path, text: str) -> str:
    (found,) = [command for command in commands_of(pipeline) if text in command]
    return found


@pytest.mark.parametrize("pipeline", [DEPLOY, GITLAB, JENKINS], ids=["GitHub", "GitLab", "Jenkins"])
def test_each_system_deploys_the_affected_stacks_with_the_policy_pack(merged: Deployment, pipeline: Path) -> None:
    environment = {**merged.environment, "STACKS": "landing-zone"}
    code, said = run(pipeline, command_with(pipeline, "make deploy"), merged.repository, environment)
    assert code == 0, said
    assert "golden-ami@v" in said, said
    assert merged.deployed()["landing-zone"] > 10


def test_a_change_is_checked_against_what_is_deployed_where_that_is_asked_for(merged: Deployment) -> None:
    edit(merged.repository / "stacks" / "Pulumi.landing-zone.yaml", r"owner: cloud-platform@", "owner: platform@")
    edit(merged.repository / "stacks" / "Pulumi.ledger.yaml", r"name: ledger\n", "name: ledger\n    tags: {team: a}\n")
    code, said = run(CHECK, "make check-products BASE=main CHECK=--live", merged.repository, merged.environment)
    report = (merged.repository / ".local" / "check" / "report.md").read_text(encoding="utf-8")
    git(merged.repository, "checkout", "--quiet", "--", "stacks")
    assert (code, "nothing stands in the way" in said) == (0, True), said
    # The landing zone is there and gets another tag; the product was never deployed.
    assert re.search(r"^\| landing-zone \|  \| [1-9]\d* \|  \|  \| keeps every rule \|$", report, re.M), report
    assert re.search(r"^\| ledger \| [1-9]\d+ \|  \|  \|  \| keeps every rule \|$", report, re.M), report
    assert merged.deployed()["ledger"] == 0


def test_a_stack_that_breaks_a_rule_ends_the_deployment_before_it(merged: Deployment) -> None:
    component = merged.repository / "components" / "build_instances.py"
    edit(component, r"response_hop_limit=1\b", "response_hop_limit=2")
    code, said = run(
        DEPLOY,
        command_with(DEPLOY, "make deploy"),
        merged.repository,
        {**merged.environment, "STACKS": "ledger landing-zone"},
    )
    edit(component, r"response_hop_limit=2\b", "response_hop_limit=1")
    assert code != 0
    assert "imagebuilder-infrastructure-require-metadata-tokens" in said
    assert "landing-zone" not in said.partition("ledger")[2].replace("stacks/Pulumi.landing-zone", "")


@pytest.mark.parametrize(
    ("changed", "listed"),
    [("stacks/Pulumi.ledger.yaml", "ledger\n"), ("model/names.py", "landing-zone\nledger\n"), ("README.md", "")],
)
def test_what_a_merge_affects_is_listed_in_the_order_of_deployment(tmp_path: Path, changed: str, listed: str) -> None:
    repository = made_repository(tmp_path)
    with (repository / changed).open("a", encoding="utf-8") as file:
        file.write("\n# Another line.\n")
    git(repository, "commit", "--quiet", "--all", "--message=change")
    done = subprocess.run(
        ["make", "--silent", "affected", "BASE=HEAD^"],
        cwd=repository,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == listed
