"""The cloud's clock: what is due happens on the way, in its order and at its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from local.cloud.clock import MovableClock, SettableClock

START = datetime(2026, 11, 29, 10, tzinfo=UTC)


class Every:
    """Happens again and again after so many hours."""

    def __init__(self, name: str, hours: int, clock: MovableClock, log: list[tuple[str, datetime]]) -> None:
        self._name, self._step, self._clock, self._log = name, timedelta(hours=hours), clock, log
        self._next = START + self._step

    def next_time(self) -> datetime:
        return self._next

    def happen(self) -> None:
        self._log.append((self._name, self._clock.now()))
        self._next += self._step


def test_what_is_due_on_the_way_happens_in_order_and_at_its_own_time() -> None:
    clock = MovableClock(SettableClock(START))
    log: list[tuple[str, datetime]] = []
    clock.add(Every("twos", 2, clock, log))
    clock.add(Every("threes", 3, clock, log))
    assert clock.forward(timedelta(hours=5)) == START + timedelta(hours=5)
    happened = [("twos", 2), ("threes", 3), ("twos", 4)]
    assert log == [(name, START + timedelta(hours=hours)) for name, hours in happened]


def test_a_clock_that_nobody_moves_tells_the_time_of_its_base() -> None:
    base = SettableClock(START)
    clock = MovableClock(base)
    clock.forward(timedelta(days=1))
    base.move(60)
    assert clock.now() == START + timedelta(days=1, seconds=60)
