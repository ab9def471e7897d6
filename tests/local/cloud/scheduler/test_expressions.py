"""When schedules are due: rates, cron, time zones and daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from local.cloud.call import ServiceError
from local.cloud.scheduler.expressions import check, next_time
from model.files.schedule import Schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(expression: str, zone: str, began: str, count: int) -> list[str]:
    found: list[str] = []
    last: datetime | None = None
    for _ in range(count):
        last = next_time(expression, zone, at(began), last)
        assert last is not None
        found.append(f"{last:%Y-%m-%dT%H:%M}")
    return found


def test_a_rate_begins_at_once_and_counts_from_there() -> None:
    assert following("rate(2 days)", "UTC", "2026-11-29T10:07", 3) == [
        "2026-11-29T10:07",
        "2026-12-01T10:07",
        "2026-12-03T10:07",
    ]


def test_cron_is_meant_in_its_time_zone() -> None:
    assert following("cron(0 10 * * ? *)", "Europe/Berlin", "2026-07-01T09:00", 1) == ["2026-07-02T08:00"]
    assert following("cron(0 10 * * ? *)", "Europe/Berlin", "2026-12-01T08:30", 1) == ["2026-12-01T09:00"]
    assert following("cron(0 10 * * ? *)", "America/New_York", "2026-12-01T12:00", 1) == ["2026-12-01T15:00"]


def test_a_time_that_daylight_saving_leaves_out_is_passed_over_and_one_that_comes_twice_is_taken_once() -> None:
    half_past_two = "cron(30 2 * * ? *)"
    assert following(half_past_two, "Europe/Berlin", "2026-03-28T00:00", 2) == ["2026-03-28T01:30", "2026-03-30T00:30"]
    assert following(half_past_two, "Europe/Berlin", "2026-10-24T12:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]
    assert following(half_past_two, "Europe/Berlin", "2026-10-25T01:10", 1) == ["2026-10-26T01:30"]


def test_a_schedule_whose_years_are_over_is_never_due() -> None:
    assert next_time("cron(0 10 * * ? 2025)", "UTC", at("2026-01-01T00:00"), None) is None


@pytest.mark.parametrize("expression", ["daily", "cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(61 10 * * ? *)"])
def test_an_expression_that_means_nothing_is_refused(expression: str) -> None:
    with pytest.raises(ServiceError, match="ValidationException"):
        check(expression, "UTC")


def test_what_is_not_emulated_says_so() -> None:
    with pytest.raises(ServiceError, match="one-time"):
        check("at(2026-12-01T00:00:00)", "UTC")


SMALL = st.integers(0, 70).map(str)
FIELD = st.one_of(
    st.sampled_from(["*", "?", "L", "LW", "15W", "MON", "JAN-MAR", "MON-FRI", "6#3", "FRIL", "*/5", "0/15", "2026"]),
    SMALL,
    st.tuples(SMALL, SMALL).map("-".join),
    st.tuples(SMALL, SMALL).map(",".join),
)


@given(st.tuples(*[FIELD] * 6))
def test_what_a_products_file_takes_the_cloud_takes_too(fields: tuple[str, ...]) -> None:
    expression = f"cron({' '.join(fields)})"
    try:
        Schedule.model_validate({"expression": expression})
    except ValidationError:
        return
    check(expression, "UTC")
