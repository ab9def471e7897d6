"""Ending as after Ctrl-C where a machine, not a person, asks for the end."""

from __future__ import annotations

import signal
from types import FrameType


def interrupt_on_termination() -> None:
    """Have SIGTERM raise `KeyboardInterrupt`, so that what was started is taken down the same way."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
