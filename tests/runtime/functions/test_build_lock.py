"""The lock of a product: one holder at a time, and nobody waits for the dead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from runtime.functions.build_lock import LEASE, BuildLock, LockHeldError
from tests.runtime.fakes import FakeBucket, refusal


@dataclass
class Time:
    now: float = 1000.0
    left: float = 300.0
    waited: list[float] = field(default_factory=list[float])

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds
        self.left -= seconds


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


def lock(bucket: FakeBucket, time: Time, holder: str = "one") -> BuildLock:
    place = (cast(Any, bucket), bucket.name, bucket.owner, "key", holder)
    return BuildLock(*place, lambda: time.now, time.wait, lambda: time.left)


def test_a_lock_that_was_given_back_is_free_again(bucket: FakeBucket) -> None:
    time = Time()
    for holder in ("one", "two"):
        with lock(bucket, time, holder).held():
            assert list(bucket.newest("builds/lock.json")) == ["builds/lock.json"]
    assert bucket.newest("builds/lock.json") == {}
    assert time.waited == []


def test_it_is_given_back_by_whoever_fails(bucket: FakeBucket) -> None:
    with pytest.raises(ZeroDivisionError), lock(bucket, Time()).held():
        raise ZeroDivisionError
    assert bucket.newest("builds/lock.json") == {}


def test_who_comes_second_waits_and_gives_up_in_words_before_its_own_end(bucket: FakeBucket) -> None:
    time = Time()
    waiting = lock(bucket, time, "two").held()
    with lock(bucket, time).held(), pytest.raises(LockHeldError, match="stayed held"):
        waiting.__enter__()
    assert 0 < time.left < 10


def test_a_lease_that_ran_out_is_taken_over_and_stays_the_successors(bucket: FakeBucket) -> None:
    time = Time()
    with lock(bucket, time).held():
        time.now += LEASE + 1
        with lock(bucket, time, "two").held():
            assert time.waited == []
            (taken,) = bucket.newest("builds/lock.json").values()
        assert b"two" in taken.body


def test_the_first_holder_does_not_give_back_what_was_taken_over(bucket: FakeBucket) -> None:
    time = Time()
    first, second = lock(bucket, time).held(), lock(bucket, time, "two").held()
    first.__enter__()
    time.now += LEASE + 1
    second.__enter__()
    first.__exit__(None, None, None)
    assert list(bucket.newest("builds/lock.json")) == ["builds/lock.json"]


def test_any_other_refusal_is_told(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_request: Any) -> None:
        raise refusal("AccessDenied")

    monkeypatch.setattr(bucket, "put_object", refuse)
    with pytest.raises(Exception, match="AccessDenied"), lock(bucket, Time()).held():
        pass
