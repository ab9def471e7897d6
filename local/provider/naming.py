"""Names that a program leaves out, made as pulumi-aws makes them: the resource's name, a hyphen, seven hex digits."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUFFIX_LENGTH = 7

DEFAULTS = "__defaults"
"""Lists, among the inputs, the properties whose values the plugin chose, as the real provider records them."""


@dataclass(frozen=True)
class AutoName:
    """The property that is named, its longest length, and what its characters may be."""

    property: str = "name"
    maximum: int = 64
    lower: bool = False
    suffix: str = ""
    separator: str = "-"
    prefix_property: str | None = "namePrefix"


def logical_name(urn: str) -> str:
    """The resource's name in the program: the last part of its URN."""
    return urn.rsplit("::", 1)[-1]


def generate(rule: AutoName, urn: str, seed: bytes, prefix: str | None = None, suffix: str = "") -> str:
    """Make a name; the same seed makes the same name, so that preview and update agree."""
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(SUFFIX_LENGTH)
    end = f"{digits[:SUFFIX_LENGTH]}{suffix}"
    stem = prefix if prefix is not None else f"{logical_name(urn)}{rule.separator}"
    if rule.lower:
        stem = stem.lower()
    return f"{stem[: rule.maximum - len(end)]}{end}"


def with_name(
    rule: AutoName | None, urn: str, seed: bytes, news: Mapping[str, Any], olds: Mapping[str, Any]
) -> dict[str, Any]:
    """Add the name where it is left out: the one chosen before, else a new one; records what was chosen."""
    inputs = {key: value for key, value in news.items() if key != DEFAULTS}
    if rule is None or inputs.get(rule.property) is not None:
        return inputs | {DEFAULTS: []}
    prefix = inputs.get(rule.prefix_property) if rule.prefix_property else None
    chosen_before = rule.property in (olds.get(DEFAULTS) or ()) and rule.property in olds
    if chosen_before and (not rule.prefix_property or olds.get(rule.prefix_property) == prefix):
        name = olds[rule.property]
    else:
        suffix = rule.suffix if inputs.get("fifoQueue") or inputs.get("fifoTopic") else ""
        name = generate(rule, urn, seed, prefix if isinstance(prefix, str) else None, suffix)
    return inputs | {rule.property: name, DEFAULTS: [rule.property]}
