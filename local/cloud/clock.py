"""The one clock that states of resources are read against, so that tests move time instead of waiting for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time in UTC."""
        ...


class Timetable(Protocol):
    """Something that happens at certain times."""

    def next_time(self) -> datetime | None:
        """When it happens next; None where it never does again."""
        ...

    def happen(self) -> None:
        """Do all that is due; the next time is after the present one then."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """The machine's clock, ahead by as much as it was moved; what is due on the way happens in its order."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base = base or SystemClock()
        self._ahead = timedelta()
        self._timetables: list[Timetable] = []
        self._moving = threading.Lock()

    def now(self) -> datetime:
        """The time in UTC."""
        return self._base.now() + self._ahead

    def add(self, timetable: Timetable) -> None:
        """Have something happen when the clock is moved beyond its times."""
        self._timetables.append(timetable)

    def forward(self, by: timedelta) -> datetime:
        """Let time pass, and tell the time after it."""
        with self._moving:
            end = self.now() + by
            while (due := self._next(end)) is not None:
                time, timetable = due
                self._ahead += max(time - self.now(), timedelta())
                timetable.happen()
            self._ahead += max(end - self.now(), timedelta())
            return self.now()

    def _next(self, end: datetime) -> tuple[datetime, Timetable] | None:
        times = [(time, one) for one in self._timetables if (time := one.next_time()) is not None and time <= end]
        return min(times, key=lambda each: each[0], default=None)


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time that was set."""
        return self._now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
