"""Semantic versions that follow content, so that nobody counts versions by hand.

Image Builder's components and recipes are immutable: changed content needs a new version (Image Builder User Guide,
"Semantic versioning"). A version made of a content hash is new exactly when the content is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAXIMUM_NODE = 2**30 - 1
"""The largest number that Image Builder takes for a node of a semantic version."""


def content_digest(content: Any) -> str:
    """SHA-256 of any JSON-like content in hexadecimal; the order in which a file states keys is no change."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def content_version(content: Any, major: int = 1) -> str:
    """The version `<major>.<minor>.<patch>` of any JSON-like content.

    Minor and patch are 29 bits of the content's SHA-256 each, so that two contents of one product practically never
    meet.
    """
    number = int(content_digest(content)[:16], 16)
    return f"{major}.{(number >> 32) & MAXIMUM_NODE >> 1}.{number & MAXIMUM_NODE >> 1}"


@dataclass(frozen=True)
class Published:
    """What Image Builder holds of one component or recipe before a deployment.

    Old versions may be retained, and nobody may make a version twice. So every new content gets a major node beyond all
    that are there, and the highest version is the one that the last deployment declared.
    """

    versions: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Content digests by version; None where the version was not stated in a file."""
    deployed: bool = False
    """Whether the product's pipeline builds from one of the versions."""
    new_product: bool = True
    """Whether there is no pipeline yet."""

    @property
    def _newest(self) -> tuple[int, ...]:
        return max((nodes(version) for version in self.versions), default=(0, 0, 0))

    def version_for(self, content: Any) -> str:
        """The version under which a content is declared: the newest while it has that content, or one beyond it."""
        newest = self._newest
        same = nodes(content_version(content))[1:] == newest[1:]
        return content_version(content, newest[0] if same and self.deployed else newest[0] + 1)

    def conflict(self, version: str, content: Any) -> str | None:
        """Why a version that a file states cannot be declared for a content, and what to do; None where it can."""
        newest = ".".join(str(node) for node in self._newest)
        if version not in self.versions:
            if nodes(version) > self._newest:
                return None
            return f"version {version} is not beyond {newest}, which Image Builder holds; state a higher one"
        if self.versions[version] != content_digest(content):
            return f"version {version} exists with other content; state one beyond {newest}, or leave it out"
        if version != newest or not (self.deployed or self.new_product):
            return f"version {version} was used before and is retained; state one beyond {newest}, or leave it out"
        return None


def nodes(version: str) -> tuple[int, ...]:
    """A version's numbers, in which versions have their order."""
    return tuple(int(node) for node in version.split("."))


@dataclass(frozen=True)
class PublishedVersions:
    """What Image Builder holds of a product before a deployment; nothing for a new product."""

    components: Mapping[str, Published] = field(default_factory=dict[str, Published])
    """By the component's label."""
    recipe: Published = field(default_factory=Published)

    def component(self, label: str) -> Published:
        """Versions of one component."""
        return self.components.get(label, Published())
