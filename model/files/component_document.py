"""A component's document of AWS Task Orchestrator and Executor (AWSTOE), checked before it is sent.

Source: Image Builder User Guide, "Use the AWSTOE component document framework for custom components" and "Use variables
in your custom component document".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from model.files.action_inputs import ACTIONS, input_problems
from model.files.fields import FileModel, Inconsistency, refuse, repeated
from model.files.operating_system import OperatingSystem
from model.files.problems import FileError, Location, Problem, dotted, line_of, problems_of, shown
from model.files.yaml_text import parse_yaml, read_text

INLINE_MAXIMUM = 16_000
"""Characters of a document that is sent with the call itself (API Reference, CreateComponent, data)."""

STORED_MAXIMUM = 64 * 1024
"""Bytes of a document that Image Builder reads from S3 (User Guide, "Quotas")."""

EXPRESSION = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
"""A reference to a variable or to a step's inputs or outputs."""

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{3,128}$")]


class PhaseName(StrEnum):
    """The phases that Image Builder runs for images."""

    BUILD = "build"
    VALIDATE = "validate"
    TEST = "test"


class Parameter(FileModel):
    """A value that a recipe may set."""

    type: Literal["string", "String"]
    default: str | None = None
    description: str | None = None


class Constant(FileModel):
    """A value that nobody may set."""

    type: Literal["string", "String"]
    value: str


class Step(FileModel):
    """One action with its inputs."""

    name: Annotated[str, StringConstraints(min_length=1)]
    action: str | None = None
    inputs: Any = None
    description: str | None = None
    on_failure: Literal["Abort", "Continue", "Ignore"] = "Abort"
    max_attempts: Annotated[int, Field(ge=1)] = 1
    timeout_seconds: Annotated[int, Field(ge=-1)] = 7_200
    """Seconds; -1 for no limit."""
    loop: dict[str, Any] | None = None
    condition: Annotated[dict[str, Any] | None, Field(alias="if")] = None

    @model_validator(mode="after")
    def _action_takes_its_inputs(self) -> Self:
        problems: list[Inconsistency] = []
        if self.timeout_seconds == 0:
            problems.append(Inconsistency(("timeoutSeconds",), "must not be 0; state seconds, or -1 for no limit"))
        if self.action is None:
            if self.condition is None:
                problems.append(Inconsistency(("action",), "is missing; add it"))
        elif self.action not in ACTIONS:
            message = f"{self.action!r} is no action of AWSTOE; it has {', '.join(sorted(ACTIONS))}"
            problems.append(Inconsistency(("action",), message))
        else:
            problems += [
                Inconsistency(("inputs", *problem.location), problem.message)
                for problem in input_problems(self.action, self.inputs)
            ]
        refuse(problems)
        return self


class Phase(FileModel):
    """Steps in their order."""

    name: PhaseName
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class ComponentDocument(FileModel):
    """A component: phases of steps, with parameters that a recipe sets."""

    name: str | None = None
    description: str | None = None
    schema_version: str | float
    parameters: tuple[dict[VariableName, Parameter], ...] = ()
    constants: tuple[dict[VariableName, Constant], ...] = ()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @field_validator("schema_version")
    @classmethod
    def _is_the_only_version(cls, value: str | float) -> str | float:
        if str(value) != "1.0":
            raise ValueError(f"must be 1.0, got {value!r}")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = [
            Inconsistency((section, index), f"must hold one name each, got {len(entry)}; put `- ` before every name")
            for section, entries in (("parameters", self.parameters), ("constants", self.constants))
            for index, entry in enumerate(entries)
            if len(entry) != 1
        ]
        names = [name for entry in (*self.parameters, *self.constants) for name in entry]
        problems += [
            Inconsistency(("parameters",), f"{name!r} is defined twice; rename one") for name in repeated(names)
        ]
        problems += [
            Inconsistency(("phases",), f"phase {name} is there twice; put its steps into one")
            for name in repeated([phase.name.value for phase in self.phases])
        ]
        for index, phase in enumerate(self.phases):
            problems += [
                Inconsistency(("phases", index, "steps"), f"step {name!r} is there twice; rename one")
                for name in repeated([step.name for step in phase.steps])
            ]
            for position, step in enumerate(phase.steps):
                place = ("phases", index, "steps", position)
                problems += [
                    Inconsistency((*place, *where), message) for where, message in self._unknown(step, set(names))
                ]
        refuse(problems)
        return self

    def _unknown(self, step: Step, names: set[str]) -> Iterator[Inconsistency]:
        """References of a step to what the document does not hold."""
        known = names | {phase.name.value for phase in self.phases}
        if step.loop is not None:
            known.add(str(step.loop.get("name", "loop")))
        for place, text in _texts({"inputs": step.inputs, "loop": step.loop, "if": step.condition}):
            for expression in EXPRESSION.findall(text):
                head = re.split(r"[.\[]", expression)[0]
                if head not in known:
                    message = (
                        f"{{{{ {expression} }}}} refers to no parameter, constant, phase or loop of this document "
                        f"({', '.join(sorted(known))}); define it, or correct its spelling"
                    )
                    yield Inconsistency(place, message)

    @property
    def phase_names(self) -> frozenset[PhaseName]:
        """The phases that are there."""
        return frozenset(phase.name for phase in self.phases)

    @property
    def defaults(self) -> dict[str, str | None]:
        """The parameters with their default values; None where a recipe has to set one."""
        return {name: parameter.default for entry in self.parameters for name, parameter in entry.items()}

    def system_problems(self, system: OperatingSystem) -> Iterator[Inconsistency]:
        """Steps whose action the operating system does not have."""
        for index, phase in enumerate(self.phases):
            for position, step in enumerate(phase.steps):
                action = ACTIONS.get(step.action or "")
                if action is not None and system not in action.systems:
                    yield Inconsistency(
                        ("phases", index, "steps", position, "action"),
                        f"{step.action} does not run on {system.platform}; use another action",
                    )

    def shell_scripts(self) -> Iterator[tuple[Location, str]]:
        """Every bash script with its place, in which each expression gave way to a word of the same length."""
        for index, phase in enumerate(self.phases):
            for position, step in enumerate(phase.steps):
                if step.action == "ExecuteBash" and "commands" in cast("dict[str, Any]", step.inputs):
                    commands = cast("list[Any]", step.inputs["commands"])
                    text = "\n".join(str(command) for command in commands) + "\n"
                    place = ("phases", index, "steps", position, "inputs", "commands")
                    yield place, EXPRESSION.sub(lambda match: "x" * len(match[0]), text)


@dataclass(frozen=True)
class DocumentFile:
    """A document as it was read: text and content, and where everything stands in it."""

    name: str
    """The file, as messages name it."""
    text: str
    content: ComponentDocument
    root: yaml.Node | None = field(compare=False)

    @classmethod
    def read(cls, path: Path) -> DocumentFile:
        """Read a document's file; raises `FileError` with all that is wrong in it."""
        return cls.parse(read_text(path, shown(path)), shown(path))

    @classmethod
    def parse(cls, text: str, name: str) -> DocumentFile:
        """Check a document's text; raises `FileError`."""
        content, root = parse_yaml(text, name)
        if (size := len(text.encode())) > STORED_MAXIMUM:
            message = (
                f"has {size} bytes, and Image Builder reads at most {STORED_MAXIMUM}; split it into two components"
            )
            raise FileError([Problem(name, 0, "", message)])
        try:
            document = ComponentDocument.model_validate_json(json.dumps(content, default=str))
        except ValidationError as error:
            raise FileError(problems_of(error, name, lambda place: line_of(root, place))) from None
        return cls(name, text, document, root)

    def problem(self, location: Location, message: str) -> Problem:
        """What is wrong at a place of the document."""
        return Problem(self.name, line_of(self.root, location), dotted(location), message)


def _texts(value: Any, place: Location = ()) -> Iterator[tuple[Location, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, entry in cast("dict[str, Any]", value).items():
            yield from _texts(entry, (*place, key))
    elif isinstance(value, list):
        for index, entry in enumerate(cast("list[Any]", value)):
            yield from _texts(entry, (*place, index))
