"""Workflow documents: read and checked.

Source: Image Builder User Guide, "Create a YAML workflow document" and "Supported step actions for your workflow
document".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

BUILD, TEST = "BUILD", "TEST"

STEP_MAXIMUM = 15
TIMEOUT_MAXIMUM = 86_400
"""Seconds."""

PARAMETER_TYPES = ("string", "integer", "boolean", "stringList")

COMPARISONS = (
    "booleanEquals", "numberEquals", "numberGreaterThan", "numberGreaterThanEquals", "numberLessThan",
    "numberLessThanEquals", "stringEquals",
)  # fmt: skip
BRANCHES = ("and", "or")
BRANCH_MAXIMUM = 10
LEVEL_MAXIMUM = 4

_STEP_NAME = re.compile(r"[A-Za-z0-9_]{3,128}")
_DOCUMENT_KEYS = {"name", "description", "schemaVersion", "parameters", "steps", "outputs"}
_STEP_KEYS = {"name", "description", "action", "if", "inputs", "onFailure", "rollbackEnabled", "timeoutSeconds"}


class WorkflowError(ValueError):
    """A workflow document breaks a rule, or its step cannot be carried out; the message says which and why."""


@dataclass(frozen=True)
class Action:
    """A step action: in which workflows, with which inputs."""

    kinds: tuple[str, ...]
    required: frozenset[str]
    optional: frozenset[str] = frozenset()


_ON_INSTANCE = frozenset({"instanceId"})
_LAUNCH = frozenset({"imageIdOverride", "instanceTypesOverride", "healthCheck"})

ACTIONS: Mapping[str, Action] = {
    "CollectImageMetadata": Action((BUILD,), _ON_INSTANCE),
    "CollectImageScanFindings": Action((TEST,), _ON_INSTANCE),
    "CreateImage": Action((BUILD,), _ON_INSTANCE),
    "ExecuteComponents": Action((BUILD, TEST), _ON_INSTANCE),
    "ExecuteStateMachine": Action((BUILD, TEST), frozenset({"stateMachineArn"}), frozenset({"input"})),
    "LaunchInstance": Action((BUILD, TEST), frozenset({"waitFor"}), _LAUNCH),
    "TerminateInstance": Action((BUILD, TEST), _ON_INSTANCE),
}

OTHER_ACTIONS = frozenset(
    {
        "ApplyImageConfigurations", "BootstrapInstanceForContainer", "CreateImageFromIso", "DistributeContainerImage",
        "DistributeImage", "ModifyImageAttributes", "RegisterImage", "RunCommand", "RunSysPrep", "SanitizeInstance",
        "WaitForAction", "WaitForSSMAgent",
    }
)  # fmt: skip
"""What Image Builder does beside these."""


@dataclass(frozen=True)
class WorkflowParameter:
    """A value that whoever refers to the workflow may set."""

    name: str
    type: str
    default: Any
    description: str | None


@dataclass(frozen=True)
class WorkflowStep:
    """One action with its inputs; `condition` is what stands under `if`."""

    name: str
    action: str
    inputs: Mapping[str, Any]
    aborts: bool
    condition: Mapping[str, Any] | None
    timeout: int | None
    """Seconds."""


@dataclass(frozen=True)
class WorkflowDocument:
    """A whole document."""

    parameters: tuple[WorkflowParameter, ...]
    steps: tuple[WorkflowStep, ...]


def parse(text: str, kind: str) -> WorkflowDocument:
    """Read a document of a workflow of a type; raises `WorkflowError`."""
    try:
        loaded: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkflowError(f"The document is not YAML: {' '.join(str(error).split())}") from error
    document = _mapping(loaded, "The document", _DOCUMENT_KEYS)
    if str(document.get("schemaVersion")) != "1.0":
        raise WorkflowError(f"schemaVersion must be 1.0, it is {document.get('schemaVersion')!r}.")
    parameters = tuple(_parameter(entry) for entry in _list(document.get("parameters") or [], "parameters"))
    steps = tuple(_step(entry, kind) for entry in _list(document.get("steps"), "steps"))
    if not 1 <= len(steps) <= STEP_MAXIMUM:
        raise WorkflowError(f"steps must hold 1 to {STEP_MAXIMUM} steps, it holds {len(steps)}.")
    for what, names in (("step", [step.name for step in steps]), ("parameter", [one.name for one in parameters])):
        for name in names:
            if names.count(name) > 1:
                raise WorkflowError(f"The {what} name '{name}' is used more than once.")
    return WorkflowDocument(parameters, steps)


def _parameter(entry: Any) -> WorkflowParameter:
    given = _mapping(entry, "A parameter", {"name", "type", "default", "description"})
    name, kind = str(given.get("name") or ""), str(given.get("type") or "string")
    if not name:
        raise WorkflowError("A parameter has no name.")
    if kind not in PARAMETER_TYPES:
        raise WorkflowError(
            f"The parameter '{name}' is of type '{kind}', which is none of {', '.join(PARAMETER_TYPES)}."
        )
    return WorkflowParameter(name, kind, given.get("default"), given.get("description"))


def _step(entry: Any, kind: str) -> WorkflowStep:
    given = _mapping(entry, "A step", _STEP_KEYS)
    name = str(given.get("name") or "")
    if not _STEP_NAME.fullmatch(name):
        raise WorkflowError(f"The step name '{name}' must be 3 to 128 letters, digits and underscores.")
    place = f"The step '{name}'"
    action, inputs = str(given.get("action") or ""), _inputs(given, place, kind)
    on_failure = given.get("onFailure", "Abort")
    if on_failure not in ("Abort", "Continue"):
        raise WorkflowError(f"{place} has onFailure '{on_failure}', which is neither Abort nor Continue.")
    timeout = given.get("timeoutSeconds")
    if timeout is not None and not (isinstance(timeout, int) and 1 <= timeout <= TIMEOUT_MAXIMUM):
        raise WorkflowError(f"{place} has timeoutSeconds {timeout!r}, which is not 1 to {TIMEOUT_MAXIMUM}.")
    if given.get("rollbackEnabled", True) is not True:
        raise WorkflowError(f"{place} has rollbackEnabled, which the local cloud does not do.")
    condition = given.get("if")
    if condition is not None:
        _check_condition(condition, place, 1)
    return WorkflowStep(name, action, inputs, on_failure == "Abort", condition, timeout)


def _inputs(given: Mapping[str, Any], place: str, kind: str) -> Mapping[str, Any]:
    action = str(given.get("action") or "")
    if action in OTHER_ACTIONS:
        raise WorkflowError(f"{place} has the action {action}, which the local cloud does not do.")
    if action not in ACTIONS:
        raise WorkflowError(f"{place} has the action '{action}', which Image Builder does not have.")
    known = ACTIONS[action]
    if kind not in known.kinds:
        raise WorkflowError(f"{place} has the action {action}, which is not for workflows of type {kind}.")
    inputs = _mapping(given.get("inputs") or {}, f"The inputs of '{given.get('name')}'", None)
    names = {key.removesuffix(".$") for key in inputs}
    for missing in sorted(known.required - names):
        raise WorkflowError(f"{place} lacks the input {missing}.")
    for unknown in sorted(names - known.required - known.optional):
        raise WorkflowError(f"{place} has the input {unknown}, which {action} does not have.")
    return inputs


def _check_condition(condition: Any, place: str, level: int) -> None:
    given = _mapping(condition, f"{place}, if", None)
    if level > LEVEL_MAXIMUM:
        raise WorkflowError(f"{place} has more than {LEVEL_MAXIMUM} levels of conditions.")
    (name,) = [key for key in given if key != "value"][:1] or [""]
    if name in BRANCHES and len(given) == 1:
        children = _list(given[name], f"{place}, {name}")
        if not 1 <= len(children) <= BRANCH_MAXIMUM:
            raise WorkflowError(f"{place} has {len(children)} conditions under {name}, not 1 to {BRANCH_MAXIMUM}.")
        for child in children:
            _check_condition(child, place, level + 1)
    elif name == "not" and len(given) == 1:
        children = _list(given[name], f"{place}, not") if isinstance(given[name], list) else [given[name]]
        if len(children) != 1:
            raise WorkflowError(f"{place} negates {len(children)} conditions, not one.")
        _check_condition(children[0], place, level + 1)
    elif name not in COMPARISONS or set(given) != {name, "value"}:
        raise WorkflowError(f"{place} has the condition {given}, which is no comparison with a value.")


def _mapping(value: Any, place: str, known: set[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WorkflowError(f"{place} must be a mapping.")
    found = cast("dict[str, Any]", value)
    for key in found:
        if known is not None and key not in known:
            raise WorkflowError(f"{place} has the attribute '{key}', which is none of {', '.join(sorted(known))}.")
    return found


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise WorkflowError(f"{place} must be a list.")
    return cast("list[Any]", value)
