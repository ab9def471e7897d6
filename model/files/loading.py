"""Reading the files: everything that is wrong is reported at once, each with its place and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model.files.fields import Inconsistency
from model.files.landing_zone import LandingZone
from model.files.product import Product

LANDING_ZONE_KEY = "golden-ami:landingZone"
PRODUCT_KEY = "golden-ami:product"

LANDING_ZONE_STACK = "landing-zone"

Location = tuple[str | int, ...]

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file; `line` counts from 1, 0 where the file has no such line."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class FileError(Exception):
    """A file that cannot be used, with everything that is wrong in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True)
class StackFile:
    """A stack's file: its configuration values, and where each of them stands."""

    name: str
    values: Mapping[str, Any]
    root: yaml.Node | None

    @classmethod
    def read(cls, path: Path) -> StackFile:
        """Read a stack file; raises `FileError` where it is missing or no YAML mapping with `config`."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"), shown(path))
        except FileNotFoundError:
            raise FileError([Problem(shown(path), 0, "", "no such file; `make product NAME=…` writes one")]) from None

    @classmethod
    def parse(cls, text: str, name: str) -> StackFile:
        """Read a stack file's text; raises `FileError` where it is no YAML mapping with `config`."""
        try:
            content = yaml.safe_load(text)
            root = yaml.compose(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            raise FileError([Problem(name, line, "", f"not YAML: {error.problem}")]) from None
        config: Any = cast(dict[str, Any], content).get("config") if isinstance(content, dict) else None
        if not isinstance(config, dict):
            raise FileError([Problem(name, 1, "config", "must be a mapping of configuration keys")])
        return cls(name, cast(dict[str, Any], config), root)

    @classmethod
    def with_lines_of(cls, path: Path) -> StackFile:
        """A file whose values come from the engine: it only tells lines, or none where the engine read another file."""
        root = yaml.compose(path.read_text(encoding="utf-8")) if path.is_file() else None
        return cls(shown(path), {}, root)

    def line(self, key: str, location: Location) -> int:
        """Line of a value, or of the nearest part around it that the file states; 0 where there is none."""
        node: yaml.Node | None = self.root
        line = 0
        for part in ("config", key, *location):
            key_line, node = _child(node, part)
            if node is None:
                break
            line = key_line
        return line


def shown(path: Path) -> str:
    """A path as a person would type it: from the working directory, where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def stack_path(project: Path, stack: str) -> Path:
    """Where the file of a stack lies in the project."""
    return project / "stacks" / f"Pulumi.{stack}.yaml"


def load_landing_zone(path: Path) -> LandingZone:
    """Read and check the landing zone's file; raises `FileError`."""
    file = StackFile.read(path)
    return validate(LandingZone, LANDING_ZONE_KEY, file.values.get(LANDING_ZONE_KEY), file)


def load_product(path: Path, landing_zone: LandingZone) -> Product:
    """Read and check a product's file, by itself and against the landing zone; raises `FileError`."""
    file = StackFile.read(path)
    return validate_product(file.values.get(PRODUCT_KEY), landing_zone, file)


def validate_product(values: Any, landing_zone: LandingZone, file: StackFile) -> Product:
    """Check a product's values by themselves and against the landing zone; raises `FileError`."""
    product = validate(Product, PRODUCT_KEY, values, file)
    problems = [
        Problem(file.name, file.line(PRODUCT_KEY, mismatch.location), _dotted(mismatch.location), mismatch.message)
        for mismatch in product.mismatches(landing_zone)
    ]
    expected = f"Pulumi.{product.name}.yaml"
    if Path(file.name).name != expected:
        message = f"{product.name!r} does not fit the file's name; call the file {expected}, or change the name"
        problems.append(Problem(file.name, file.line(PRODUCT_KEY, ("name",)), "name", message))
    if problems:
        raise FileError(problems)
    return product


def validate(model: type[Model], key: str, values: Any, file: StackFile) -> Model:
    """Check the values under one configuration key; raises `FileError` with all that is wrong."""
    if values is None:
        raise FileError([Problem(file.name, 1, f"config.{key}", "is missing; the file's values stand under it")])
    try:
        # Strict JSON is what the files mean: a list for a tuple, text for an enum, but no number for text.
        return model.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        problems = [problem for details in error.errors(include_url=False) for problem in _problems(details, key, file)]
        raise FileError(problems) from None


def _problems(details: ErrorDetails, key: str, file: StackFile) -> list[Problem]:
    inconsistencies: list[Inconsistency] = details.get("ctx", {}).get("inconsistencies", [])
    if inconsistencies:
        places = [(*details["loc"], *entry.location) for entry in inconsistencies]
        return [
            Problem(file.name, file.line(key, place), _dotted(place), entry.message)
            for place, entry in zip(places, inconsistencies, strict=True)
        ]
    # A mapping's key that breaks its own rule is reported under a marker that is no part of the file.
    location = tuple(part for part in details["loc"] if part != "[key]")
    return [Problem(file.name, file.line(key, location), _dotted(location), _message(details))]


def _message(details: ErrorDetails) -> str:
    received: Any = details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"is no field of this file (value {received!r}); remove it or correct its spelling"
        case "string_type" if isinstance(received, int | float):
            return f"must be text, got the number {received!r}; quote it"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}, got {received!r}"
        case "value_error" | "inconsistent":
            return details["msg"].removeprefix("Value error, ")
        case _:
            rule = details["msg"][0].lower() + details["msg"][1:]
            return f"{rule}, got {received!r}"


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node | None]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == str(part):
                return key_node.start_mark.line + 1, value_node
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark.line + 1, child
    return 0, None
