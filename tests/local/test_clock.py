"""How far the local cloud's clock is moved, as a person types it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import typer

from local.clock import span


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7))],
)
def test_a_time_is_a_number_and_its_unit(text: str, expected: timedelta) -> None:
    assert span(text) == expected


@pytest.mark.parametrize("text", ["", "7", "-1d", "0d", "7w", "d7"])
def test_what_is_no_time_is_refused_with_what_was_typed(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"got {text!r}"):
        span(text)
