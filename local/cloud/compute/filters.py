"""EC2's filters: a list of names with values, of which each name must match one value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from local.cloud.call import ServiceError

Item = TypeVar("Item")
Reader = Callable[[Item], Iterable[str]]

PAGE = 1000
"""Entries of a page where the call states no number."""


def matching(
    items: Iterable[Item],
    filters: Sequence[Mapping[str, Any]],
    readers: Mapping[str, Reader[Item]],
    tags: Callable[[Item], Mapping[str, str]],
) -> list[Item]:
    """Items that pass all filters; raises `ServiceError` for a filter that is not known, never ignoring it."""
    found = list(items)
    for entry in filters:
        name, values = str(entry.get("Name", "")), [str(value) for value in entry.get("Values", [])]
        reader = _reader(name, readers, tags)
        found = [item for item in found if any(_matches(have, values) for have in reader(item))]
    return found


def _reader(name: str, readers: Mapping[str, Reader[Item]], tags: Callable[[Item], Mapping[str, str]]) -> Reader[Item]:
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: [tags(item)[key]] if key in tags(item) else []
    if name == "tag-key":
        return lambda item: list(tags(item))
    if name not in readers:
        raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return readers[name]


def _matches(have: str, values: Sequence[str]) -> bool:
    return any(_pattern(value).fullmatch(have) for value in values)


def _pattern(value: str) -> re.Pattern[str]:
    """EC2's wildcards are * and ?; after a backslash they mean themselves (EC2 User Guide, "Filter by wildcard")."""
    wildcards = {"*": ".*", "?": "."}
    parts: list[str] = re.findall(r"\\[*?\\]|.", value, re.DOTALL)
    return re.compile("".join(wildcards.get(part, re.escape(part[-1])) for part in parts), re.DOTALL)


def page(items: Sequence[Item], call_parameters: Mapping[str, Any]) -> tuple[list[Item], str | None]:
    """One page of a list and the token of the next; raises `ServiceError` for a token of no page."""
    token = call_parameters.get("NextToken") or "0"
    if not (token.isascii() and token.isdigit()):
        raise ServiceError("InvalidPaginationToken", "The specified pagination token is not valid or is expired.")
    start = int(token)
    size = int(call_parameters.get("MaxResults") or PAGE)
    following = str(start + size) if start + size < len(items) else None
    return list(items[start : start + size]), following
