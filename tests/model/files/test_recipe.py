"""A recipe's components in their order, from the landing zone's and the product's files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, PRODUCT_KEY, load_landing_zone, load_product, stack_path
from model.files.problems import FileError
from model.files.product import Product
from model.files.recipe import COMPONENT_MAXIMUM, RecipeComponent, read_components

REPOSITORY = Path(__file__).parents[3]
ARN = "arn:aws:imagebuilder:us-east-1:aws:component/"


def document(*phases: str, parameters: str = "") -> str:
    steps = "".join(f"  - name: {phase}\n    steps:\n      - {{name: Again, action: Reboot}}\n" for phase in phases)
    return f"schemaVersion: 1.0\n{parameters}phases:\n{steps}"


@dataclass
class Project:
    """A folder with a landing zone, a product, and documents."""

    folder: Path

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def stack(self, name: str, key: str, **changed: Any) -> None:
        path = stack_path(self.folder, name)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["config"][key].update(changed)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def product(self, **components: Any) -> None:
        self.stack("ledger", PRODUCT_KEY, components=components)

    def mandatory(self, **components: Any) -> None:
        self.stack("landing-zone", LANDING_ZONE_KEY, mandatoryComponents={"linux": components})

    def read(self) -> tuple[RecipeComponent, ...]:
        product, landing_zone = self.files()
        return read_components(product, landing_zone, self.folder)

    def files(self) -> tuple[Product, LandingZone]:
        landing_zone = load_landing_zone(stack_path(self.folder, "landing-zone"))
        return load_product(stack_path(self.folder, "ledger"), landing_zone), landing_zone

    def problems(self) -> list[str]:
        with pytest.raises(FileError) as raised:
            self.read()
        return str(raised.value).replace(f"{self.folder}/", "").splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    for name in ("landing-zone", "ledger"):
        made.write(f"stacks/Pulumi.{name}.yaml", stack_path(REPOSITORY, name).read_text(encoding="utf-8"))
    shutil.copytree(REPOSITORY / "runtime" / "documents", tmp_path / "runtime" / "documents")
    made.write("runtime/components/update-linux.yaml", document("build"))
    made.write("runtime/components/update-windows.yaml", document("build"))
    made.write("runtime/components/boots-linux.yaml", document("test"))
    made.write("stacks/ledger/agent.yaml", document("build", "validate", "test"))
    made.write("stacks/ledger/tidy.yaml", document("validate"))
    made.write("stacks/ledger/probe.yaml", document("test"))
    made.write("stacks/landing-zone/register.yaml", document("build"))
    made.product()
    made.mandatory()
    return made


def labels(components: tuple[RecipeComponent, ...]) -> list[str]:
    return [component.label for component in components]


def test_a_product_without_components_runs_the_teams_script_alone(project: Project) -> None:
    assert labels(project.read()) == ["install-scripts"]


def test_mandatory_steps_come_first_in_build_and_last_in_finish_and_test(project: Project) -> None:
    project.mandatory(
        build=[{"readyMade": "update"}],
        finish=[{"document": "register.yaml"}],
        test=[{"readyMade": "boots"}],
    )
    project.product(
        build=[{"arn": f"{ARN}python/x.x.x"}, {"document": "agent.yaml"}],
        finish=[{"document": "tidy.yaml"}],
        test=[{"document": "probe.yaml"}],
    )
    assert labels(project.read()) == [
        "update", "python", "agent", "install-scripts", "tidy", "register", "probe", "boots",
    ]  # fmt: skip


def test_a_proxy_is_set_before_the_mandatory_steps_and_taken_away_after_them(project: Project) -> None:
    for name in ("proxy-linux.yaml", "no-proxy-linux.yaml"):
        shutil.copy(REPOSITORY / "runtime" / "components" / name, project.folder / "runtime" / "components" / name)
    project.mandatory(build=[{"readyMade": "update"}], finish=[{"document": "register.yaml"}])
    project.product(test=[{"document": "probe.yaml"}])
    proxy = {"url": "http://proxy.example.com:443", "direct": [".example.com", "10.0.0.0/8"]}
    project.stack("ledger", PRODUCT_KEY, proxy=proxy)
    components = project.read()
    assert labels(components) == ["proxy", "update", "install-scripts", "register", "no-proxy", "probe"]
    assert components[0].parameters == {"Url": proxy["url"], "Direct": ".example.com,10.0.0.0/8"}


def test_each_component_is_what_its_step_names(project: Project) -> None:
    project.product(
        build=[
            {"document": "agent.yaml", "version": "1.2.3"},
            {"readyMade": "update"},
            {"arn": f"{ARN}python/3.1.x", "parameters": {"Major": "3"}},
        ]
    )
    agent, update, python, installer = project.read()
    assert (agent.text, agent.version, agent.arn) == (document("build", "validate", "test"), "1.2.3", None)
    assert (update.text, update.version) == (document("build"), None)
    assert (python.text, python.arn, python.parameters) == (None, f"{ARN}python/3.1.x", {"Major": "3"})
    assert "EntryScript" in (installer.text or "")


def test_windows_takes_the_documents_of_windows(project: Project) -> None:
    project.stack("ledger", PRODUCT_KEY, operatingSystem="windows", entryScript="install.ps1")
    project.product(build=[{"readyMade": "update"}])
    update, installer = project.read()
    assert update.document is not None
    assert update.document.name.endswith("update-windows.yaml")
    assert "ExecutePowerShell" in (installer.text or "")


@pytest.mark.parametrize(
    ("stage", "step", "told"),
    [
        ("build", {}, "state exactly one of document, bucketDocument, readyMade and arn"),
        (
            "build",
            {"document": "agent.yaml", "readyMade": "update"},
            "state exactly one of document, bucketDocument, readyMade and arn",
        ),
        ("build", {"readyMade": "update", "version": "1.0.0"}, "version: can be stated for a document of one's own"),
        ("build", {"document": "../agent.yaml"}, "components.build.0.document: must match"),
        ("build", {"arn": "arn:aws:imagebuilder:us-east-1:aws:component/python"}, "components.build.0.arn: must match"),
        ("build", {"document": "agent.yaml", "version": "1.0"}, "components.build.0.version: must match"),
        ("build", {"document": "other.yaml"}, "stacks/ledger/other.yaml is not there; write it, or correct the name"),
        (
            "build",
            {"readyMade": "boot"},
            "no ready-made component 'boot' for Linux (boots, update); choose one of them",
        ),
        ("build", {"document": "probe.yaml"}, "probe.yaml has a test phase only; state it under test"),
        ("test", {"document": "agent.yaml"}, "agent.yaml has phase build, validate, which runs before the tests"),
        (
            "build",
            {"arn": ARN.replace("us-east-1", "eu-west-1") + "python/x.x.x"},
            "is of Region eu-west-1, and images",
        ),
        (
            "build",
            {"document": "agent.yaml", "parameters": {"Port": "1"}},
            "Port: is no parameter of agent.yaml (none)",
        ),
        ("build", {"document": "agent.yaml", "parameters": {"Port": 1}}, "must be text, got the number 1; quote it"),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_place(project: Project, stage: str, step: Any, told: str) -> None:
    project.product(**{stage: [step]})
    (problem,) = project.problems()
    assert problem.startswith("stacks/Pulumi.ledger.yaml:")
    assert f"components.{stage}.0" in problem
    assert told in problem


def test_a_parameter_without_default_has_to_be_given(project: Project) -> None:
    parameters = "parameters:\n  - Port: {type: string}\n  - Host: {type: string, default: a}\n"
    project.write("stacks/ledger/agent.yaml", document("build", parameters=parameters))
    project.product(build=[{"document": "agent.yaml"}])
    (problem,) = project.problems()
    assert "components.build.0.parameters.Port: is missing: agent.yaml has no default for it; add it" in problem
    project.product(build=[{"document": "agent.yaml", "parameters": {"Port": "1"}}])
    assert project.read()[0].parameters == {"Port": "1"}


def test_mistakes_of_all_files_are_told_at_once(project: Project) -> None:
    project.write("stacks/ledger/agent.yaml", document("build").replace("Reboot", "Restart"))
    project.write(
        "stacks/ledger/tidy.yaml", document("validate").replace("Reboot", "ExecutePowerShell, inputs: {file: a}")
    )
    project.mandatory(build=[{"document": "nothing.yaml"}])
    project.product(build=[{"document": "agent.yaml"}, {"document": "tidy.yaml"}, {"readyMade": "nothing"}])
    found = project.problems()
    assert [problem.split(":")[0] for problem in found] == [
        "stacks/Pulumi.landing-zone.yaml",
        "stacks/ledger/agent.yaml",
        "stacks/ledger/tidy.yaml",
        "stacks/Pulumi.ledger.yaml",
    ]
    assert "ExecutePowerShell does not run on Linux; use another action" in found[2]


def test_what_runs_already_with_the_same_values_is_refused(project: Project) -> None:
    project.mandatory(build=[{"readyMade": "update"}])
    project.product(build=[{"readyMade": "update"}])
    (problem,) = project.problems()
    assert "update runs already with the same values" in problem
    assert "stacks/Pulumi.landing-zone.yaml: mandatoryComponents.linux.build.0" in problem


def test_the_same_document_runs_twice_with_other_values(project: Project) -> None:
    project.write("stacks/ledger/agent.yaml", document("build", parameters="parameters:\n  - Port: {type: string}\n"))
    project.product(build=[{"document": "agent.yaml", "parameters": {"Port": port}} for port in ("1", "2")])
    assert labels(project.read()) == ["agent", "agent", "install-scripts"]


def test_two_documents_may_not_have_one_name(project: Project) -> None:
    project.write("stacks/ledger/update.yaml", document("build"))
    project.product(build=[{"readyMade": "update"}, {"document": "update.yaml"}])
    (problem,) = project.problems()
    assert "stacks/ledger/update.yaml would be called like runtime/components/update-linux.yaml; rename one" in problem


def test_the_name_of_the_scripts_own_component_is_taken(project: Project) -> None:
    project.write("stacks/ledger/install-scripts.yaml", document("build"))
    project.product(build=[{"document": "install-scripts.yaml"}])
    (problem,) = project.problems()
    assert "rename one of them" in problem


def test_one_document_has_one_version(project: Project) -> None:
    project.write("stacks/ledger/agent.yaml", document("build", parameters="parameters:\n  - Port: {type: string}\n"))
    steps = [{"document": "agent.yaml", "version": f"1.0.{port}", "parameters": {"Port": port}} for port in ("1", "2")]
    project.product(build=steps)
    (problem,) = project.problems()
    assert "components.build.1.version: agent.yaml is stated with another version before; state the same one" in problem


def test_more_components_than_a_recipe_takes_are_refused(project: Project) -> None:
    steps = [{"arn": f"{ARN}python/1.0.{number}"} for number in range(COMPONENT_MAXIMUM - 2)]
    project.mandatory(build=[{"readyMade": "update"}])
    project.product(build=steps)
    assert len(project.read()) == COMPONENT_MAXIMUM
    project.product(build=[*steps, {"document": "agent.yaml"}])
    (problem,) = project.problems()
    assert problem.startswith("stacks/Pulumi.ledger.yaml:")
    assert (
        "the recipe has 21 components, 1 of them mandatory and one for the script, and Image Builder takes 20"
        in problem
    )


def test_a_document_that_is_no_text_is_told(project: Project) -> None:
    (project.folder / "stacks" / "ledger" / "agent.yaml").write_bytes(b"\xff\xfe\x00")
    project.product(build=[{"document": "agent.yaml"}])
    (problem,) = project.problems()
    assert "stacks/ledger/agent.yaml: is not UTF-8 text" in problem
