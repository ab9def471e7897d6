"""The local cloud as a process of its own that outlives the command which started it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from local.environment import PORT_VARIABLE, REPOSITORY, endpoint
from local.progress import Report

READY_SECONDS = 60.0
"""Time in which the cloud has to answer; it takes about 5 s on an idle machine."""

STOP_SECONDS = 10.0
"""Time between asking the cloud to end and ending it."""

HEALTH_PATH = "/_ministack/health"
ADDRESS = "127.0.0.1"


class CloudError(Exception):
    """The local cloud cannot be started or is not there; the message tells what to do."""


@dataclass(frozen=True)
class Record:
    """What is written down about a running cloud. `started` tells it from a later process with the same id.

    `run` is new with each start: the cloud keeps its accounts in memory, so another run knows nothing of this one's.
    """

    pid: int
    started: int
    port: int
    run: str


@dataclass(frozen=True)
class CloudProcess:
    """The cloud that belongs to one folder."""

    directory: Path
    port: int
    command: Sequence[str] = (sys.executable, "-m", "local.cloud.server")

    @property
    def log(self) -> Path:
        """Where the cloud writes."""
        return self.directory / "cloud.log"

    def running(self) -> Record | None:
        """The record of this folder's cloud if that very process still runs."""
        try:
            record = Record(**json.loads(self._record.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return record if start_time(record.pid) == record.started else None

    def start(self, report: Report) -> Record:
        """Start the cloud unless it runs, and wait until it answers. Raises `CloudError`."""
        record = self.running()
        if record is not None:
            if record.port != self.port:
                raise CloudError(f"the local cloud runs on port {record.port} already; `make down` stops it")
            return record
        if port_in_use(self.port):
            raise CloudError(
                f"port {self.port} is in use by another program; stop that, or choose another port: "
                f"make up {PORT_VARIABLE}={self.port + 1}"
            )
        # The functions' workers leave their code there; what an earlier run left serves nobody.
        scratch = self.directory / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with report.task(f"Start the local cloud on {endpoint(self.port)}"), self.log.open("wb") as log:
            process = subprocess.Popen(
                [*self.command, "--port", str(self.port), "--directory", str(self.directory)],
                cwd=REPOSITORY,
                env={**os.environ, "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal is for the command, the cloud stays until `make down`.
                start_new_session=True,
            )
            try:
                self._wait_until_ready(process)
                started = start_time(process.pid)
                if started is None:
                    raise CloudError(f"the local cloud ended right after its start; its log: {self.log}")
            except BaseException:
                _end_session(process.pid, process)
                raise
        record = Record(process.pid, started, self.port, uuid.uuid4().hex)
        self._record.write_text(json.dumps(asdict(record)), encoding="utf-8")
        return record

    def stop(self) -> bool:
        """End this folder's cloud with all its workers; False where none ran."""
        record = self.running()
        if record is None:
            self._record.unlink(missing_ok=True)
            return False
        try:
            handle = os.pidfd_open(record.pid)
        except ProcessLookupError:
            return False
        try:
            # Checked again with the handle held: from here on the id cannot pass to another process unnoticed.
            if start_time(record.pid) == record.started:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                if not _ended(handle, STOP_SECONDS):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    _ended(handle, STOP_SECONDS)
                _end_session(record.pid)
        finally:
            os.close(handle)
        self._record.unlink(missing_ok=True)
        return True

    @property
    def _record(self) -> Path:
        return self.directory / "process.json"

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not healthy(self.port):
            with suppress(subprocess.TimeoutExpired):
                # The wait between two questions ends at once when the process does.
                code = process.wait(0.1)
                last = self._last_line()
                raise CloudError(f"the local cloud ended with exit code {code}: {last}; its log: {self.log}")
            if time.monotonic() > deadline:
                raise CloudError(f"the local cloud does not answer after {READY_SECONDS:.0f} s; its log: {self.log}")

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where it is gone (proc(5), `/proc/pid/stat`)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state == "Z" else int(started)


def port_in_use(port: int) -> bool:
    """Whether something listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return True
    return False


def healthy(port: int) -> bool:
    """Whether a local cloud answers on a port."""
    # Never through a proxy of the environment.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{endpoint(port)}{HEALTH_PATH}", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


def _ended(handle: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _end_session(leader: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """End what is left of the session that the cloud leads, workers that outlived it, and wait until it is gone."""
    handles: list[int] = []
    for pid in _members(leader):
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    for handle in handles:
        _ended(handle, STOP_SECONDS)
        os.close(handle)
    if process is not None:
        process.wait()


def _members(leader: int) -> Iterator[int]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = file.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[2]) == leader:
                yield int(file.parent.name)
