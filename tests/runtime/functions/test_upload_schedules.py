"""Any schedule of uploads, deliveries, repetitions, losses, crashes and builds comes to the same end."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.runtime.schedules import FORBIDDEN, Schedule

CHOICES = st.binary(min_size=60, max_size=400)
"""Numbers up to 255; drawn at once, for a list takes several times what a schedule does."""

seen: Counter[str] = Counter()


def hold(schedule: Schedule) -> None:
    """What is true after every schedule."""
    manifests = schedule.manifests()
    built = [manifests[digest] for digest in schedule.built]
    # Once by itself, and once for each request by hand; the same request is never answered twice.
    automatic = [run for run in schedule.asked if run[1] is None]
    assert len(set(schedule.asked)) == len(schedule.asked) == len(built)
    assert len({digest for digest, _ in automatic}) == len(automatic)
    by_hand = [request for _, request in schedule.asked if request]
    assert len(set(by_hand)) == len(by_hand)
    hold_occurrences(schedule)
    # Every image holds exactly what its tags say.
    for image in schedule.image_builder.images:
        assert schedule.installed[image["arn"]] == (image["tags"]["golden-ami:manifest-sha256"], True)
    contents = {version.version_id: version.body for version in schedule.bucket.versions}
    assert not any(FORBIDDEN in contents[version] for manifest in built for version in manifest.values())
    # The newest is built, or refused with a report.
    newest = schedule.newest
    if "install.sh" not in newest or any(FORBIDDEN in contents[version] for version in newest.values()):
        assert newest not in built
        assert schedule.told("REFUSED") or not schedule.uploads
    else:
        assert newest in built
    # Every upload is built, overtaken or refused, and none of those that were built is said to be overtaken.
    everywhere = {version for manifest in built for version in manifest.values()}
    overtaken = {entry["scriptVersionId"] for message in schedule.told("SUPERSEDED") for entry in message["uploads"]}
    assert overtaken.isdisjoint(everywhere)
    assert {version for _, version in schedule.uploads} <= everywhere | overtaken | schedule.refused()


def hold_occurrences(schedule: Schedule) -> None:
    """Each time of the schedule builds at most once and in order; one that waits for updates, only after some."""
    runs = schedule.runs
    built = [run.request for run in runs if run.request in schedule.occurrences]
    assert built == sorted(set(built))
    for before, run in pairwise(runs):
        occurrence = schedule.occurrences.get(run.request or "")
        if occurrence and occurrence.only_updates and schedule.status_of(before) != "FAILED":
            assert run.built_from != before.built_from
    seen["builds by the schedule"] += len(built)


def run(choices: bytes, scheduled: bool = False) -> None:
    schedule = Schedule(choices, scheduled)
    schedule.run(steps=len(choices))
    hold(schedule)
    seen.update(schedule.counts)
    seen["schedules"] += 1
    seen["builds"] += len(schedule.built)


UNBOUND = settings(
    phases=[Phase.generate, Phase.shrink], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@settings(UNBOUND, max_examples=300)
@given(CHOICES)
def test_each_upload_is_built_at_most_once_and_the_newest_always(choices: bytes) -> None:
    run(choices)


@settings(UNBOUND, max_examples=100)
@given(st.binary(min_size=40, max_size=150))
def test_each_time_of_the_schedule_builds_at_most_once_and_in_order(choices: bytes) -> None:
    run(choices, scheduled=True)


@pytest.mark.stack
@settings(UNBOUND, max_examples=10_000)
@given(CHOICES)
def test_ten_thousand_schedules_come_to_the_same_end(choices: bytes) -> None:
    run(choices)


def test_the_schedules_cross_and_break() -> None:
    """Runs after the above: what was generated really held what it is about."""
    for wanted in ("at once", "killed", "failed calls", "repeated events", "lost events", "builds", "occurrences"):
        assert seen[wanted] > seen["schedules"] / 10, (wanted, seen)
    assert seen["builds by the schedule"], seen
