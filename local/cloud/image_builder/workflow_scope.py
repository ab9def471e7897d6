"""What a workflow's steps may refer to: parameters, system variables, and outputs of earlier steps.

Source: Image Builder User Guide, "Use dynamic variables in your workflow document" and "Use conditional statements in
your workflow steps".
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.cloud.image_builder.workflow_documents import BRANCHES, WorkflowError, WorkflowParameter

_REFERENCE = re.compile(r"\$\.[A-Za-z0-9_.]+")
_INTERPOLATION = re.compile(r"\{\{\s*(\$\.[A-Za-z0-9_.]+)\s*\}\}")
_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "numberEquals": operator.eq,
    "numberGreaterThan": operator.gt,
    "numberGreaterThanEquals": operator.ge,
    "numberLessThan": operator.lt,
    "numberLessThanEquals": operator.le,
}


@dataclass
class WorkflowScope:
    """One run of one workflow: what its references mean so far."""

    parameters: Mapping[str, Any]
    system: Mapping[str, Any]
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Outputs by step."""

    def resolved(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs with their references filled in; raises `WorkflowError` for what refers to nothing."""
        return {
            key.removesuffix(".$"): self.value(str(value)) if key.endswith(".$") else self._filled(value)
            for key, value in inputs.items()
        }

    def value(self, reference: str) -> Any:
        """What a reference means; raises `WorkflowError` for what refers to nothing."""
        roots = {"parameters": self.parameters, "imagebuilder": self.system, "stepOutputs": self.outputs}
        found: Any = roots
        for node in reference.removeprefix("$.").split("."):
            if not isinstance(found, Mapping) or node not in found:
                raise WorkflowError(f"'{reference}' refers to nothing that is known at this step.")
            found = found[node]
        return found

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return _INTERPOLATION.sub(lambda match: _text(self.value(match[1])), value)
        if isinstance(value, Mapping):
            return self.resolved(value)
        if isinstance(value, Sequence):
            return [self._filled(entry) for entry in value]
        return value

    def holds(self, condition: Mapping[str, Any]) -> bool:
        """Whether what stands under `if` is true."""
        (name,) = [key for key in condition if key != "value"]
        if name in BRANCHES:
            return {"and": all, "or": any}[name](self.holds(child) for child in condition[name])
        if name == "not":
            child = condition[name]
            return not self.holds(child[0] if isinstance(child, list) else child)
        wanted, given = self._operand(condition[name]), self._operand(condition["value"])
        if name == "booleanEquals":
            return _boolean(wanted) == _boolean(given)
        if name == "stringEquals":
            return _text(wanted) == _text(given)
        return _NUMBERS[name](_number(given), _number(wanted))

    def _operand(self, value: Any) -> Any:
        return self.value(value) if isinstance(value, str) and _REFERENCE.fullmatch(value) else value


def parameter_values(parameters: Sequence[WorkflowParameter], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Values of a workflow's parameters, as their types; raises `WorkflowError` for missing and unknown ones."""
    known = {parameter.name for parameter in parameters}
    for name in given:
        if name not in known:
            raise WorkflowError(f"The workflow has no parameter '{name}'.")
    values: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in given:
            values[parameter.name] = _typed(parameter, given[parameter.name])
        elif parameter.default is None:
            raise WorkflowError(f"The parameter '{parameter.name}' has no default; give it a value.")
        else:
            values[parameter.name] = parameter.default
    return values


def _typed(parameter: WorkflowParameter, values: Sequence[str]) -> Any:
    if parameter.type == "stringList":
        return list(values)
    if len(values) != 1:
        raise WorkflowError(f"The parameter '{parameter.name}' takes one value, not {len(values)}.")
    match parameter.type:
        case "boolean":
            return _boolean(values[0])
        case "integer":
            if not re.fullmatch(r"-?[0-9]+", values[0]):
                raise WorkflowError(f"The parameter '{parameter.name}' takes an integer, not '{values[0]}'.")
            return int(values[0])
        case _:
            return values[0]


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise WorkflowError(f"{value!r} is neither true nor false.")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(value)):
        raise WorkflowError(f"{value!r} is not a number.")
    return float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
