"""A product's start function on the local cloud under any schedule of uploads, deliveries, crashes and builds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from runtime.functions.aws_errors import code_of
from runtime.functions.build_lock import FUNCTION_TIMEOUT, BuildLock, LockHeldError
from runtime.functions.build_state import StateStore
from runtime.functions.dependencies import Dependencies
from runtime.functions.pinning import PinnedBuild
from runtime.functions.pipeline_runs import PipelineRuns
from runtime.functions.reconciliation import Reconciliation
from runtime.functions.reports import Topic
from runtime.functions.script_checks import ScriptChecks
from runtime.functions.uploads import UploadReader
from tests.local.cloud.served_cloud import HUB
from tests.runtime.served.invocations import THROTTLING, Ended, Fate, Invocation, Invocations
from tests.runtime.served.product import ENTRY_SCRIPT, NAMES, ServedProduct

WAITING = "waiting for the lock"

ATTEMPTS = 3
"""Deliveries of an asynchronous event before it goes to the dead-letter queue."""

WAIT = 20.0
"""Seconds that pass while a function waits for the lock: more than it would wait, so that ends are met often."""

PERIOD = 900.0
"""Seconds between two looks of the rule that makes up for lost events."""

STOPS = 26
"""Stops of an invocation that starts a product's first build, of one file: two for each call."""

UPLOADS = 3
"""Uploads and deletions of a schedule: a build takes about a second here."""

FILES = (ENTRY_SCRIPT, "app.conf")

TELLING = "sha256sum ../manifest.json *"
"""What each script does, so that the build's log tells what the instance held."""

FAILURE = b"exit 3"


@dataclass(frozen=True)
class Upload:
    """A version that the team uploaded."""

    path: str
    content: bytes

    @property
    def refused(self) -> bool:
        """Whether the checks refuse it: a script has to be text, and no file may be empty."""
        return not self.content or (self.path == ENTRY_SCRIPT and b"\0" in self.content)

    @property
    def failing(self) -> bool:
        """Whether its build fails."""
        return self.path == ENTRY_SCRIPT and FAILURE in self.content


@dataclass
class ServedSchedule:
    """One schedule of the product; `seed` decides everything but how long the cloud takes."""

    product: ServedProduct
    seed: int
    now: float = 0.0
    events: list[int] = field(default_factory=list)
    """Deliveries that are due, by which attempt each is."""
    uploads: dict[str, Upload] = field(default_factory=dict)
    """All uploads by their version id."""
    unexpected: list[BaseException] = field(default_factory=list)
    """Errors of the function that nothing in the schedule explains."""
    counts: Counter[str] = field(default_factory=Counter)
    invocations: Invocations = field(default_factory=Invocations)

    def __post_init__(self) -> None:
        self.choices = random.Random(self.seed)
        self.clients = self.product.function_clients("s3", "imagebuilder", "sns")
        for client in self.clients.values():
            self.invocations.watch(client)

    def run(self, steps: int) -> None:
        """Let anything happen for a while, then only what AWS does by itself until nothing changes any more."""
        self.product.clean()
        self._build_first()
        for _ in range(steps):
            self._anything()
        self._settle()

    def _build_first(self) -> None:
        """An upload whose event comes twice at once; the seeds end its function before and after each of its calls."""
        self._upload()
        self._invoke(self.events.pop(), (self.seed % STOPS, list(Fate)[self.seed % len(Fate)]))
        (first,) = self.invocations.running
        self._invoke(1, None)
        while first.at is not None and first.met is None:
            self._go_on()

    def _anything(self) -> None:
        weighted: list[tuple[Callable[[], None], int]] = [
            (self._go_on, 12),
            (self._deliver, 6),
            (self._upload, 3),
            (self._repeat_event, 2),
            (self._lose_event, 1),
            (self._pass_time, 1),
            (self._hear_of_build, 1),
        ]
        actions, weights = zip(*weighted, strict=True)
        self.choices.choices(actions, weights)[0]()

    def _upload(self) -> None:
        if self.counts["uploads"] == UPLOADS:
            return
        if self.uploads:
            # The first build is to be overtaken by another version of the entry script.
            path = self.choices.choice(FILES) if len(self.uploads) > 1 else ENTRY_SCRIPT
            kind = self.choices.choices(("plain", "failing", "empty", "binary", "deleted"), (6, 4, 1, 1, 1))[0]
        else:
            path, kind = ENTRY_SCRIPT, self.choices.choice(("plain", "failing"))
        text = f"# {self.counts['uploads']}\n{TELLING}\n".encode()
        if kind == "deleted":
            self.product.delete(path)
        else:
            content = {"failing": text + FAILURE, "empty": b"", "binary": text + b"\0"}.get(kind, text)
            self.uploads[self.product.upload(path, content)] = Upload(path, content)
        self.counts["uploads"] += 1
        self.events.append(1)

    def _deliver(self) -> None:
        if self.events:
            fate = None
            if self.choices.random() < 0.5:
                fate = self.choices.randrange(STOPS), self.choices.choice(list(Fate))
            self._invoke(self.events.pop(self.choices.randrange(len(self.events))), fate)

    def _repeat_event(self) -> None:
        if self.events:
            self.events.append(self.choices.choice(self.events))
            self.counts["repeated events"] += 1

    def _lose_event(self) -> None:
        if self.events:
            self.events.pop(self.choices.randrange(len(self.events)))
            self.counts["lost events"] += 1

    def _pass_time(self) -> None:
        self.now += FUNCTION_TIMEOUT / 2

    def _hear_of_build(self) -> None:
        if self.product.hear_of_end():
            self.counts["builds"] += 1
            self.events.append(1)

    def _go_on(self) -> None:
        """One invocation, or all of them together, for some of its stops."""
        together = self.choices.random() < 0.5
        chosen = self.choices.choice(self.invocations.running) if self.invocations.running else None
        for _ in range(self.choices.randrange(1, 9)):
            self._end_in_time()
            going = [one for one in self.invocations.running if together or one is chosen]
            # Who waits for the lock mostly asks in vain, and each time asks twice.
            if any(one.at != WAITING for one in going) and self.choices.random() < 0.9:
                going = [one for one in going if one.at != WAITING]
            if len(going) > 1:
                self.counts["at once"] += 1
            if any(one.at == WAITING for one in going):
                self.now += WAIT
            self._over(self.invocations.go_on(going))

    def _end_in_time(self) -> None:
        late = [one for one in self.invocations.running if self.now - one.began >= FUNCTION_TIMEOUT]
        for invocation in late:
            self.counts["timed out"] += 1
            invocation.dead = True
        self._over(self.invocations.go_on(late))

    def _over(self, invocations: list[Invocation]) -> None:
        for invocation in invocations:
            if invocation.met:
                self.counts[invocation.met] += 1
            if invocation.error is None:
                continue
            if not _is_explained(invocation):
                self.unexpected.append(invocation.error)
            if invocation.attempt < ATTEMPTS:
                self.events.append(invocation.attempt + 1)

    def _invoke(self, attempt: int, fate: tuple[int, Fate] | None) -> None:
        self.counts["invocations"] += 1
        invocation = Invocation(self.counts["invocations"], attempt, self.now, fate)
        self.invocations.begin(invocation, self._reconciliation(invocation).reconcile)

    def _reconciliation(self, invocation: Invocation) -> Reconciliation:
        place, key = (self.clients["s3"], NAMES.bucket, HUB), self.product.data_key
        lock = BuildLock(
            *place,
            key,
            f"{invocation.number}",
            lambda: self.now,
            lambda _seconds: self.invocations.stop(WAITING),
            lambda: invocation.began + FUNCTION_TIMEOUT - self.now,
        )
        return Reconciliation(
            NAMES.product,
            ENTRY_SCRIPT,
            lock.held,
            StateStore(*place, key),
            UploadReader(*place),
            ScriptChecks(ENTRY_SCRIPT, "linux"),
            PinnedBuild(*place, key),
            PipelineRuns(self.clients["imagebuilder"], NAMES.pipeline_arn, NAMES.product),
            Topic(NAMES.topic_arn, NAMES.product, self.clients["sns"]),
            lambda: self.now,
            Dependencies((), cast(Any, None), cast(Any, None)),
        )

    def _settle(self) -> None:
        """Everything under way ends; then the rule that wakes the function now and then finds nothing more to do."""
        while True:
            self._finish()
            images = len(self.product.images())
            self.now += PERIOD
            self._invoke(1, None)
            self._finish()
            if len(self.product.images()) == images:
                return

    def _finish(self) -> None:
        while self.invocations.running or self.events or self.product.unheard():
            if self.invocations.running:
                self._go_on()
            elif self.events:
                self._invoke(self.events.pop(), None)
            else:
                self._hear_of_build()


def _is_explained(invocation: Invocation) -> bool:
    """Whether what an invocation ended with was put there by its schedule, or is a lock that stayed held."""
    if isinstance(invocation.error, ClientError):
        return invocation.met is Fate.THROTTLED and code_of(invocation.error) == THROTTLING
    return isinstance(invocation.error, Ended | LockHeldError)
