"""What is found in an uploaded file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One finding: its file, line and rule, and what to do; never the value that was found.

    `refuses` tells whether the upload is refused for it, or built with a warning.
    """

    path: str
    line: int | None
    rule: str
    message: str
    refuses: bool
