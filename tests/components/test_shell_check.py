"""Bash in component documents is checked before Image Builder gets it."""

from __future__ import annotations

from typing import Any

import pytest

from components.shell_check import check_shell
from model.files.component_document import DocumentFile
from model.files.component_steps import ComponentStep
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError
from model.files.recipe import PlacedStep, RecipeComponent

TEXT = """\
schemaVersion: 1.0
parameters:
  - Port: {type: string}
phases:
  - name: build
    steps:
      - name: One
        action: ExecuteBash
        inputs:
          commands:
            - echo {{ Port }}
            - echo done
"""


def component(text: str, **step: Any) -> RecipeComponent:
    stated = ComponentStep.model_validate(step or {"document": "agent.yaml"})
    file = StackFile("stacks/Pulumi.ledger.yaml", {}, None)
    placed = PlacedStep(stated, "build", "ledger", PRODUCT_KEY, file, ("components", "build", 0))
    return RecipeComponent("agent", DocumentFile.parse(text, "stacks/ledger/agent.yaml"), placed)


def test_bash_with_expressions_is_no_error() -> None:
    check_shell([component(TEXT)])


def test_an_error_is_told_with_file_line_and_rule() -> None:
    with pytest.raises(FileError) as raised:
        check_shell([component(TEXT.replace("echo done", "if true; then echo done"))])
    found = str(raised.value).splitlines()
    assert found[0].startswith("stacks/ledger/agent.yaml:10: phases.0.steps.0.inputs.commands: line 2 of the script: ")
    assert any("SC1046" in line for line in found)
    assert all(line.endswith("; correct the script") for line in found)


def test_errors_of_all_documents_are_told_and_a_document_that_runs_twice_once() -> None:
    broken = TEXT.replace("echo done", "fi")
    document = DocumentFile.parse(broken, "stacks/ledger/other.yaml")
    other = RecipeComponent("other", document, component(TEXT).placed)
    with pytest.raises(FileError) as raised:
        check_shell([component(broken), component(broken), other])
    files = [problem.file for problem in raised.value.problems]
    assert set(files) == {"stacks/ledger/agent.yaml", "stacks/ledger/other.yaml"}
    assert files.count("stacks/ledger/agent.yaml") == files.count("stacks/ledger/other.yaml")


def test_ready_made_documents_are_left_to_the_projects_own_tests() -> None:
    check_shell([component(TEXT.replace("echo done", "fi"), readyMade="agent")])
