"""Resources whose properties AWS keeps as a map of text attributes (SQS queues, SNS topics and subscriptions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.mapping import declared_scalar
from local.provider.work import Work

Names = Mapping[str, str]
"""Property to attribute."""


def text(value: Any) -> str:
    """A property as an attribute's text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def to_attributes(properties: Mapping[str, Any], names: Names) -> dict[str, str]:
    """Those properties that are given, as attributes."""
    return {names[name]: text(value) for name, value in properties.items() if name in names and value is not None}


def from_attributes(work: Work, attributes: Mapping[str, str], names: Names) -> dict[str, Any]:
    """Attributes as declared properties; documents stay text."""
    declared = work.declaration.outputs
    return {
        name: declared_scalar(str(declared[name]), attributes[attribute])
        for name, attribute in names.items()
        if attributes.get(attribute) not in (None, "") and name in declared
    }


def changed(work: Work, names: Names) -> dict[str, str]:
    """Attributes to set so that the state becomes what is asked for; what a program takes back is emptied."""
    result: dict[str, str] = {}
    for name, attribute in names.items():
        wanted, present = work.inputs.get(name), work.state.get(name)
        if work.row.comparison.same(wanted, present, name) or (wanted is None and name not in work.changed):
            continue
        result[attribute] = "" if wanted is None else text(wanted)
    return result
