"""Waiting for what the cloud does by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

INTERVAL = 0.05
"""Seconds between two looks."""

TIMEOUT = 30.0
"""Seconds before a condition is given up: several times what the longest takes on a busy machine."""


def until(condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> Any:
    """The condition's first answer that is not empty; raises `TimeoutError` after some seconds without one."""
    pause = threading.Event()
    for _ in range(int(timeout / INTERVAL)):
        if found := condition():
            return found
        pause.wait(INTERVAL)
    raise TimeoutError(f"in vain: {what}")
