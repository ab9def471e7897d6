"""States of an image, and which follows which (API Reference, ImageState)."""

from __future__ import annotations

from collections.abc import Mapping

ENDED = frozenset({"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DELETED", "DISABLED"})
"""States in which an image no longer changes by itself."""

_STOPS = frozenset({"FAILED", "CANCELLED"})

NEXT: Mapping[str, frozenset[str]] = {
    "PENDING": _STOPS | {"CREATING"},
    "CREATING": _STOPS | {"BUILDING"},
    "BUILDING": _STOPS | {"TESTING", "DISTRIBUTING"},
    "TESTING": _STOPS | {"DISTRIBUTING"},
    "DISTRIBUTING": _STOPS | {"INTEGRATING"},
    "INTEGRATING": _STOPS | {"AVAILABLE"},
    "AVAILABLE": frozenset(),
    "CANCELLED": frozenset(),
    # RetryImage repeats the distribution only.
    "FAILED": frozenset({"DISTRIBUTING"}),
}
"""What may follow each state."""
