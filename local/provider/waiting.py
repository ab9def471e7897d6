"""Bounded waits for conditions that AWS makes true in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from botocore.exceptions import ClientError

from local.provider.errors import WaitTimeoutError
from runtime.functions.aws_errors import code_of

Result = TypeVar("Result")

FIRST_DELAY = 0.05
"""Seconds before the first repetition; it doubles from there."""

LONGEST_DELAY = 5.0


def delays(timeout: float) -> Iterator[float]:
    """Growing pauses, in seconds, whose sum is `timeout`."""
    passed, delay = 0.0, FIRST_DELAY
    while passed < timeout:
        step = min(delay, timeout - passed)
        yield step
        passed += step
        delay = min(delay * 2, LONGEST_DELAY)


def until(
    condition: Callable[[], bool], what: str, timeout: float, pause: Callable[[float], None] = time.sleep
) -> None:
    """Return once the condition holds; raises `WaitTimeoutError` that says what was waited for."""
    for delay in delays(timeout):
        if condition():
            return
        pause(delay)
    if not condition():
        raise WaitTimeoutError(f"waited {timeout:g} s for {what}")


def retrying(
    attempt: Callable[[], Result],
    retried: Callable[[ClientError], bool],
    timeout: float,
    pause: Callable[[float], None] = time.sleep,
) -> Result:
    """Repeat an attempt while AWS's error is one that passes by itself; the last error is raised when time is up."""
    for delay in delays(timeout):
        try:
            return attempt()
        except ClientError as error:
            if not retried(error):
                raise
        pause(delay)
    return attempt()


def message_has(code: str, *parts: str) -> Callable[[ClientError], bool]:
    """Tells errors with this code and any of these parts in their message (any message where none is given)."""

    def matches(error: ClientError) -> bool:
        message = str(error.response.get("Error", {}).get("Message", "")).lower()
        return code_of(error) == code and (not parts or any(part.lower() in message for part in parts))

    return matches
