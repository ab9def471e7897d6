"""One decision per event: whether the newest uploads are to be built now.

An event only says that something changed. What to do follows from what is there: the newest versions in the bucket,
the pipeline's runs, and the last verdict. So a repeated, late, lost or reordered event changes nothing, and whatever
comes next (an upload, or a run that ends) makes up for a lost one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from model.manifest import Manifest, PinnedFile
from runtime.functions.build_state import BuildState, Run
from runtime.functions.pipeline_runs import SETTLING, Image, PipelineBusyError, PipelineRuns
from runtime.functions.reports import Topic, UploadStatus, reason
from runtime.functions.uploads import UploadReader, Uploads

if TYPE_CHECKING:
    from runtime.functions.build_state import StateStore
    from runtime.functions.dependencies import Dependencies
    from runtime.functions.findings import Finding
    from runtime.functions.pinning import PinnedBuild

RUNNING = "a build of this product runs; the newest uploads are built after it"


UP_TO_DATE = "the last build was made from the newest base image, components and recipe"

UNFINISHED = frozenset({"FAILED", "CANCELLED"})
"""States of an image that brought nobody the updates it was built for."""

REQUESTS = 20
"""Builds by hand that are remembered: a client repeats a call within seconds, or not at all."""


class Outcome(StrEnum):
    """What an event or a request came to."""

    STARTED = "started"
    RUNNING = "running"
    NOTHING_TO_BUILD = "nothing-to-build"
    REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """Answer of the start function; `reason` says why where nothing was started."""

    outcome: Outcome
    image_build_version_arn: str | None = None
    manifest_sha256: str | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """The answer as the function returns it."""
        return {
            "outcome": self.outcome.value,
            "imageBuildVersionArn": self.image_build_version_arn,
            "manifestSha256": self.manifest_sha256,
            "reason": self.reason,
        }


class Checks(Protocol):
    """What is looked for in uploads before they are built."""

    @property
    def content_maximum(self) -> int:
        """Bytes of a file that are looked at."""
        ...

    def listing(self, sizes: Mapping[str, int]) -> list[Finding]:
        """What names and sizes (bytes by path) tell."""
        ...

    def content(self, path: str, content: bytes) -> list[Finding]:
        """What a file's first bytes tell."""
        ...


@dataclass(frozen=True)
class Reconciliation:
    """Brings one product's image up to its newest uploads; everything happens under the product's lock."""

    product: str
    entry_script: str
    lock: Callable[[], AbstractContextManager[None]]
    states: StateStore
    reader: UploadReader
    checks: Checks
    pinned: PinnedBuild
    runs: PipelineRuns
    topic: Topic
    clock: Callable[[], float]
    dependencies: Dependencies

    def reconcile(self, request: str | None = None) -> Result:
        """Build the newest uploads where they are unbuilt and nothing runs.

        `request` identifies a build that somebody asks for by hand: it is made even where the same versions were
        built before, once per identifier. Raises `LockHeldError` where another function was at it for too long.
        """
        with self.lock():
            state = self.states.read()
            images = self.runs.images()
            state, image = self._run_under_way(state, images)
            if image:
                return Result(Outcome.RUNNING, image.arn, image.manifest_sha256, RUNNING)
            if request is not None and request in state.requests:
                run = state.run if state.run and state.run.request == request else None
                known = f"the request {request} was answered before"
                return Result(Outcome.NOTHING_TO_BUILD, run.image if run else None, reason=known)
            return self._consider(state, images, request)

    def occur(self, occurrence: str, only_updates: bool) -> Result:
        """Build for an occurrence of the schedule, even where the same versions were built before.

        `occurrence` is the time in UTC that the schedule says (`2026-11-28T10:00:00Z`): one that is not after the
        last one that was built for is a repetition, or came too late. With `only_updates`, what the last build was
        made from must be outdated, or that build have failed. Raises `LockHeldError` as `reconcile` does.
        """
        with self.lock():
            state = self.states.read()
            images = self.runs.images()
            state, image = self._run_under_way(state, images)
            if image:
                return Result(Outcome.RUNNING, image.arn, image.manifest_sha256, RUNNING)
            if state.occurrence is not None and occurrence <= state.occurrence:
                return Result(Outcome.NOTHING_TO_BUILD, reason=f"built for {state.occurrence} already")
            newest: Mapping[str, str] | None = None
            if only_updates:
                newest = self._updates(state, images)
                if newest is None:
                    result = self._consider(state, images, None)
                    return replace(result, reason=UP_TO_DATE) if result.outcome is Outcome.NOTHING_TO_BUILD else result
            return self._consider(replace(state, occurrence=occurrence), images, occurrence, newest)

    def retry(self) -> Result:
        """Repeat the last run's distribution where it failed: what is there stays, nothing is built again."""
        with self.lock():
            state, image = self._run_under_way(self.states.read(), self.runs.images())
            if image:
                return Result(Outcome.RUNNING, image.arn, image.manifest_sha256, RUNNING)
            run = state.run
            if run is None or run.image is None or self.runs.status_of(run.image) != "FAILED":
                return Result(Outcome.NOTHING_TO_BUILD, reason="the last build of this product did not fail")
            self.runs.retry(run.image)
            return Result(Outcome.STARTED, run.image, run.manifest_sha256)

    def _run_under_way(self, state: BuildState, images: Sequence[Image]) -> tuple[BuildState, Image | None]:
        """The run that is not over; one that a killed function was about to ask for is asked for first."""
        running = next((image for image in images if not image.ended), None)
        run = state.run
        if run is not None and run.image is None:
            made = next((image for image in images if image.token == run.token), None)
            state, arn = self._asked_for(state, run, made.arn if made else None)
            if made is None:
                return state, running or Image(arn or "", "PENDING", run.manifest_sha256)
        if running or run is None or run.image is None:
            return state, running
        status = self.runs.status_of(run.image)
        settling = status is None and self.clock() - run.began < SETTLING
        listed = Image(run.image, status or "PENDING", run.manifest_sha256)
        return state, listed if settling or (status is not None and not listed.ended) else None

    def _updates(self, state: BuildState, images: Sequence[Image]) -> Mapping[str, str] | None:
        """What a build now would be made from; None where the last one brought an image made from just that."""
        newest = self.dependencies.newest()
        if state.run is None:
            return newest
        last = next((image.status for image in images if image.arn == state.run.image), None)
        return newest if last in UNFINISHED or state.run.built_from != newest else None

    def _consider(
        self,
        state: BuildState,
        images: Sequence[Image],
        request: str | None,
        newest: Mapping[str, str] | None = None,
    ) -> Result:
        """Build the newest uploads, or tell why not; `newest` is what was looked up already of what they build on."""
        uploads = self.reader.uploads()
        findings = self.checks.listing(uploads.sizes)
        considered = uploads.last
        if refusing := _refusing(findings):
            return self._refuse(replace(state, considered=considered), state, uploads, refusing)
        files, clean, found = self._files(uploads, state)
        findings += found
        if refusing := _refusing(findings):
            return self._refuse(replace(state, considered=considered, clean=clean), state, uploads, refusing)
        manifest = Manifest(self.product, self.entry_script, files)
        verdict = replace(state, considered=considered, clean=clean, refused=None)
        overtaken = uploads.overtaken_since(state.considered)
        if overtaken:
            # Told before the state forgets them: a function that is killed here tells them twice rather than never.
            self.topic.superseded(overtaken)
        known = self._built(manifest, state, images)
        if known and request is None:
            if overtaken:
                self.states.write(verdict)
            return known
        if findings:
            self.topic.findings(UploadStatus.WARNING, manifest.sha256, findings)
        return self._build(manifest, verdict, request, newest)

    @staticmethod
    def _built(manifest: Manifest, state: BuildState, images: Sequence[Image]) -> Result | None:
        """The answer where these very versions were built, or asked for, before."""
        image = next((image for image in images if image.manifest_sha256 == manifest.sha256), None)
        asked = state.run if state.run and state.run.manifest_sha256 == manifest.sha256 else None
        if not image and not asked:
            return None
        reason = f"these versions were built before ({image.status if image else 'asked for'})"
        arn = image.arn if image else asked.image if asked else None
        return Result(Outcome.NOTHING_TO_BUILD, arn, manifest.sha256, reason)

    def _build(
        self, manifest: Manifest, verdict: BuildState, request: str | None, newest: Mapping[str, str] | None
    ) -> Result:
        self.pinned.write(manifest)
        token, requests = manifest.sha256, verdict.requests
        if request is not None:
            token = hashlib.sha256(f"{manifest.sha256} {request}".encode()).hexdigest()
        if request is not None and request != verdict.occurrence:
            requests = (*requests, request)[-REQUESTS:]
        # Looked up once: a base image that moves there and back meanwhile must not look like an update.
        built_from = self.dependencies.newest() if newest is None else newest
        run = Run(
            manifest.sha256, manifest.entry_version_id, token, self.clock(), request=request, built_from=built_from
        )
        state = replace(verdict, run=run, requests=requests)
        # Written down first: whoever comes after a function that is killed here asks for the very same run.
        self.states.write(state)
        _, arn = self._asked_for(state, run)
        if arn is None:
            return Result(Outcome.RUNNING, None, manifest.sha256, RUNNING)
        return Result(Outcome.STARTED, arn, manifest.sha256)

    def _asked_for(self, state: BuildState, run: Run, known: str | None = None) -> tuple[BuildState, str | None]:
        """Ask for a run that is written down already, and write down its image."""
        try:
            arn = known or self.runs.start(run)
        except PipelineBusyError:
            return state, None
        # From when it was asked for, not from when a killed function meant to.
        state = state.with_run(replace(run, image=arn, began=self.clock()))
        self.states.write(state)
        return state, arn

    def _files(
        self, uploads: Uploads, state: BuildState
    ) -> tuple[tuple[PinnedFile, ...], tuple[PinnedFile, ...], list[Finding]]:
        """All files with their digests, those in which nothing was found, and what was found in the others."""
        known = {(file.path, file.version_id): file for file in state.clean}
        files: list[PinnedFile] = []
        clean: list[PinnedFile] = []
        findings: list[Finding] = []
        for upload in uploads.newest:
            file = known.get((upload.path, upload.version_id))
            found: list[Finding] = []
            if file is None:
                file, content = self.reader.read(upload, self.checks.content_maximum)
                found = self.checks.content(upload.path, content)
            files.append(file)
            findings += found
            if not found:
                clean.append(file)
        return tuple(files), tuple(clean), findings

    def _refuse(self, verdict: BuildState, before: BuildState, uploads: Uploads, findings: Sequence[Finding]) -> Result:
        digest = hashlib.sha256(repr(sorted(verdict.considered.items())).encode()).hexdigest()
        if before.refused != digest:
            if overtaken := uploads.overtaken_since(before.considered):
                self.topic.superseded(overtaken)
            self.topic.findings(UploadStatus.REFUSED, digest, findings)
            self.states.write(replace(verdict, refused=digest))
        return Result(Outcome.REFUSED, reason="; ".join(reason(finding) for finding in findings))


def _refusing(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.refuses]
