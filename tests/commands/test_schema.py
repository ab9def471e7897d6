"""Schemas for editors: fresh, and as strict as the models."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from commands.schema import rendered, stale

PROJECT = Path(__file__).parent.parent.parent
STACKS = PROJECT / "stacks"
SCHEMA = "stacks/schemas/{}.schema.json"


def validate(schema: str, content: Any) -> None:
    jsonschema.validate(content, json.loads(rendered()[schema]))


def test_the_committed_schemas_fit_the_models() -> None:
    assert stale(PROJECT) == []


def test_a_missing_schema_is_stale(tmp_path: Path) -> None:
    assert stale(tmp_path) == [SCHEMA.format("landing-zone"), SCHEMA.format("product"), "docs/product-file.md"]


@pytest.mark.parametrize("path", sorted(STACKS.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_every_stack_file_names_its_schema_and_passes_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    schema = text.splitlines()[0].partition("$schema=")[2]
    validate(f"stacks/{schema}", yaml.safe_load(text))


def test_a_misspelled_field_is_refused() -> None:
    content = yaml.safe_load((STACKS / "Pulumi.ledger.yaml").read_text(encoding="utf-8"))
    content["config"]["golden-ami:product"]["entrScript"] = "x.sh"
    with pytest.raises(jsonschema.ValidationError, match="entrScript"):
        validate(SCHEMA.format("product"), content)


def test_every_field_is_described() -> None:
    for text in (text for path, text in rendered().items() if path.endswith(".json")):
        schema = json.loads(text)
        (values,) = schema["properties"]["config"]["properties"].values()
        for model in (values, *schema["$defs"].values()):
            for name, field in model.get("properties", {}).items():
                assert "description" in field or "$ref" in field, name


def test_every_part_of_a_file_names_the_seed_or_the_page_of_aws_that_it_follows() -> None:
    source = re.compile(r"seeds? 00\d|Reference|Guide")
    for text in (text for path, text in rendered().items() if path.endswith(".json")):
        schema = json.loads(text)
        (values,) = schema["properties"]["config"]["properties"].values()
        models = {"": values, **{name: each for name, each in schema["$defs"].items() if "properties" in each}}
        unsourced = [
            name
            for name, model in models.items()
            if not source.search(model["description"])
            and not all(source.search(field.get("description", "")) for field in model["properties"].values())
        ]
        assert unsourced == []


def test_the_document_tells_every_field_with_default_and_rule() -> None:
    document = rendered()["docs/product-file.md"]
    for path, text in rendered().items():
        if path.endswith(".json"):
            schema = json.loads(text)
            (values,) = schema["properties"]["config"]["properties"].values()
            for model in (values, *schema["$defs"].values()):
                assert all(f"| `{name}` |" in document for name in model.get("properties", {}))
    assert (
        "| `throughput` | whole number | none | Throughput of a gp3 volume in MiB/s; left out, 125. Rule: at least "
        in (document)
    )
    assert "| `type` | `gp3` or `gp2` or `io1` or `io2` or `standard` | `gp3` |" in document
