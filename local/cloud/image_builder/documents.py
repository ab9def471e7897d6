"""Component documents of AWS Task Orchestrator and Executor (AWSTOE): read and checked.

Source: Image Builder User Guide, "Use the AWSTOE component document framework for custom components".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from local.cloud.image_builder.action_names import ACTIONS, NO_INPUT_ACTIONS

PHASES = ("build", "validate", "test")
"""Phases that Image Builder runs, of which a document has at least one."""

DATA_MAXIMUM = 16_000
"""Characters of a document given inline (API Reference, CreateComponent, data)."""

STEP_TIMEOUT = 7200
"""Seconds a step may take unless it says otherwise; -1 lifts the limit (same page, "Schema and definitions")."""

_DOCUMENT_KEYS = {"name", "description", "schemaVersion", "phases", "parameters", "constants"}
_STEP_KEYS = {"name", "action", "inputs", "onFailure", "timeoutSeconds", "maxAttempts", "loop", "if", "description"}
_TYPES = {"string": "String"}
_ON_FAILURE = ("Abort", "Continue", "Ignore")


class DocumentError(ValueError):
    """A component document breaks a rule; the message names phase and step."""


@dataclass(frozen=True)
class Parameter:
    """A value that the recipe may set."""

    name: str
    type: str
    default: str | None
    description: str | None


@dataclass(frozen=True)
class Loop:
    """Repetition of a step: `values` already unfolded, or a list to split when its expressions are known."""

    name: str
    values: tuple[Any, ...] | None
    text: str | None = None
    delimiter: str = ","


@dataclass(frozen=True)
class Step:
    """One action with its inputs; times in seconds, -1 for no limit."""

    name: str
    action: str
    inputs: Any
    on_failure: str
    timeout_seconds: int
    max_attempts: int
    loop: Loop | None
    condition: dict[str, Any] | None


@dataclass(frozen=True)
class Phase:
    """Steps in their order."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Document:
    """A component's document."""

    name: str | None
    description: str | None
    phases: tuple[Phase, ...]
    parameters: tuple[Parameter, ...]
    constants: dict[str, str]

    @property
    def type(self) -> str:
        """`TEST` where only the test phase is there, as Image Builder sorts components."""
        return "TEST" if {phase.name for phase in self.phases} == {"test"} else "BUILD"

    def phase(self, name: str) -> Phase | None:
        """The phase of that name, if there."""
        return next((phase for phase in self.phases if phase.name == name), None)


def parse(text: str) -> Document:
    """The document a YAML text holds.

    Raises:
        DocumentError: Not YAML, another schema version, unknown keys or actions, missing inputs.
    """
    try:
        data: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DocumentError(f"Parsing the document failed. Error: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise DocumentError("Parsing the document failed. Error: the document is not a mapping")
    document = cast("dict[str, Any]", data)
    _known_keys("the document", document, _DOCUMENT_KEYS)
    version = document.get("schemaVersion")
    if str(version) != "1.0":
        raise DocumentError(f"schemaVersion must be 1.0, not {version!r}")
    phases = tuple(_phases(document.get("phases")))
    if not any(phase.name in PHASES for phase in phases):
        raise DocumentError(f"the document needs at least one of the phases {', '.join(PHASES)}")
    return Document(
        name=document.get("name"),
        description=document.get("description"),
        phases=phases,
        parameters=tuple(_parameters(document.get("parameters"))),
        constants=dict(_constants(document.get("constants"))),
    )


def _phases(value: object) -> Iterator[Phase]:
    seen: set[str] = set()
    for entry in _mappings("phases", value):
        name = _text("the name of a phase", entry.get("name"))
        if name in seen:
            raise DocumentError(f"Phase '{name}' is there twice")
        seen.add(name)
        _known_keys(f"phase '{name}'", entry, {"name", "steps"})
        steps = tuple(_step(name, step) for step in _mappings(f"steps of phase '{name}'", entry.get("steps")))
        names = [step.name for step in steps]
        double = next((step for step in names if names.count(step) > 1), None)
        if double:
            raise DocumentError(f"Step '{double}' of phase '{name}' is there twice")
        yield Phase(name, steps)


def _step(phase: str, entry: dict[str, Any]) -> Step:
    name = _text(f"the name of a step in phase '{phase}'", entry.get("name"))
    place = f"Parsing step '{name}' in phase '{phase}' failed. Error:"
    _known_keys(f"step '{name}' in phase '{phase}'", entry, _STEP_KEYS)
    action = entry.get("action")
    if action is None and "if" not in entry:
        raise DocumentError(f"{place} it has no action")
    if action is not None and action not in ACTIONS:
        raise DocumentError(f"{place} Action {action} is not supported")
    inputs: Any = entry.get("inputs")
    if not inputs and action is not None and action not in NO_INPUT_ACTIONS:
        raise DocumentError(f"{place} Action {action} has no inputs; it requires an 'inputs'")
    on_failure = entry.get("onFailure", "Abort")
    if on_failure not in _ON_FAILURE:
        raise DocumentError(f"{place} onFailure must be one of {', '.join(_ON_FAILURE)}, not {on_failure!r}")
    return Step(
        name=name,
        action=str(action or ""),
        inputs=inputs,
        on_failure=on_failure,
        timeout_seconds=_integer(place, "timeoutSeconds", entry.get("timeoutSeconds", STEP_TIMEOUT), -1),
        max_attempts=_integer(place, "maxAttempts", entry.get("maxAttempts", 1), 1),
        loop=_loop(place, entry["loop"]) if "loop" in entry else None,
        condition=_condition(place, entry["if"]) if "if" in entry else None,
    )


def _loop(place: str, value: object) -> Loop:
    if not isinstance(value, dict):
        raise DocumentError(f"{place} loop must be a mapping")
    entry = cast("dict[str, Any]", value)
    name = str(entry.get("name", "loop"))
    if "for" in entry:
        bounds = cast("dict[str, Any]", entry["for"] if isinstance(entry["for"], dict) else {})
        try:
            start, end, by = (int(bounds[key]) for key in ("start", "end", "updateBy"))
        except (KeyError, TypeError, ValueError) as error:
            raise DocumentError(f"{place} a 'for' loop needs the numbers start, end and updateBy") from error
        if by == 0:
            raise DocumentError(f"{place} updateBy must not be 0")
        return Loop(name, tuple(range(start, end + (1 if by > 0 else -1), by)))
    each = entry.get("forEach")
    if isinstance(each, list):
        return Loop(name, tuple(cast("list[Any]", each)))
    if isinstance(each, dict):
        listed = cast("dict[str, Any]", each)
        if isinstance(listed.get("list"), str):
            return Loop(name, None, listed["list"], str(listed.get("delimiter", ",")))
    raise DocumentError(f"{place} a loop needs 'for' with numbers, or 'forEach' with a list")


def _condition(place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise DocumentError(f"{place} if must hold a comparison or logical operator")
    return cast("dict[str, Any]", value)


def _parameters(value: object) -> Iterator[Parameter]:
    if value is None:
        return
    for entry in _mappings("parameters", value):
        if len(entry) != 1:
            raise DocumentError("each parameter is a mapping with its name as the only key")
        (name, raw), *_ = entry.items()
        definition = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        _known_keys(f"parameter '{name}'", definition, {"type", "default", "description"})
        kind = str(definition.get("type", "")).lower()
        if kind not in _TYPES:
            raise DocumentError(f"parameter '{name}' must be of type string, not {definition.get('type')!r}")
        default = definition.get("default")
        yield Parameter(name, _TYPES[kind], None if default is None else str(default), definition.get("description"))


def _constants(value: object) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    for entry in _mappings("constants", value):
        for name, definition in entry.items():
            if not isinstance(definition, dict) or "value" not in definition:
                raise DocumentError(f"constant '{name}' needs type and value")
            yield name, str(cast("dict[str, Any]", definition)["value"])


def _mappings(what: str, value: object) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise DocumentError(f"{what} must be a list that is not empty")
    for entry in cast("list[object]", value):
        if not isinstance(entry, dict):
            raise DocumentError(f"each entry of {what} must be a mapping")
        yield cast("dict[str, Any]", entry)


def _known_keys(what: str, entry: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(str(key) for key in entry if key not in known)
    if unknown:
        raise DocumentError(f"unknown keys in {what}: {', '.join(unknown)}")


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise DocumentError(f"{what} must be a text")
    return value


def _integer(place: str, key: str, value: object, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum or value == 0:
        raise DocumentError(f"{place} {key} must be a whole number, not {value!r}")
    return value
