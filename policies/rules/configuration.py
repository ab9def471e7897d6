"""What a pack is told about its landing zone, in the form of Pulumi's policy configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

RULES = "rules"
"""The property with what single rules are told; it is set by the pack's server alone."""


@dataclass(frozen=True)
class Configuration:
    """Facts that rules about accounts and tags compare with; without accounts such a rule says nothing.

    `accounts` are ids of twelve digits, `organizations` ids such as o-abcdefghij, `tags` keys that every resource
    carries. `image_owners` are further accounts whose images may be built on; where some are named, no other's may.
    `rules` is what single rules are told instead, for a rule that asks others.
    """

    accounts: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    image_owners: frozenset[str] = frozenset()
    rules: Mapping[str, Configuration] = field(default_factory=dict[str, "Configuration"])

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Configuration:
        """The configuration as `--policy-pack-config` and Pulumi Cloud hand it over."""
        return cls(
            accounts=_texts(properties.get("accounts")),
            organizations=_texts(properties.get("organizations")),
            tags=_texts(properties.get("tags")),
            image_owners=_texts(properties.get("imageOwners")),
            rules={name: cls.of(told) for name, told in dict(properties.get(RULES) or {}).items()},
        )

    def of_rule(self, name: str) -> Configuration:
        """What a rule is told."""
        return self.rules.get(name, self)

    def properties(self) -> dict[str, list[str]]:
        """The configuration in Pulumi's form; `of` reads it back."""
        return {
            "accounts": sorted(self.accounts),
            "organizations": sorted(self.organizations),
            "tags": sorted(self.tags),
            "imageOwners": sorted(self.image_owners),
        }


SCHEMA: Mapping[str, Any] = {
    name: {"type": "array", "items": {"type": "string"}, "description": description, "default": []}
    for name, description in {
        "accounts": "Ids of the landing zone's accounts, twelve digits each.",
        "organizations": "Ids of the organisations whose accounts may use shared images.",
        "tags": "Keys of the tags that every resource carries.",
        "imageOwners": "Ids of further accounts whose images may be built on; where some are named, no other's may.",
    }.items()
}
"""JSON Schema of each property, for Pulumi's `PolicyConfigSchema`."""

REASON_SCHEMA: Mapping[str, Any] = {
    "reason": {"type": "string", "description": "Why the rule is advisory; without it, it is mandatory.", "default": ""}
}
"""As above, of every rule."""


def _texts(value: Any) -> frozenset[str]:
    if not isinstance(value, list | tuple):
        return frozenset()
    return frozenset(str(entry) for entry in cast(Iterable[Any], value))
