"""The local cloud as a program whose clock is ahead of this machine's by the days that stand in a file."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from local.cloud import assembly, server

DAYS_FILE = "GOLDEN_AMI_TEST_DAYS"
"""Environment variable that names the file."""


class ClockAhead:
    """This machine's clock, and some days."""

    def now(self) -> datetime:
        """The time in UTC."""
        days = float(Path(os.environ[DAYS_FILE]).read_text(encoding="utf-8"))
        return datetime.now(UTC) + timedelta(days=days)


if __name__ == "__main__":
    assembly.SystemClock = ClockAhead  # type: ignore[misc]
    typer.run(server.run)
