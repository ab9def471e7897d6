"""How long work shows itself: a moving line on a terminal, else plain lines with the time that has passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

LINE_INTERVAL_SECONDS = 10.0
"""Least time between two plain lines of one task."""

PLAIN_WIDTH = 190
"""Columns of a table where there is no terminal to ask."""


@dataclass(frozen=True)
class Task:
    """One piece of work that is under way; `update` takes what is being done now, and how many parts are done."""

    update: Callable[[str, int | None], None]


class Report:
    """Writes progress and remarks for a person to one console."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console or _console()
        self._clock = clock

    def remark(self, text: str) -> None:
        """Write one line that stays."""
        self.console.print(f"  {escape(text)}")

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Generator[Task]:
        """Show a piece of work from its start to its end; `total` is the number of its parts where that is known."""
        began = self._clock()
        try:
            if self.console.is_terminal:
                yield from self._moving(title, total)
            else:
                yield from self._plain(title, total)
        except BaseException:
            self.console.print(f"[red]✗[/] {escape(title)} [dim]{self._clock() - began:.1f} s[/]")
            raise
        self.console.print(f"[green]✓[/] {escape(title)} [dim]{self._clock() - began:.1f} s[/]")

    def _moving(self, title: str, total: int | None) -> Generator[Task]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=24)] if total else []),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            shown = bar.add_task(escape(title), total=total, detail="")

            def update(detail: str, completed: int | None) -> None:
                bar.update(shown, detail=escape(_short(detail)), completed=completed)

            yield Task(update)

    def _plain(self, title: str, total: int | None) -> Generator[Task]:
        began = last = self._clock()
        self.console.print(f"… {escape(title)}")

        def update(detail: str, completed: int | None) -> None:
            nonlocal last
            now = self._clock()
            if now - last >= LINE_INTERVAL_SECONDS:
                last = now
                count = f"{completed} of {total}: " if total and completed is not None else ""
                self.console.print(f"  {now - began:.0f} s  {count}{escape(_short(detail))}")

        yield Task(update)


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=PLAIN_WIDTH)


def _short(detail: str) -> str:
    line = detail.strip().splitlines()[-1] if detail.strip() else ""
    return line if len(line) <= 100 else f"{line[:99]}…"
