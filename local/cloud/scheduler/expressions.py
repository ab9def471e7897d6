"""When a schedule's expression is due (EventBridge Scheduler User Guide, "Schedule types")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from ministack.services import eventbridge

from local.cloud.call import ServiceError

LIMITS = (range(60), range(24), range(1, 32), range(1, 13), range(1, 8), range(1970, 2200))


def check(expression: str, time_zone: str) -> None:
    """Raise `ServiceError` (ValidationException) for an expression or a time zone that means nothing."""
    if expression.startswith("at("):
        message = "The local cloud does not do one-time schedules: scheduler:CreateSchedule with at()."
        raise ServiceError("UnsupportedOperation", message, 501)
    if time_zone not in available_timezones():
        raise ServiceError("ValidationException", f"Invalid Schedule Expression Timezone {time_zone}.")
    if not _rate(expression) and _fields(expression) is None:
        raise ServiceError("ValidationException", f"Invalid Schedule Expression {expression}.")


def next_time(expression: str, time_zone: str, began: datetime, last: datetime | None) -> datetime | None:
    """The first time after `last`; without one, the first of a schedule that began at `began`.

    A rate begins at once. Cron is read in the zone's wall time: a time that daylight saving leaves out is passed over,
    one that comes twice is taken once.
    """
    every = _rate(expression)
    if every is not None:
        return began if last is None else last + every
    zone, after = ZoneInfo(time_zone), last or began
    wall = after.astimezone(zone).replace(tzinfo=UTC)
    while True:
        wall = eventbridge._cron_next_fire(_fields(expression), wall)  # pyright: ignore[reportPrivateUsage]
        if wall is None:
            return None
        time = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = time.astimezone(zone).replace(tzinfo=UTC) == wall
        if exists and time > after:
            return time


def _rate(expression: str) -> timedelta | None:
    seconds = eventbridge._parse_rate_seconds(expression)  # pyright: ignore[reportPrivateUsage]
    return timedelta(seconds=seconds) if seconds else None


def _fields(expression: str) -> tuple[object, ...] | None:
    """A cron expression as ministack takes it apart; None where it is none, or a number is beyond its field's."""
    found = eventbridge._parse_cron_fields(expression)  # pyright: ignore[reportPrivateUsage]
    if found is None:
        return None
    minutes, hours, days, months, weekdays, years, day, weekday = found
    sets = (minutes, hours, days["days"], months, weekdays["days"], years or ())
    within = all(number in limit for numbers, limit in zip(sets, LIMITS, strict=True) for number in numbers)
    return found if within and (day == "?") != (weekday == "?") else None
