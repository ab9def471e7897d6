"""Waits end: with the condition, or with a message, and never by a pause of fixed length."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local.provider.errors import WaitTimeoutError
from local.provider.waiting import LONGEST_DELAY, delays, message_has, retrying, until


@given(st.floats(0.01, 600))
def test_pauses_grow_and_add_up_to_the_time_that_is_given(timeout: float) -> None:
    steps = list(delays(timeout))
    assert sum(steps) == pytest.approx(timeout)
    assert steps[:-1] == sorted(steps[:-1])
    assert max(steps) <= LONGEST_DELAY


def test_a_wait_says_what_it_waited_for() -> None:
    with pytest.raises(WaitTimeoutError, match="waited 1 s for the moon"):
        until(lambda: False, "the moon", 1.0, pause=lambda _: None)


def test_a_passing_error_is_retried_and_another_is_not(refusal: Callable[..., ClientError]) -> None:
    passing = message_has("InvalidParameterValueException", "cannot be assumed")
    answers = [refusal("InvalidParameterValueException", "The role cannot be assumed by Lambda."), "made"]

    def attempt() -> object:
        answer = answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    assert retrying(attempt, passing, 5.0, pause=lambda _: None) == "made"
    assert not passing(refusal("InvalidParameterValueException", "Unzipped size must be smaller"))
    assert not passing(refusal("AccessDeniedException", "cannot be assumed"))
