"""Runs a product's start function under any schedule of uploads, deliveries, crashes and builds, without threads.

Each invocation is a greenlet that gives way before and after every AWS call; a list of numbers decides who goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError
from greenlet import getcurrent, greenlet

from model.manifest import Manifest
from model.names import STATE_KEY
from runtime.functions.build_lock import FUNCTION_TIMEOUT, BuildLock, LockHeldError
from runtime.functions.build_state import BuildState, Run, StateStore
from runtime.functions.dependencies import Dependencies
from runtime.functions.findings import Finding
from runtime.functions.pinning import PinnedBuild
from runtime.functions.pipeline_runs import PipelineRuns
from runtime.functions.reconciliation import Reconciliation
from runtime.functions.reports import Topic
from runtime.functions.uploads import UploadReader
from tests.runtime.fakes import FakeBucket, FakeImageBuilder, FakeParameters, FakeTopic, refusal, sha256

ATTEMPTS = 3
"""Deliveries of an asynchronous event before it goes to the dead-letter queue."""

WAIT = 20.0
"""Seconds that pass while a function waits for the lock: more than it would wait, so that ends are met often."""

STEPS = 60
"""Calls in which an invocation that nobody keeps waiting comes to its end."""

FORBIDDEN = b"forbidden"
"""What the schedules' check refuses."""


@dataclass(frozen=True)
class Occurrence:
    """A time of the product's schedule, and whether it builds only where something newer is there."""

    time: str
    only_updates: bool


Asked = str | Occurrence | None
"""What an event asks for: a build by hand, one by the schedule, or nothing but a look."""


class Killed(BaseException):
    """A call of an invocation that Lambda has killed: it has no effect."""


class ForbiddenWords:
    """A check that refuses files by their content alone."""

    content_maximum = 100

    def listing(self, sizes: Mapping[str, int]) -> list[Finding]:
        if "install.sh" in sizes:
            return []
        return [Finding("install.sh", None, "entry-script", "missing", True)]

    def content(self, path: str, content: bytes) -> list[Finding]:
        return [Finding(path, 1, "forbidden", "refused", True)] if FORBIDDEN in content else []


@dataclass
class Invocation:
    """One run of the function for an event."""

    number: int
    attempt: int
    began: float
    asked: Asked = None
    flow: Any = None
    dead: bool = False
    fail_next: bool = False


@dataclass
class Schedule:
    """The world of one schedule; `choices` is read number by number, and ends in zeros."""

    choices: Sequence[int]
    scheduled: bool = False
    """Whether the product's schedule comes often, in a world where most invocations come to their end."""
    bucket: FakeBucket = field(default_factory=FakeBucket)
    image_builder: FakeImageBuilder = field(default_factory=lambda: FakeImageBuilder(settles_at_once=False))
    topic: FakeTopic = field(default_factory=FakeTopic)
    parameters: FakeParameters = field(default_factory=FakeParameters)
    now: float = 0.0
    read: int = 0
    events: list[tuple[int, Asked]] = field(default_factory=list)
    """Deliveries that are due: which attempt each is, and what it asks for."""
    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    """Times of the schedule that have come, in order."""
    invocations: list[Invocation] = field(default_factory=list)
    killed: list[Invocation] = field(default_factory=list)
    dead_letters: int = 0
    uploads: list[tuple[str, str]] = field(default_factory=list)
    installed: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """What each image's instance read: the manifest's digest, and whether all bytes fitted it."""
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for fake in (self.bucket, self.image_builder, self.topic, self.parameters):
            fake.step = self._give_way

    def choose(self, below: int) -> int:
        """The next decision."""
        value = self.choices[self.read] if self.read < len(self.choices) else 0
        self.read += 1
        return value % below

    def run(self, steps: int) -> None:
        """Let anything happen for a while, then only what AWS does by itself until nothing changes any more."""
        if self.scheduled:
            self.uploads.append(("install.sh", self.bucket.upload("scripts/install.sh", b"first")))
        for _ in range(steps):
            self._anything()
        self._settle()

    def _anything(self) -> None:
        # What an invocation does next is as likely as all else together: its calls are where things cross.
        actions = [*[self._go_on] * 40, *[self._upload] * 3, *[self._deliver] * 3, *[self._end] * 2, self._install]
        actions += [
            self._pass_time,
            self._settle_image,
            self._repeat_event,
            self._lose_event,
            self._by_hand,
            self._occur,
            self._move_base,
            self._kill,
            self._fail,
        ]
        if self.scheduled:
            come = [self._occur, self._repeat_event, self._deliver, self._move_base]
            actions = [*actions[30:], *come * 4, *[self._end] * 6, *[self._come_to_its_end] * 20]
        actions[self.choose(len(actions))]()

    def _upload(self) -> None:
        path = ("install.sh", "app.conf")[self.choose(2)]
        kind = self.choose(6)
        if kind == 5 and f"scripts/{path}" in self.bucket.newest():
            self.bucket.upload(f"scripts/{path}", b"", deleted=True)
        else:
            content = f"{len(self.uploads)}".encode() + (FORBIDDEN if kind == 4 else b"")
            self.uploads.append((path, self.bucket.upload(f"scripts/{path}", content)))
        self.events.append((1, None))

    def _deliver(self) -> None:
        if self.events:
            attempt, asked = self.events.pop(self.choose(len(self.events)))
            self._invoke(attempt, asked)

    def _repeat_event(self) -> None:
        if self.events:
            self.events.append(self.events[self.choose(len(self.events))])
            self.counts["repeated events"] += 1

    def _lose_event(self) -> None:
        if self.events:
            self.events.pop(self.choose(len(self.events)))
            self.counts["lost events"] += 1

    def _by_hand(self) -> None:
        if self.choose(4) == 0:
            self.events.append((1, f"request-{self.choose(2)}"))

    def _occur(self) -> None:
        """The schedule's next time comes; its event may be repeated, lost and overtaken like any other."""
        occurrence = Occurrence(f"2026-11-{len(self.occurrences) + 1:03}T10:00:00Z", bool(self.choose(2)))
        self.occurrences[occurrence.time] = occurrence
        self.events.append((1, occurrence))
        self.counts["occurrences"] += 1

    def _move_base(self) -> None:
        self.parameters.value = f"ami-{self.choose(3)}"

    def _kill(self) -> None:
        if self.invocations:
            invocation = self.invocations[self.choose(len(self.invocations))]
            self.counts["killed"] += 1
            self._die(invocation)

    def _fail(self) -> None:
        if self.invocations:
            self.invocations[self.choose(len(self.invocations))].fail_next = True
            self.counts["failed calls"] += 1

    def _die(self, invocation: Invocation) -> None:
        invocation.dead = True
        self.invocations.remove(invocation)
        # Kept, so that its `finally` clauses do not run before the world is over.
        self.killed.append(invocation)
        self._again(invocation)

    def _end(self) -> None:
        running = self.image_builder.running
        if running:
            self._install()
            self.image_builder.end(("AVAILABLE", "FAILED")[self.choose(2)])
            self.events.append((1, None))

    def _install(self) -> None:
        """The build instance reads the pinned place; once per image."""
        running = self.image_builder.running
        if running and running["arn"] not in self.installed:
            place = "builds/current/"
            files = {key.removeprefix(place): version.body for key, version in self.bucket.newest(place).items()}
            manifest = Manifest.from_json(files["manifest.json"].decode())
            expected = {f"files/{file.path}": file.sha256 for file in manifest.files}
            found = {path: sha256(body) for path, body in files.items() if path.startswith("files/")}
            self.installed[running["arn"]] = (manifest.sha256, found == expected)

    def _settle_image(self) -> None:
        self.image_builder.settle()

    def _pass_time(self) -> None:
        """Longer than any function runs, and than Image Builder remembers a token or takes to show an image."""
        self.now += 3600
        self.image_builder.settle()
        self.image_builder.forget_tokens()

    def _go_on(self) -> None:
        if not self.invocations:
            self._deliver()
            return
        self._time_out()
        if self.invocations:
            self.invocations[self.choose(len(self.invocations))].flow.switch()

    def _time_out(self) -> None:
        for invocation in [one for one in self.invocations if self.now - one.began >= FUNCTION_TIMEOUT]:
            self.counts["timed out"] += 1
            self._die(invocation)

    def _come_to_its_end(self) -> None:
        """One invocation goes on as if it were alone, for as long as it is not stopped."""
        if self.invocations:
            invocation = self.invocations[self.choose(len(self.invocations))]
            for _ in range(STEPS):
                self._time_out()
                if invocation in self.invocations:
                    invocation.flow.switch()

    def _invoke(self, attempt: int, asked: Asked) -> None:
        self.counts["invocations"] += 1
        invocation = Invocation(self.counts["invocations"], attempt, self.now, asked)
        invocation.flow = greenlet(lambda: self._function(invocation))
        self.invocations.append(invocation)
        if len(self.invocations) > 1:
            self.counts["at once"] += 1
        invocation.flow.switch()

    def _function(self, invocation: Invocation) -> None:
        try:
            work, asked = self._reconciliation(invocation), invocation.asked
            if isinstance(asked, Occurrence):
                work.occur(asked.time, asked.only_updates)
            else:
                work.reconcile(asked)
        except (ClientError, LockHeldError):
            self._again(invocation)
        except Killed:
            return
        if not invocation.dead:
            self.invocations.remove(invocation)

    def _again(self, invocation: Invocation) -> None:
        if invocation.attempt < ATTEMPTS:
            self.events.append((invocation.attempt + 1, invocation.asked))
        else:
            self.dead_letters += 1

    def _give_way(self, call: str) -> None:
        flow = getcurrent()
        invocation = next((one for one in [*self.invocations, *self.killed] if one.flow is flow), None)
        if invocation is None:
            return
        if invocation.dead:
            raise Killed
        cast(Any, flow).parent.switch()
        if invocation.dead:
            raise Killed
        if invocation.fail_next and call.startswith("before"):
            invocation.fail_next = False
            raise refusal("ThrottlingException")

    def _wait(self, invocation: Invocation) -> None:
        self.now += WAIT
        # A list lags by seconds or a minute, not for as long as somebody may wait.
        self.image_builder.settle()
        cast(Any, getcurrent()).parent.switch()
        if invocation.dead:
            raise Killed

    def _reconciliation(self, invocation: Invocation) -> Reconciliation:
        s3, image_builder, sns = cast(Any, self.bucket), cast(Any, self.image_builder), cast(Any, self.topic)
        place = (s3, self.bucket.name, self.bucket.owner)
        lock = BuildLock(
            *place,
            "key",
            f"{invocation.number}",
            lambda: self.now,
            lambda _seconds: self._wait(invocation),
            lambda: invocation.began + FUNCTION_TIMEOUT - self.now,
        )
        return Reconciliation(
            "ledger",
            "install.sh",
            lock.held,
            StateStore(*place, "key"),
            UploadReader(*place),
            ForbiddenWords(),
            PinnedBuild(*place, "key"),
            PipelineRuns(image_builder, "arn:aws:imagebuilder:::image-pipeline/ledger", "ledger"),
            Topic("topic", "ledger", sns),
            lambda: self.now,
            Dependencies(("ssm:/base",), cast(Any, self.parameters), image_builder),
        )

    def _settle(self) -> None:
        """Everything under way ends; then the rule that wakes the function now and then finds nothing more to do."""
        while True:
            while self.invocations or self.events:
                self._go_on()
            images = len(self.image_builder.images)
            self.image_builder.settle()
            self._invoke(1, None)
            while self.invocations:
                self._go_on()
            if self.image_builder.running:
                self._end()
            elif len(self.image_builder.images) == images and not self.events:
                return

    @property
    def newest(self) -> dict[str, str]:
        """Version ids of what lies under the script prefix, by path."""
        found = self.bucket.newest("scripts/")
        return {key.removeprefix("scripts/"): version.version_id for key, version in found.items()}

    @property
    def built(self) -> list[str]:
        """The manifest digest of each image, in order."""
        return [image["tags"]["golden-ami:manifest-sha256"] for image in self.image_builder.images]

    @property
    def runs(self) -> list[Run]:
        """Every run, in order, as the state wrote it down."""
        runs = {state.run.image: state.run for state in self._states() if state.run and state.run.image}
        return [runs[image["arn"]] for image in self.image_builder.images]

    @property
    def asked(self) -> list[tuple[str, str | None]]:
        """Manifest digest and request of every run, in order."""
        return [(run.manifest_sha256, run.request) for run in self.runs]

    def status_of(self, run: Run) -> str:
        """State of the image that a run made."""
        return next(image["state"]["status"] for image in self.image_builder.images if image["arn"] == run.image)

    def refused(self) -> set[str]:
        """Version ids that a refusal was about."""
        refused: set[str] = set()
        before: str | None = None
        for state in self._states():
            if state.refused and state.refused != before:
                refused.update(state.considered.values())
            before = state.refused
        return refused

    def _states(self) -> list[BuildState]:
        return [
            BuildState.from_json(version.body.decode())
            for version in self.bucket.versions
            if version.key == STATE_KEY and not version.deleted
        ]

    def manifests(self) -> dict[str, dict[str, str]]:
        """Version ids by path of every manifest that was ever pinned, by its digest."""
        pinned: dict[str, dict[str, str]] = {}
        for version in self.bucket.versions:
            if version.key == "builds/current/manifest.json":
                manifest = Manifest.from_json(version.body.decode())
                pinned[manifest.sha256] = {file.path: file.version_id for file in manifest.files}
        return pinned

    def told(self, status: str) -> list[dict[str, Any]]:
        """Messages of one kind on the topic."""
        return json.loads(json.dumps(self.topic.with_status(status)))
