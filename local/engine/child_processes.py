"""Child processes of a plugin, none of which may outlive it."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import IO

GRACE_SECONDS = 5.0
"""Time between asking a child to end and ending it, as the engine grants its own plugins."""


class ChildProcesses:
    """Starts processes, and ends those that still run when their work is cancelled."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def start(
        self, command: Sequence[str], directory: str, environment: Mapping[str, str], *, capture: bool = False
    ) -> Generator[subprocess.Popen[bytes]]:
        """Run a command for the time of the `with` block; leaving the block ends it.

        With `capture` its output comes through pipes, else it shares this process's. Raises `OSError` where the
        command cannot be started.
        """
        pipe = subprocess.PIPE if capture else None
        with self._lock:
            if self._closed:
                raise OSError("the language host is shutting down")
            process = subprocess.Popen(
                command, cwd=directory, env=dict(environment), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
            self._running.add(process)
        try:
            yield process
        finally:
            end(process)
            with self._lock:
                self._running.discard(process)

    def end_all(self) -> None:
        """End every process that still runs, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it after `GRACE_SECONDS`; a process that has ended already is left alone."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def output(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a captured process writes, line by line, as (`stdout` or `stderr`, line), until it closes both."""
    lines: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()

    def forward(name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                lines.put((name, line))
        lines.put(None)

    streams = {"stdout": process.stdout, "stderr": process.stderr}
    open_streams = 0
    for name, stream in streams.items():
        if stream is not None:
            open_streams += 1
            threading.Thread(target=forward, args=(name, stream), daemon=True).start()
    while open_streams:
        entry = lines.get()
        if entry is None:
            open_streams -= 1
        else:
            yield entry
