"""`make schema`: the JSON Schemas with which editors check stack files, and the document that tells all fields."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from commands.file_reference import reference
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
    """Text of every schema, and of the document that tells all fields, by path in the project."""
    schemas = {
        f"stacks/schemas/{name}": json.dumps(stack_schema(*what), indent=2) + "\n" for name, what in SCHEMAS.items()
    }
    return {**schemas, "docs/product-file.md": reference(SCHEMAS)}


def stale(folder: Path) -> list[str]:
    """Paths of what is missing below a folder or does not fit the models."""
    return [
        name
        for name, text in rendered().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(check: Annotated[bool, typer.Option("--check", help="Only tell which files are stale.")] = False) -> None:
    """Write the JSON Schemas that editors check stack files with, and docs/product-file.md."""
    names = stale(PROJECT)
    if check:
        for name in names:
            print(f"{name} does not fit the models; run: make schema", file=sys.stderr)
        sys.exit(1 if names else 0)
    for name, text in rendered().items():
        (PROJECT / name).parent.mkdir(exist_ok=True)
        (PROJECT / name).write_text(text, encoding="utf-8")
        print(f"{'wrote' if name in names else 'kept'} {name}")


if __name__ == "__main__":
    typer.run(main)
