"""`make schema`: the JSON Schemas with which editors check stack files as they are written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from commands.project import PROJECT
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_KEY, PRODUCT_KEY
from model.files.product import Product

SCHEMAS: dict[str, tuple[type[BaseModel], str]] = {
    "landing-zone.schema.json": (LandingZone, LANDING_ZONE_KEY),
    "product.schema.json": (Product, PRODUCT_KEY),
}


def stack_schema(model: type[BaseModel], key: str) -> dict[str, Any]:
    """Schema of a whole stack file whose configuration holds a model under a key.

    Pulumi writes keys of its own beside `config` (`secretsprovider`, `encryptionsalt`), which stay allowed.
    """
    values = model.model_json_schema(by_alias=True)
    definitions = values.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Stack file with {key}",
        "type": "object",
        "properties": {"config": {"type": "object", "properties": {key: values}, "required": [key]}},
        "required": ["config"],
        "$defs": definitions,
    }


def rendered() -> dict[str, str]:
    """Text of every schema by its file's name."""
    return {name: json.dumps(stack_schema(*what), indent=2) + "\n" for name, what in SCHEMAS.items()}


def stale(folder: Path) -> list[str]:
    """Names of schema files that are missing or do not fit the models."""
    return [
        name
        for name, text in rendered().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(check: Annotated[bool, typer.Option("--check", help="Only tell which files are stale.")] = False) -> None:
    """Write the JSON Schemas that editors check stack files with."""
    folder = PROJECT / "stacks" / "schemas"
    names = stale(folder)
    if check:
        for name in names:
            print(f"{name} does not fit the models; run: make schema", file=sys.stderr)
        sys.exit(1 if names else 0)
    folder.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{'wrote' if name in names else 'kept'} {(folder / name).relative_to(PROJECT)}")


if __name__ == "__main__":
    typer.run(main)
