"""The AWS CLI's output format `text`: values with tabs between them, records on lines that begin with their name.

Source: AWS CLI User Guide, "Setting the output format in the AWS CLI", text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast


def as_text(value: Any) -> str:
    """A result, or what a query made of it, as lines."""
    return "".join(f"{line}\n" for line in _lines(value, None))


def _lines(value: Any, name: str | None) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _record(cast("dict[str, Any]", value), name)
    elif isinstance(value, list):
        yield from _several(cast("list[Any]", value), name)
    else:
        yield _joined([value], name)


def _record(record: dict[str, Any], name: str | None) -> Iterator[str]:
    plain = [record[key] for key in sorted(record) if not isinstance(record[key], dict | list)]
    if plain:
        yield _joined(plain, name)
    for key in sorted(record):
        if isinstance(record[key], dict | list):
            yield from _lines(record[key], key)


def _several(values: list[Any], name: str | None) -> Iterator[str]:
    plain = [value for value in values if not isinstance(value, dict | list)]
    if name is None and plain:
        yield _joined(plain, None)
    elif plain:
        yield from (_joined([value], name) for value in plain)
    for value in values:
        if isinstance(value, dict | list):
            yield from _lines(value, name)


def _joined(values: list[Any], name: str | None) -> str:
    return "\t".join([*([name.upper()] if name else []), *(str(value) for value in values)])
