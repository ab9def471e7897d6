"""What a measurement is told as, and what ends with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local import bench
from local.bench import BEGIN, END, Measurement, Sample, written

SMALL = Measurement(2, 85, (Sample(8, 100), Sample(4, 100), Sample(5, 100)), (Sample(6, 120),) * 3)
LARGE = Measurement(12, 145, (Sample(10, 100),) * 3, (Sample(12, 150),) * 3)


def test_a_measurement_is_told_in_ratios_of_medians() -> None:
    assert SMALL.cells(SMALL) == ("2", "85", "1.00", "1.20", "1.0 s", "120 MiB")
    assert LARGE.cells(SMALL) == ("12", "145", "2.00", "1.20", "2.0 s", "150 MiB")


def test_the_pages_table_is_replaced_and_the_rest_of_it_stays() -> None:
    page = written(f"before\n{BEGIN}\nold\n{END}\nafter\n", [SMALL, LARGE])
    assert page.startswith(f"before\n{BEGIN}\n| targets |")
    assert page.endswith(f"| 12 | 145 | 2.00 | 1.20 | 2.0 s | 150 MiB |\n{END}\nafter\n")
    assert "old" not in page
    with pytest.raises(ValueError, match="has no"):
        written("a page without a place for it", [SMALL])


@dataclass
class Endless:
    """Stands for stacks whose preview ends long after it is told to."""

    repository: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def preview_command(self, *_: str) -> list[str]:
        loop = "n=0; while [ $n -lt 3000000 ]; do n=$((n+1)); done"
        return ["sh", "-c", f"trap 'touch ended; exit' TERM; touch begun; {loop}"]


def test_an_interrupted_measurement_ends_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: int) -> Any:
        while not (tmp_path / "begun").exists():
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    stacks: Any = Endless(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        vars(bench)["_preview"](stacks)
    assert (tmp_path / "ended").exists()
