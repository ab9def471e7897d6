"""Reading the files: everything that is wrong is reported at once, each with its place and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from model.files.landing_zone import LandingZone
from model.files.policy_sizes import policy_problems
from model.files.problems import FileError, Location, Problem, dotted, line_of, problems_of, shown
from model.files.product import Product
from model.files.product_rules import mismatches
from model.files.yaml_text import parse_yaml, read_text

LANDING_ZONE_KEY = "golden-ami:landingZone"
PRODUCT_KEY = "golden-ami:product"

LANDING_ZONE_STACK = "landing-zone"

Model = TypeVar("Model", bound=BaseModel)


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
            return cls.parse(read_text(path, shown(path)), shown(path))
        except FileNotFoundError:
            raise FileError([Problem(shown(path), 0, "", "no such file; `make product NAME=…` writes one")]) from None

    @classmethod
    def parse(cls, text: str, name: str) -> StackFile:
        """Read a stack file's text; raises `FileError` where it is no YAML mapping with `config`."""
        content, root = parse_yaml(text, name)
        config: Any = cast(dict[str, Any], content).get("config") if isinstance(content, dict) else None
        if not isinstance(config, dict):
            raise FileError([Problem(name, 1, "config", "must be a mapping of configuration keys")])
        return cls(name, cast(dict[str, Any], config), root)

    @classmethod
    def with_lines_of(cls, path: Path) -> StackFile:
        """A file whose values come from the engine: it only tells lines, or none where the engine read another file."""
        root = parse_yaml(read_text(path, shown(path)), shown(path))[1] if path.is_file() else None
        return cls(shown(path), {}, root)

    def line(self, key: str, location: Location) -> int:
        """Line of a value, or of the nearest part around it that the file states; 0 where there is none."""
        return line_of(self.root, ("config", key, *location))


def configured(value: str | None) -> Any:
    """What the engine's configuration holds under a key: JSON where the file states more than one value."""
    try:
        return None if value is None else json.loads(value)
    except json.JSONDecodeError:
        return value


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
        Problem(file.name, file.line(PRODUCT_KEY, mismatch.location), dotted(mismatch.location), mismatch.message)
        for mismatch in mismatches(product, landing_zone) or policy_problems(product, landing_zone)
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
        problems = problems_of(error, file.name, lambda place: file.line(key, place))
        raise FileError([replace(problem, field=problem.field or f"config.{key}") for problem in problems]) from None
