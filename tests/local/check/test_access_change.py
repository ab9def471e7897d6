"""Who can launch before and after a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands.project import PROJECT
from local.check.access_change import NOBODY, AccessRow, access_change, read_launches


def launch(**answers: str) -> dict[str, Any]:
    steps = {step: {"answer": answer, "deciding": [], "missing": []} for step, answer in answers.items()}
    return {"principal": "role", "region": "us-east-1", "steps": steps}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"image": "yes", "key": "yes"}, "can"),
        ({"image": "role's own", "key": "yes"}, "can, as far as its own policies let it"),
        ({"image": "role's own", "key": "no", "grant": "not judged"}, "cannot: key, grant"),
    ],
)
def test_a_launch_is_told_in_a_few_words(answers: dict[str, str], told: str) -> None:
    assert read_launches({"launches": [launch(**answers)]}) == {("role", "us-east-1"): told}


def test_both_sides_are_asked_and_a_new_product_had_no_consumers() -> None:
    rows = access_change("ledger", PROJECT, PROJECT)
    assert rows
    assert not any(row.changed for row in rows)
    assert {row.before for row in access_change("ledger", None, PROJECT)} == {NOBODY}


def test_a_tree_without_the_command_predicts_nothing(tmp_path: Path) -> None:
    rows = access_change("ledger", PROJECT, tmp_path)
    assert {row.after for row in rows} == {NOBODY}


def test_a_row_is_changed_where_its_sides_differ() -> None:
    assert AccessRow("role", "us-east-1", "can", "cannot: key").changed
