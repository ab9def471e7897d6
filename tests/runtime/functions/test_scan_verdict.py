"""Judging a scan: numbers, the ignore list and its days, and what was not scanned at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.scan_verdict import (
    SEVERITIES,
    IgnoredFinding,
    Scan,
    ScanRules,
    ScanStatus,
    Vulnerability,
    judge,
)

TODAY = date(2027, 1, 31)
LIMITED = SEVERITIES[:4]

identifiers = st.integers(1, 12).map(lambda number: f"CVE-2024-{number:04d}")
days = st.integers(-3, 3).map(lambda offset: TODAY + timedelta(days=offset))
vulnerabilities = st.lists(
    st.builds(Vulnerability, identifiers, st.sampled_from(SEVERITIES), st.just("a title")),
    unique_by=lambda one: one.finding,
).map(tuple)
entries = st.lists(
    st.builds(IgnoredFinding, identifiers, st.just("not reachable"), days), unique_by=lambda entry: entry.finding
).map(tuple)
rules = st.builds(
    ScanRules, st.dictionaries(st.sampled_from(LIMITED), st.integers(0, 5), min_size=1), entries, st.booleans()
)


def found(*severities: str) -> Scan:
    return Scan(tuple(Vulnerability(f"CVE-{number}", each, "") for number, each in enumerate(severities)))


def test_as_many_findings_as_allowed_pass_and_one_more_fails() -> None:
    allowed = ScanRules({"high": 2})
    assert judge(found("high", "high"), allowed, TODAY).status is ScanStatus.PASSED
    verdict = judge(found("high", "high", "high"), allowed, TODAY)
    assert (verdict.status, verdict.reason) == (ScanStatus.FAILED, "3 high, 2 allowed")
    assert not verdict.passed


def test_a_severity_that_is_left_out_is_not_limited() -> None:
    assert judge(found(*["critical"] * 50), ScanRules({"high": 0}), TODAY).passed


def test_findings_over_the_number_are_told_and_the_image_continues_where_it_shall() -> None:
    verdict = judge(found("critical", "low"), ScanRules({"critical": 0, "low": 0}, continues=True), TODAY)
    assert (verdict.status, verdict.passed) == (ScanStatus.CONTINUED, True)
    assert verdict.reason == "1 critical, 0 allowed; 1 low, 0 allowed"


@pytest.mark.parametrize(("continues", "status"), [(False, ScanStatus.FAILED), (True, ScanStatus.CONTINUED)])
def test_what_was_not_scanned_has_not_passed(continues: bool, status: ScanStatus) -> None:
    verdict = judge(Scan(unscanned="no inventory"), ScanRules({"critical": 99}, continues=continues), TODAY)
    assert (verdict.status, verdict.reason) == (status, "the image was not scanned: no inventory")


def test_an_entry_holds_through_its_day_and_counts_again_on_the_next() -> None:
    entry = IgnoredFinding("CVE-0", "not reachable", TODAY)
    strict = ScanRules({"critical": 0}, (entry,))
    verdict = judge(found("critical"), strict, TODAY)
    assert (verdict.passed, verdict.ignored, verdict.expired) == (True, (entry,), ())
    verdict = judge(found("critical"), strict, TODAY + timedelta(days=1))
    assert (verdict.passed, verdict.ignored, verdict.expired) == (False, (), (entry,))


@given(vulnerabilities, rules)
def test_the_verdict_follows_from_what_is_left_when_held_entries_are_taken_out(
    drawn: tuple[Vulnerability, ...], given_rules: ScanRules
) -> None:
    verdict = judge(Scan(drawn), given_rules, TODAY)
    held = {entry.finding for entry in given_rules.ignore if entry.expires >= TODAY}
    left = [one for one in drawn if one.finding not in held]
    over = any(
        sum(one.severity == severity for one in left) > number for severity, number in given_rules.maximum.items()
    )
    expected = (ScanStatus.CONTINUED if given_rules.continues else ScanStatus.FAILED) if over else ScanStatus.PASSED
    assert verdict.status is expected
    assert sorted(verdict.counted, key=lambda one: one.finding) == sorted(left, key=lambda one: one.finding)
    assert sum(verdict.counts.values()) == len(left)


@given(vulnerabilities, rules)
def test_every_entry_that_meets_a_finding_is_told_as_ignored_or_expired(
    drawn: tuple[Vulnerability, ...], given_rules: ScanRules
) -> None:
    verdict = judge(Scan(drawn), given_rules, TODAY)
    identified = {one.finding for one in drawn}
    meeting = {entry for entry in given_rules.ignore if entry.finding in identified}
    assert {*verdict.ignored, *verdict.expired} == meeting
    assert {entry for entry in meeting if entry.expires < TODAY} == set(verdict.expired)


@given(vulnerabilities, rules, st.builds(Vulnerability, st.just("CVE-9"), st.sampled_from(SEVERITIES), st.just("")))
def test_one_more_finding_never_makes_an_image_pass(
    drawn: tuple[Vulnerability, ...], given_rules: ScanRules, more: Vulnerability
) -> None:
    if not judge(Scan(drawn), given_rules, TODAY).passed:
        assert not judge(Scan((*drawn, more)), given_rules, TODAY).passed


@given(rules)
def test_rules_come_back_from_what_the_state_machine_hands_over(given_rules: ScanRules) -> None:
    assert ScanRules.from_payload(given_rules.as_payload()) == given_rules
