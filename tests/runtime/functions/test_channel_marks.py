"""The tag that keeps lifecycle policies from what channels name, under repeated, late and concurrent events."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.functions.channel_marks import (
    ATTEMPTS,
    ChannelsMoveError,
    UnmarkedChannelsError,
    follow_channels,
    mark_channels,
)
from runtime.functions.retention import Place
from tests.runtime.held_images import CHANNEL, TARGET_AWAY, TARGET_HOME, World, image_arn, in_two_regions

TAG = "golden-ami:channel"
PLACES = (TARGET_HOME, TARGET_AWAY)


@dataclass
class Channel:
    """What one channel names, and which images have the mark."""

    current: str = "a"
    marks: set[str] = field(default_factory=lambda: {"a"})


class Stopped(BaseException):
    """A function that ended in the middle."""


class Turns:
    """Lets two functions make their calls in the order of a schedule; what is left over comes one after the other."""

    def __init__(self, schedule: list[int]) -> None:
        self._schedule = schedule
        self._over: set[int] = set()
        self._changed = threading.Condition()

    def wait(self, who: int) -> None:
        """Wait for one's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._next() in {None, who})
            if self._schedule:
                self._schedule.pop(0)
            self._changed.notify_all()

    def end(self, who: int) -> None:
        """Take no more turns."""
        with self._changed:
            self._over.add(who)
            self._changed.notify_all()

    def _next(self) -> int | None:
        while self._schedule and self._schedule[0] in self._over:
            self._schedule.pop(0)
        return self._schedule[0] if self._schedule else None


@dataclass
class Marks:
    """The channel as one function sees it, call by call; the new image is named before its event comes."""

    channel: Channel
    turns: Turns
    who: int
    stop_at: int | None = None
    calls: int = 0

    def _call(self) -> None:
        self.turns.wait(self.who)
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stopped

    def named(self) -> set[str]:
        self._call()
        return {self.channel.current}

    def marked(self) -> set[str]:
        self._call()
        return set(self.channel.marks)

    def mark(self, ids: set[str]) -> None:
        self._call()
        self.channel.marks |= ids

    def unmark(self, ids: set[str]) -> None:
        self._call()
        self.channel.marks -= ids


def event(channel: Channel, turns: Turns, who: int, name: str | None, stop_at: int | None) -> None:
    """Move the channel, and have its function follow; a late event finds the channel moved on."""
    try:
        if name:
            turns.wait(who)
            channel.current = name
        follow_channels(Marks(channel, turns, who, stop_at))
    except (ChannelsMoveError, Stopped):
        pass
    finally:
        turns.end(who)


@settings(max_examples=200)
@given(
    schedule=st.lists(st.sampled_from([0, 1]), max_size=24),
    names=st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["a", "b", "c", None])),
    stops=st.tuples(st.none() | st.integers(1, 8), st.none()),
)
def test_two_functions_at_once_leave_the_mark_on_what_the_channel_names_last(
    schedule: list[int], names: tuple[str | None, str | None], stops: tuple[int | None, None]
) -> None:
    channel, turns = Channel(), Turns(list(schedule))
    functions = [threading.Thread(target=event, args=(channel, turns, who, names[who], stops[who])) for who in (0, 1)]
    for function in functions:
        function.start()
    for function in functions:
        function.join()
    if stops[0] is not None:
        # Lambda tries again whatever ended in the middle.
        follow_channels(Marks(channel, Turns([]), 0))
    assert channel.marks == {channel.current}


def test_the_new_mark_is_there_before_the_old_one_goes() -> None:
    channel, seen = Channel(current="b"), list[set[str]]()

    class Watched(Marks):
        def _call(self) -> None:
            seen.append(set(self.channel.marks))

    follow_channels(Watched(channel, Turns([]), 0))
    assert seen[-1] == {"b"}
    assert {"a", "b"} in seen
    assert all(seen)


def test_a_channel_that_does_not_stand_still_is_an_error_and_loses_no_mark() -> None:
    channel = Channel()

    class Restless(Marks):
        def named(self) -> set[str]:
            self.channel.current = "b" if self.channel.current == "a" else "a"
            return super().named()

    with pytest.raises(ChannelsMoveError, match=str(ATTEMPTS)):
        follow_channels(Restless(channel, Turns([]), 0))
    assert channel.marks == {"a", "b"}


@pytest.fixture
def world() -> World:
    """Three images in two Regions of a target."""
    made = World(distributions=in_two_regions())
    for number in (1, 2, 3):
        for place in PLACES:
            made.held[place].add(f"ami-{number}", 10 - number, number)
        made.resource(number, 10 - number)
    return made


def move(world: World, number: int, *places: Place) -> None:
    for place in places:
        world.held[place].parameters[CHANNEL] = f"ami-{number}"


def test_the_mark_follows_the_channel_in_every_place(world: World) -> None:
    for number in (1, 3, 3, 2):
        move(world, number, *PLACES)
        mark_channels(world.pipeline(), world.accounts())
        assert {frozenset(world.held[place].marked(TAG)) for place in PLACES} == {frozenset({f"ami-{number}"})}
    # The image resource keeps it until a sweep has seen all places.
    assert [each["arn"] for each in world.resources if TAG in each["tags"]] == [image_arn(n) for n in (1, 2, 3)]


def test_all_channels_of_the_product_count_and_only_its_own_images(world: World) -> None:
    move(world, 1, TARGET_HOME)
    held = world.held[TARGET_HOME]
    held.add("ami-9", 1, product="mail")
    held.parameters |= {"/golden-ami/web/candidate": "ami-2", "/golden-ami/web/mail": "ami-9", "/team/ami": "ami-3"}
    mark_channels(world.pipeline(), world.accounts())
    assert held.marked(TAG) == {"ami-1", "ami-2", "ami-3"}


def test_a_place_that_refuses_keeps_no_other_from_its_mark_and_is_tried_again(world: World) -> None:
    move(world, 3, *PLACES)
    world.refuse.add((TARGET_HOME, ""))
    with pytest.raises(UnmarkedChannelsError, match=r"222222222222 in us-east-1: .*UnauthorizedOperation"):
        mark_channels(world.pipeline(), world.accounts())
    assert world.held[TARGET_AWAY].marked(TAG) == {"ami-3"}
