"""`docs/product-file.md`: every field of the stack files, written from the models that check them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel

TITLES = {"landing-zone.schema.json": "Landing zone", "product.schema.json": "Product"}

INTRODUCTION = """\
# Fields of the stack files

Written by `make schema` from the models that check the files; a test holds it fresh. In parentheses stands the AWS page
that a rule comes from, or the parameter of AWS's golden AMI pipeline sample (seed 002) that a field stands for.

A recipe runs in this order; the landing zone's steps are mandatory, and no product can leave them out:

```mermaid
flowchart LR
  subgraph build["build instance"]
    direction LR
    a["mandatory<br/>build"] --> b["product's<br/>build"] --> s["the team's<br/>script"]
    s --> f["product's<br/>finish"] --> g["mandatory<br/>finish"]
  end
  build --> snapshot[("AMI")] --> tests
  subgraph tests["test instance"]
    direction LR
    t["product's<br/>test"] --> u["mandatory<br/>test"]
  end
  tests --> distribution["distribution"]
```
"""

TYPES = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}

Schema = Mapping[str, Any]


def reference(files: Mapping[str, tuple[type[BaseModel], str]]) -> str:
    """The document's text, from the model and the configuration key of each kind of stack file."""
    parts = [INTRODUCTION]
    for name, (model, key) in files.items():
        schema = model.model_json_schema(by_alias=True)
        parts.append(f"## {TITLES[name]}: `{key}`\n\n{_text(schema)}\n\n{_table(schema, schema['$defs'])}")
        for part in _reached(schema, schema["$defs"]):
            section = schema["$defs"][part]
            if "properties" in section:
                parts.append(f"### {part}\n\n{_text(section)}\n\n{_table(section, schema['$defs'])}")
    return "\n".join(parts)


def _reached(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    """Parts in the order in which a reader meets them."""
    found: list[str] = []
    for name in _references(schema.get("properties", {})):
        if name not in found:
            found.append(name)
            found += [inner for inner in _reached(definitions[name], definitions) if inner not in found]
    return list(dict.fromkeys(found))


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if key == "$ref":
                yield str(inner).rpartition("/")[2]
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _references(inner)


def _table(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    rows = ["| Field | Type | Default | Meaning and rule |", "|---|---|---|---|"]
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field, definitions)
        meaning = " ".join(part for part in (_text(field), _rule(field)) if part)
        rows.append(f"| `{name}` | {_type(field, definitions)} | {default} | {meaning} |")
    return "\n".join(rows) + "\n"


def _default(field: Schema, definitions: Mapping[str, Schema]) -> str:
    value = field.get("default")
    if "$ref" in field and "properties" in definitions[str(field["$ref"]).rpartition("/")[2]]:
        return "its own defaults"
    if value in (None, {}, []):
        return "none"
    if isinstance(value, list):
        entries = cast("list[object]", value)
        return ", ".join(f"`{entry if isinstance(entry, str) else json.dumps(entry)}`" for entry in entries)
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`"


def _type(field: Schema, definitions: Mapping[str, Schema]) -> str:
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        choices = definitions[name].get("enum")
        return _choices(choices) if choices else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_type(each, definitions) for each in field["anyOf"] if each.get("type") != "null")
    if "enum" in field:
        return _choices(field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'], definitions)}"
    if field.get("type") == "object":
        values = cast("list[Schema]", [*field.get("patternProperties", {}).values(), field.get("additionalProperties")])
        return f"map of {_type(values[0], definitions)} by name" if values[0] else "map"
    return TYPES.get(field.get("type", ""), "any")


def _choices(values: list[str]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _rule(field: Schema) -> str:
    """Limits as a sentence: of the value itself, of a list's entries, of a map's keys and values."""
    rules: list[str] = []
    for part in (field, *(each for each in field.get("anyOf", ()) if each.get("type") != "null")):
        rules += _limits(part)
        rules += [f"each entry {rule}" for rule in _limits(part.get("items", {}))]
        rules += [f"each name {rule}" for rule in _limits(part.get("propertyNames", {}))]
        rules += [f"each name fits `{_in_table(pattern)}`" for pattern in part.get("patternProperties", {})]
        values: list[Any] = [part.get("additionalProperties"), *part.get("patternProperties", {}).values()]
        mappings = cast("list[Schema]", [value for value in values if isinstance(value, dict)])
        rules += [f"each value {rule}" for value in mappings for rule in _limits(value)]
    return f"Rule: {'; '.join(rules)}." if rules else ""


def _limits(part: Schema) -> list[str]:
    wordings = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minLength": "at least {} long",
        "maxLength": "at most {} characters",
        "minItems": "at least {} entry",
        "maxItems": "at most {} entries",
        "minProperties": "at least {} keys",
        "maxProperties": "at most {} keys",
    }
    limits = [wording.format(part[name]) for name, wording in wordings.items() if name in part]
    return limits + ([f"fits `{_in_table(part['pattern'])}`"] if "pattern" in part else [])


def _in_table(pattern: str) -> str:
    return pattern.replace("|", "\\|")


def _text(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")
