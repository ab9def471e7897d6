"""When a product's image is built again without an upload.

Source: seed 002, schedule. The expressions are EventBridge Scheduler's, which also calls: see
docs/decisions/schedule-through-the-start-function.md.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from model.files.fields import FileModel

RATE = re.compile(r"^rate\(([1-9][0-9]{0,8}) (minutes?|hours?|days?)\)$")
CRON = re.compile(r"^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$")

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

FORMS = "cron(minutes hours day-of-month month day-of-week year) and rate(value minutes|hours|days)"


class CronField:
    """One of a cron expression's six fields: its name, its numbers, names for them, and signs of its own."""

    def __init__(self, name: str, numbers: range, names: Sequence[str] = (), signs: str | None = None) -> None:
        self.name = name
        self._numbers = numbers
        self._names: Mapping[str, int] = {text: numbers.start + index for index, text in enumerate(names)}
        self._signs = re.compile(signs) if signs else None
        self._alone = ("*", "?") if signs else ("*",)

    def takes(self, text: str) -> bool:
        """Whether a field's text is a list of values, ranges, steps and signs that the field knows."""
        return text in self._alone or all(self._takes_part(part) for part in text.upper().split(","))

    def _takes_part(self, part: str) -> bool:
        if self._signs and self._signs.fullmatch(part):
            return True
        base, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and 0 < int(step) < len(self._numbers)):
            return False
        first, dash, last = base.partition("-")
        if dash:
            start, end = self._number(first), self._number(last)
            return start is not None and end is not None and start <= end
        return self._number(base) is not None or (base == "*" and bool(slash))

    def _number(self, text: str) -> int | None:
        number = self._names.get(text, int(text) if text.isdecimal() and len(text) < 5 else None)
        return number if number in self._numbers else None


CRON_FIELDS = (
    CronField("minutes", range(60)),
    CronField("hours", range(24)),
    CronField("day of month", range(1, 32), signs=r"L|LW|([1-9]|[12][0-9]|3[01])W"),
    CronField("month", range(1, 13), MONTHS),
    CronField("day of week", range(1, 8), DAYS, signs=rf"L|([1-7]|{'|'.join(DAYS)})(L|#[1-5])"),
    CronField("year", range(1970, 2200)),
)
"""In their order (EventBridge Scheduler User Guide, "Schedule types", "Cron-based schedules")."""


def _schedule_expression(value: str) -> str:
    if RATE.match(value):
        return value
    found = CRON.match(value)
    if found is None:
        raise ValueError(f"takes {FORMS}, got {value!r}; six fields are parted by one space each")
    wrong = [field.name for field, text in zip(CRON_FIELDS, found.groups(), strict=True) if not field.takes(text)]
    if wrong:
        raise ValueError(f"has no valid {' and '.join(wrong)}, got {value!r}; correct that")
    if (found[3] == "?") == (found[5] == "?"):
        raise ValueError(f"takes '?' for exactly one of day of month and day of week, got {value!r}; change one")
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError(f"must be a time zone of the IANA database, got {value!r}; as in Europe/Berlin")
    return value


ScheduleExpression = Annotated[str, StringConstraints(max_length=256), AfterValidator(_schedule_expression)]
TimeZone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_time_zone)]


class StartCondition(StrEnum):
    """Whether an occurrence of the schedule builds in any case."""

    ALWAYS = "always"
    UPDATES_AVAILABLE = "updates-available"


class Schedule(FileModel):
    """When the image is built again from the newest uploads.

    Source: seed 002, schedule; EventBridge Scheduler User Guide, "Schedule types".
    """

    expression: ScheduleExpression
    """`cron(minutes hours day-of-month month day-of-week year)` or `rate(value minutes|hours|days)`, as EventBridge
    Scheduler takes them, at most 256 characters; a rate begins at once (seed 002: schedule, ScheduleExpression)."""
    time_zone: TimeZone = "UTC"
    """Time zone of the IANA database in which the expression is meant."""
    start_condition: StartCondition = StartCondition.UPDATES_AVAILABLE
    """`always`, or `updates-available`: only where the base image's parameter, a component given with `x` or the
    recipe is another one than at the last build, or that build failed. Left out, `updates-available`, as in Image
    Builder (seed 002: schedule, PipelineExecutionStartCondition)."""
