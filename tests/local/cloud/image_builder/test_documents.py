from pathlib import Path

import pytest

from local.cloud.image_builder.documents import DocumentError, parse

RUNTIME_DOCUMENTS = Path(__file__).parents[4] / "runtime" / "documents"

WHOLE = """
name: install
schemaVersion: 1.0
parameters:
  - Target: {type: string, default: /opt, description: Where to}
  - Source: {type: string}
constants:
  - Mode: {type: string, value: fast}
phases:
  - name: build
    steps:
      - name: Run
        action: ExecuteBash
        timeoutSeconds: 60
        maxAttempts: 3
        onFailure: Continue
        loop: {name: round, for: {start: 1, end: 3, updateBy: 1}}
        inputs: {commands: [echo hello]}
  - name: test
    steps:
      - {name: Restart, action: Reboot}
"""


def test_a_document_is_read_with_all_its_parts() -> None:
    document = parse(WHOLE)
    step = document.phases[0].steps[0]
    assert [phase.name for phase in document.phases] == ["build", "test"]
    assert (step.timeout_seconds, step.max_attempts, step.on_failure) == (60, 3, "Continue")
    assert step.loop is not None
    assert step.loop.values == (1, 2, 3)
    assert [(parameter.name, parameter.default) for parameter in document.parameters] == [
        ("Target", "/opt"),
        ("Source", None),
    ]
    assert document.constants == {"Mode": "fast"}
    assert document.type == "BUILD"


def test_a_document_with_tests_only_is_a_test_component() -> None:
    text = "schemaVersion: 1.0\nphases: [{name: test, steps: [{name: A, action: Reboot}]}]"
    assert parse(text).type == "TEST"


@pytest.mark.parametrize("path", sorted(RUNTIME_DOCUMENTS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_projects_own_documents_are_valid(path: Path) -> None:
    assert parse(path.read_text(encoding="utf-8")).phase("build") is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Parsing the document failed"),
        ("- a", "not a mapping"),
        (WHOLE.replace("1.0", "2.0", 1), "schemaVersion must be 1.0"),
        (WHOLE.replace("name: install", "nmae: install"), "unknown keys in the document: nmae"),
        (WHOLE.replace("ExecuteBash", "ExecuteRuby"), "Action ExecuteRuby is not supported"),
        (WHOLE.replace("inputs: {commands: [echo hello]}", "inputs: []"), "Action ExecuteBash has no inputs"),
        (WHOLE.replace("Continue", "Retry"), "onFailure must be one of Abort, Continue, Ignore"),
        (WHOLE.replace("timeoutSeconds: 60", "timeoutSeconds: soon"), "timeoutSeconds must be a whole number"),
        (WHOLE.replace("updateBy: 1", "updateBy: 0"), "updateBy must not be 0"),
        (WHOLE.replace("name: test", "name: build"), "Phase 'build' is there twice"),
        (WHOLE.replace("type: string, default", "type: number, default"), "parameter 'Target' must be of type string"),
        ("schemaVersion: 1.0\nphases: [{name: prepare, steps: [{name: A, action: Reboot}]}]", "at least one of"),
        ("schemaVersion: 1.0", "phases must be a list"),
    ],
)
def test_a_broken_document_names_its_fault(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse(text)
