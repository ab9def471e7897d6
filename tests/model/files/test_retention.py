"""How long images are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from model.files.retention import Retention


def retention(**stated: Any) -> Retention:
    return Retention.model_validate_json(json.dumps(stated))


def test_the_three_newest_stay_and_launches_do_not_count_unless_the_file_says_otherwise() -> None:
    found = retention(afterDays=90)
    assert (found.after_days, found.keep_newest, found.unused_days) == (90, 3, None)


@pytest.mark.parametrize(
    ("stated", "field", "told"),
    [
        ({}, "afterDays", "required"),
        ({"afterDays": 0}, "afterDays", "greater than or equal to 1"),
        ({"afterDays": 1001}, "afterDays", "less than or equal to 1000"),
        ({"afterDays": "90"}, "afterDays", "valid integer"),
        ({"afterDays": 90, "keepNewest": 0}, "keepNewest", "greater than or equal to 1"),
        ({"afterDays": 90, "keepNewest": 11}, "keepNewest", "less than or equal to 10"),
        ({"afterDays": 90, "unusedDays": 0}, "unusedDays", "greater than or equal to 1"),
        ({"afterDays": 90, "unusedDays": 366}, "unusedDays", "less than or equal to 365"),
        ({"afterDays": 90, "keep": 1}, "keep", "not permitted"),
    ],
)
def test_a_mistake_is_told_with_its_field(stated: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        retention(**stated)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
