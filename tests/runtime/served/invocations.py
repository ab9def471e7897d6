"""Runs of the start function in threads that stop before and after each AWS call, until they are told to go on.

Who goes on alone goes on deterministically; those who go on together have their calls answered at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

THROTTLING = "ThrottlingException"

ANSWER = 60
"""Seconds in which the local cloud has answered any call."""


class Fate(StrEnum):
    """What happens to an invocation at one of its stops."""

    KILLED = "killed"
    """Lambda ends its process: no `finally` clause reaches AWS any more."""
    CRASHED = "crashed"
    """It is ended by something that is no error; its `finally` clauses still reach AWS."""
    THROTTLED = "throttled"
    """AWS answers an error; after a call that had its effect, this stands for an answer that was lost."""


class Ended(BaseException):
    """An invocation that is over at a call; no part of the function may catch it."""


@dataclass
class Invocation:
    """One run for one event, by the time `began` in seconds; `fate` happens at the stop of a number, from 0 on."""

    number: int
    attempt: int
    began: float
    fate: tuple[int, Fate] | None = None
    stops: int = 0
    at: str | None = None
    """Where it stands; None once it is over."""
    dead: bool = False
    error: BaseException | None = None
    go: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def met(self) -> Fate | None:
        """Its fate, once it has happened."""
        return self.fate[1] if self.fate and self.fate[0] < self.stops else None

    def stop(self, place: str) -> None:
        """Wait until this invocation may go on from a place; called by its own thread."""
        self.at = place
        self.arrived.set()
        self.go.wait()
        self.go.clear()
        if self.dead:
            raise Ended
        number, self.stops = self.stops, self.stops + 1
        if self.fate and self.fate[0] == number:
            self._meet(self.fate[1])

    def _meet(self, fate: Fate) -> None:
        if fate is Fate.THROTTLED:
            raise ClientError({"Error": {"Code": THROTTLING, "Message": "Rate exceeded"}}, "operation")
        self.dead = fate is Fate.KILLED
        raise Ended

    def finish(self, error: BaseException | None) -> None:
        """Say that this invocation is over; called by its own thread."""
        self.at, self.error = None, error
        self.arrived.set()


class Invocations:
    """Those that are under way, and the stops of their clients."""

    def __init__(self) -> None:
        self.running: list[Invocation] = []
        self._here = threading.local()

    def watch(self, client: Any) -> None:
        """Make whoever uses a client stop before and after each of its calls."""
        for moment in ("before-call", "after-call"):
            client.meta.events.register(moment, self._stopping(moment))

    def _stopping(self, moment: str) -> Callable[..., None]:
        def stop(model: Any, **_more: Any) -> None:
            self.stop(f"{moment} {model.name}")

        return stop

    def stop(self, place: str) -> None:
        """Stop the invocation whose thread this is."""
        invocation: Invocation = self._here.invocation
        invocation.stop(place)

    def begin(self, invocation: Invocation, work: Callable[[], object]) -> None:
        """Start an invocation, up to its first stop."""

        def run() -> None:
            self._here.invocation = invocation
            try:
                work()
            except BaseException as error:
                invocation.finish(error)
            else:
                invocation.finish(None)

        self.running.append(invocation)
        threading.Thread(target=run, name=f"invocation {invocation.number}", daemon=True).start()
        self._await([invocation])

    def go_on(self, invocations: Sequence[Invocation]) -> list[Invocation]:
        """Let invocations go on together, each up to its next stop; returns those that are over now."""
        for invocation in invocations:
            invocation.arrived.clear()
        for invocation in invocations:
            invocation.go.set()
        self._await(invocations)
        over = [invocation for invocation in invocations if invocation.at is None]
        self.running = [invocation for invocation in self.running if invocation not in over]
        return over

    @staticmethod
    def _await(invocations: Sequence[Invocation]) -> None:
        for invocation in invocations:
            assert invocation.arrived.wait(ANSWER), f"no answer to {invocation.at}"
