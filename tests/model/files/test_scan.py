"""What a product's file says of scans, and what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.loading import PRODUCT_KEY, StackFile, validate
from model.files.problems import FileError
from model.files.scan import Scan
from runtime.functions.scan_verdict import ScanRules

IGNORED = {"finding": "CVE-2021-44228", "reason": "lookups are switched off", "expires": "2027-01-31"}
FILE = StackFile("stacks/Pulumi.web.yaml", {}, None)


def scan(**values: Any) -> Scan:
    return validate(Scan, PRODUCT_KEY, {"maximum": {"critical": 0}, **values}, FILE)


def test_the_function_reads_back_what_the_file_says() -> None:
    stated = scan(maximum={"critical": 0, "high": 15}, ignore=[IGNORED], onFindings="continue")
    rules = ScanRules.from_payload(stated.rules)
    assert (dict(rules.maximum), rules.continues) == ({"critical": 0, "high": 15}, True)
    assert [entry.as_dict() for entry in rules.ignore] == [IGNORED]
    assert rules.as_payload() == stated.rules


def test_findings_fail_the_image_unless_the_file_says_otherwise() -> None:
    assert scan().rules == {"maximum": {"critical": 0}, "ignore": [], "continues": False}


def test_a_day_that_yaml_knew_is_the_day_that_was_written() -> None:
    quoted = scan(ignore=[IGNORED])
    assert scan(ignore=[{**IGNORED, "expires": "2027-01-31 00:00:00 +0000 UTC"}]) == quoted


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"maximum": {}}, "maximum: states no severity; state at least one of critical, high, medium and low"),
        ({"maximum": {"high": -1}}, "maximum.high: input should be greater than or equal to 0, got -1"),
        ({"maximum": {"high": "15"}}, "maximum.high: input should be a valid integer, got '15'"),
        ({"onFindings": "ignore"}, "onFindings: input should be 'fail' or 'continue', got 'ignore'"),
        ({"ignore": [IGNORED, IGNORED]}, "ignore: holds 'CVE-2021-44228' twice; keep one"),
        ({"ignore": [{**IGNORED, "reason": ""}]}, "ignore.0.reason: string should have at least 1 character, got ''"),
        ({"ignore": [{**IGNORED, "expires": "2027-02-30"}]}, "ignore.0.expires: must be a day of the calendar"),
        ({"ignore": [{**IGNORED, "expires": "31.1.2027"}]}, "ignore.0.expires: must be a day of the form YYYY-MM-DD"),
        ({"ignore": [{"finding": "CVE-2021-44228", "reason": "x"}]}, "ignore.0.expires: is missing; add it"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_value(values: dict[str, Any], said: str) -> None:
    with pytest.raises(FileError) as refused:
        scan(**values)
    assert said in str(refused.value)
