"""`tags`, `tagsAll` and the provider's default tags.

AWS's own tags (`aws:…`) belong to nobody's configuration and are left out everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

RESERVED = "aws:"


def from_list(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as a map, whichever case AWS writes the members in."""
    return {
        str(tag.get("Key", tag.get("key", tag.get("TagKey")))): str(
            tag.get("Value", tag.get("value", tag.get("TagValue", "")))
        )
        for tag in tags
    }


def to_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as AWS's list, in a fixed order."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def merged(defaults: Mapping[str, str], own: Mapping[str, Any] | None) -> dict[str, Any]:
    """All tags of a resource: the provider's, over which its own win."""
    return {**defaults, **(own or {})}


def split(
    actual: Mapping[str, str], defaults: Mapping[str, str], declared: Mapping[str, Any] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Own tags and all tags, of what AWS returned.

    A tag that equals a default counts as the default's, unless the resource declares it itself.
    """
    everything = {key: value for key, value in actual.items() if not key.startswith(RESERVED)}
    own = {key: value for key, value in everything.items() if key in (declared or {}) or defaults.get(key) != value}
    return own, everything


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Keys to remove and tags to set."""
    removed = sorted(key for key in old if key not in new and not key.startswith(RESERVED))
    return removed, {key: value for key, value in new.items() if old.get(key) != value}
