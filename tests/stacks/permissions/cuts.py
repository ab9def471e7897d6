"""What can be taken from a policy document, piece by piece: statements, actions, resources, values of conditions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.stacks.permissions.documents import Change, Document

Statement = dict[str, Any]


@dataclass(frozen=True)
class Cut:
    """One piece of one statement, and the change that takes it out."""

    sid: str
    piece: str
    change: Change

    def __str__(self) -> str:
        return f"{self.sid}: {self.piece}"


def whole_statements(document: Document) -> Iterator[Cut]:
    """Each statement."""
    for entry in document["Statement"]:
        yield Cut(entry["Sid"], "statement", _without(entry["Sid"]))


def pieces(statement: Statement) -> Iterator[Cut]:
    """Each action and resource of several; each value of a condition, a lone one being made another."""
    sid = statement["Sid"]
    for element in ("Action", "Resource"):
        listed = _many(statement.get(element))
        for value in listed if len(listed) > 1 else ():
            yield _changed(sid, value, lambda entry, element=element, value=value: _drop(entry, element, value))
    for operator, keys in statement.get("Condition", {}).items():
        for key, stated in keys.items():
            for value in _many(stated):
                yield _changed(
                    sid,
                    f"{operator} {key} {value}",
                    lambda entry, operator=operator, key=key, value=value: _drop(
                        entry["Condition"][operator], key, value
                    ),
                )


def _changed(sid: str, piece: str, edit: Callable[[Statement], None]) -> Cut:
    def change(document: Document) -> None:
        edit(next(entry for entry in document["Statement"] if entry["Sid"] == sid))

    return Cut(sid, piece, change)


def _without(sid: str) -> Change:
    def change(document: Document) -> None:
        document["Statement"] = [entry for entry in document["Statement"] if entry["Sid"] != sid]

    return change


def _drop(holder: dict[str, Any], name: str, value: str) -> None:
    others = [one for one in _many(holder[name]) if one != value]
    holder[name] = others or {"true": "false", "false": "true"}.get(value, f"{value}-other")


def _many(stated: Any) -> list[str]:
    if stated is None:
        return []
    return copy.copy(stated) if isinstance(stated, list) else [stated]
