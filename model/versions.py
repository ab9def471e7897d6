"""Semantic versions that follow content, so that nobody counts versions by hand.

Image Builder's components and recipes are immutable: changed content needs a new version (Image Builder User Guide,
"Semantic versioning"). A version made of a content hash is new exactly when the content is.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

MAXIMUM_NODE = 2**30 - 1
"""The largest number that Image Builder takes for a node of a semantic version."""


def content_version(content: Any, major: int = 1) -> str:
    """The version `<major>.<minor>.<patch>` of any JSON-like content.

    Minor and patch are 29 bits of the content's SHA-256 each, so that two contents of one product practically never
    meet. Keys are sorted: the order in which a file states them is no change.
    """
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    return f"{major}.{(number >> 32) & MAXIMUM_NODE >> 1}.{number & MAXIMUM_NODE >> 1}"
