"""Previews of several stacks side by side, each with a log of the engine's events."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from local.check.preview_events import Preview, read_events

STOP_SECONDS = 10.0
"""Time that an engine gets to end after it was asked to."""


@dataclass(frozen=True)
class Command:
    """A preview to run: the engine's arguments without the event log, and what the engine runs in."""

    stack: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


@dataclass
class EngineRuns:
    """The engines that run now: whatever ends the check ends them too."""

    logs: Path
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set[subprocess.Popen[bytes]], repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _stopped: bool = False

    def previews(self, commands: Iterable[Command], done: Callable[[Preview], None]) -> dict[str, Preview]:
        """Run previews on all cores; `done` hears of each that ended. Ctrl-C ends them all."""
        found: dict[str, Preview] = {}
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            pending = [pool.submit(self._preview, command) for command in commands]
            try:
                for future in as_completed(pending):
                    preview = future.result()
                    found[preview.stack] = preview
                    done(preview)
            except BaseException:
                for future in pending:
                    future.cancel()
                self.stop()
                raise
        return found

    def stop(self) -> None:
        """End every engine that runs; none is started afterwards."""
        with self._lock:
            self._stopped = True
            running = tuple(self._running)
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _preview(self, command: Command) -> Preview:
        self.logs.mkdir(parents=True, exist_ok=True)
        events = self.logs / f"preview-{command.stack}.events"
        log = self.logs / f"preview-{command.stack}.log"
        events.unlink(missing_ok=True)
        with log.open("wb") as output:
            code = self._run(command, events, output.fileno())
        lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
        preview = read_events(command.stack, lines)
        if code and not preview.explains_itself:
            told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-20:]
            return Preview(command.stack, errors=("\n".join(told) or f"the engine ended with {code}",))
        return preview

    def _run(self, command: Command, events: Path, output: int) -> int:
        with self._lock:
            if self._stopped:
                return 1
            process = subprocess.Popen(
                [*command.arguments, "--event-log", str(events)],
                cwd=command.directory,
                # `--event-log` is one of the engine's options for tools, and hidden without this.
                env={**command.environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the engine by `stop` alone, once.
                process_group=0,
            )
            self._running.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)
