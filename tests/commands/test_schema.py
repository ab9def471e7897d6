"""Schemas for editors: fresh, and as strict as the models."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from commands.schema import rendered, stale

PROJECT = Path(__file__).parent.parent.parent
STACKS = PROJECT / "stacks"


def validate(schema: str, content: Any) -> None:
    jsonschema.validate(content, json.loads(rendered()[schema]))


def test_the_committed_schemas_fit_the_models() -> None:
    assert stale(STACKS / "schemas") == []


def test_a_missing_schema_is_stale(tmp_path: Path) -> None:
    assert stale(tmp_path) == ["landing-zone.schema.json", "product.schema.json"]


@pytest.mark.parametrize("path", sorted(STACKS.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_every_stack_file_names_its_schema_and_passes_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    schema = text.splitlines()[0].partition("$schema=schemas/")[2]
    validate(schema, yaml.safe_load(text))


def test_a_misspelled_field_is_refused() -> None:
    content = yaml.safe_load((STACKS / "Pulumi.ledger.yaml").read_text(encoding="utf-8"))
    content["config"]["golden-ami:product"]["entrScript"] = "x.sh"
    with pytest.raises(jsonschema.ValidationError, match="entrScript"):
        validate("product.schema.json", content)


def test_every_field_is_described() -> None:
    for text in rendered().values():
        schema = json.loads(text)
        (values,) = schema["properties"]["config"]["properties"].values()
        for model in (values, *schema["$defs"].values()):
            for name, field in model.get("properties", {}).items():
                assert "description" in field or "$ref" in field, name
