"""AWSTOE documents are checked before Image Builder gets them, and all that is wrong is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.image_builder.action_names import ACTIONS as EMULATED_ACTIONS
from model.files.action_inputs import ACTIONS
from model.files.component_document import STORED_MAXIMUM, DocumentFile, PhaseName
from model.files.operating_system import OperatingSystem
from model.files.problems import FileError, Problem

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = sorted(
    path for kind in ("components", "documents") for path in (REPOSITORY / "runtime" / kind).glob("*.yaml")
)

GOOD = """\
name: agent
description: Installs the agent
schemaVersion: 1.0
parameters:
  - Channel:
      type: string
      default: stable
constants:
  - Folder:
      type: string
      value: /opt/agent
phases:
  - name: build
    steps:
      - name: Folder
        action: CreateFolder
        inputs:
          - path: "{{ Folder }}"
      - name: Install
        action: ExecuteBash
        timeoutSeconds: -1
        maxAttempts: 3
        onFailure: Continue
        inputs:
          commands:
            - echo "{{ Channel }} {{ build.Folder.inputs[0].path }}"
      - name: Each
        action: ExecuteBash
        loop:
          name: each
          forEach: [a, b]
        inputs:
          commands:
            - echo "{{ each.value }}"
  - name: test
    steps:
      - name: Restart
        action: Reboot
"""


def problems(text: str) -> list[str]:
    with pytest.raises(FileError) as raised:
        DocumentFile.parse(text, "agent.yaml")
    return str(raised.value).splitlines()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_document_of_the_project_is_taken(path: Path) -> None:
    DocumentFile.parse(path.read_text(encoding="utf-8"), path.name)


def test_a_document_tells_its_phases_and_parameters() -> None:
    document = DocumentFile.parse(GOOD, "agent.yaml").content
    assert document.phase_names == {PhaseName.BUILD, PhaseName.TEST}
    assert document.defaults == {"Channel": "stable"}


def test_scripts_are_told_with_words_for_expressions() -> None:
    (first, second) = DocumentFile.parse(GOOD, "agent.yaml").content.shell_scripts()
    assert first[0] == ("phases", 0, "steps", 1, "inputs", "commands")
    assert first[1] == f'echo "{"x" * 13} {"x" * 33}"\n'
    assert second[1] == f'echo "{"x" * 16}"\n'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("schemaVersion: 1.0", "schemaVersion: 2.0", "agent.yaml:3: schemaVersion: must be 1.0, got 2.0"),
        ("schemaVersion: 1.0\n", "", "agent.yaml:1: schemaVersion: is missing; add it"),
        ("- name: test", "- name: tets", "agent.yaml:35: phases.1.name: input should be 'build', 'validate' or 'test'"),
        ("- name: test", "- name: build", "agent.yaml:12: phases: phase build is there twice; put its steps into one"),
        ("name: Each", "name: Folder", "agent.yaml:14: phases.0.steps: step 'Folder' is there twice; rename one"),
        (
            "action: Reboot",
            "action: Restart",
            "agent.yaml:38: phases.1.steps.0.action: 'Restart' is no action of AWSTOE",
        ),
        ("        action: Reboot\n", "", "agent.yaml:37: phases.1.steps.0.action: is missing; add it"),
        ("maxAttempts: 3", "maxAttempts: 0", "agent.yaml:22: phases.0.steps.1.maxAttempts: input should be greater"),
        ("timeoutSeconds: -1", "timeoutSeconds: 0", "agent.yaml:21: phases.0.steps.1.timeoutSeconds: must not be 0"),
        (
            "onFailure: Continue",
            "onFailure: Stop",
            "agent.yaml:23: phases.0.steps.1.onFailure: input should be 'Abort'",
        ),
        (
            "type: string\n      default",
            "type: number\n      default",
            "agent.yaml:6: parameters.0.Channel.type: input",
        ),
        ("default: stable", "default: 3", "agent.yaml:7: parameters.0.Channel.default: must be text, got the number 3"),
        ("  - Folder:", "  - Channel:", "agent.yaml:4: parameters: 'Channel' is defined twice; rename one"),
        ("  - Channel:", "  - Ch:", "agent.yaml:5: parameters.0.Ch: must match ^[A-Za-z0-9_-]{3,128}$, got 'Ch'"),
        (
            "{{ Channel }}",
            "{{ Chanel }}",
            "agent.yaml:26: phases.0.steps.1.inputs.commands.0: {{ Chanel }} refers to no",
        ),
        ('- path: "{{ Folder }}"', '- pth: "x"', "agent.yaml:18: phases.0.steps.0.inputs.0.path: is missing: action"),
        ('- path: "{{ Folder }}"', 'path: "x"', "phases.0.steps.0.inputs: action CreateFolder takes a list of entries"),
        ('- echo "{{ each.value }}"', "- echo: x", "phases.0.steps.2.inputs.commands.0: must be text, got the mapping"),
        ("name: agent", "colour: red\nname: agent", "agent.yaml:1: colour: is no field of this file (value 'red')"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(expected in line for line in found), found


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace("action: Reboot", "action: Restart").replace(
        "type: string\n      value", "type: list\n      value"
    )
    assert len(problems(text.replace("maxAttempts: 3", "maxAttempts: 0"))) == 3


def test_an_unquoted_expression_is_told_as_such() -> None:
    (line,) = problems(GOOD.replace('"{{ Folder }}"', "{{ Folder }}"))
    assert line.startswith("agent.yaml:18: ")
    assert "quote a value that begins with {{" in line


def test_a_document_that_image_builder_would_not_read_is_refused() -> None:
    (line,) = problems(GOOD + "#" * STORED_MAXIMUM)
    assert f"Image Builder reads at most {STORED_MAXIMUM}" in line


@pytest.mark.parametrize(
    ("system", "action"), [(OperatingSystem.WINDOWS, "ExecuteBash"), (OperatingSystem.LINUX, "ExecutePowerShell")]
)
def test_an_action_of_another_system_is_told(system: OperatingSystem, action: str) -> None:
    document = DocumentFile.parse(GOOD.replace("ExecuteBash", action), "agent.yaml").content
    assert [problem.location for problem in document.system_problems(system)] == [
        ("phases", 0, "steps", 1, "action"),
        ("phases", 0, "steps", 2, "action"),
    ]
    other = OperatingSystem.LINUX if system is OperatingSystem.WINDOWS else OperatingSystem.WINDOWS
    assert not list(document.system_problems(other))


def test_the_actions_are_those_of_aws() -> None:
    assert set(ACTIONS) == EMULATED_ACTIONS


@given(
    place=st.sampled_from(["name", "schemaVersion", "phases", "parameters", "constants"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_whatever_stands_in_a_document_it_is_taken_or_told_plainly(place: str, value: object) -> None:
    text = yaml.safe_dump({**yaml.safe_load(GOOD), place: value})
    found: tuple[Problem, ...] = ()
    try:
        DocumentFile.parse(text, "agent.yaml")
    except FileError as error:
        found = error.problems
    assert all(problem.file == "agent.yaml" and problem.message for problem in found)
