"""What a product's file must name before it may end."""

from __future__ import annotations

from enum import StrEnum


class Guarded(StrEnum):
    """Kinds of resources that hold a product's data, or open it."""

    KEYS = "keys"
    """Keys and their replicas: without its key nothing that is encrypted can be read again."""
    BUCKETS = "buckets"
    """Buckets with what was uploaded."""
    IMAGES = "images"
    """Images as resources of the stack."""
