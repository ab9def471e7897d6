from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from local.progress import LINE_INTERVAL_SECONDS, Report


def test_without_a_terminal_long_work_tells_the_time_in_lines_and_not_too_often() -> None:
    said, now = StringIO(), [0.0]
    report = Report(Console(file=said, width=200), lambda: now[0])
    with report.task("Build the engine", total=3) as task:
        for number in (1, 2, 3):
            now[0] += LINE_INTERVAL_SECONDS / 2
            task.update(f"package [{number}]", number)
    assert said.getvalue().splitlines() == [
        "… Build the engine",
        "  10 s  2 of 3: package [2]",
        "✓ Build the engine 15.0 s",
    ]


def test_work_that_fails_is_marked_and_the_error_goes_on() -> None:
    said = StringIO()
    report = Report(Console(file=said, width=200))
    with pytest.raises(RuntimeError), report.task("Deploy"):
        raise RuntimeError
    assert "✗ Deploy" in said.getvalue()
