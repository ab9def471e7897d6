"""Bash of a build instance, run in bubblewrap: its own files, no network, a time limit, and nothing left running.

The instance's tree is `/`; this machine's `/usr` lies over it read-only, so a script finds a shell and the usual tools
and cannot change them. A user namespace makes the script root of nothing but its own tree.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from local.cloud.image_builder import instance_calls, instance_metadata, stand_ins
from local.cloud.image_builder.instance_calls import InstanceCalls
from local.cloud.image_builder.machine import Machine

OUTPUT_MAXIMUM = 512 * 1024
"""Bytes of a step's output that are kept; the rest is cut off and said so."""

END_SECONDS = 10.0
"""Longest wait for killed processes to be gone."""

SCRIPT = "/run/step/input.sh"
WORKING_DIRECTORY = "/tmp"
"""Where AWSTOE works unless the recipe names another folder (API Reference, CreateImageRecipe, workingDirectory)."""

_ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "PATH": f"{stand_ins.FOLDER}:/usr/local/sbin:/usr/local/bin:{stand_ins.PACKAGED}:/usr/sbin:/usr/bin:/sbin:/bin",
}


_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class SandboxError(RuntimeError):
    """The sandbox cannot be set up on this machine."""


@dataclass(frozen=True)
class Result:
    """How a command ended; `exit_code` is None where the time limit or a cancellation ended it."""

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool = False


class Sandbox:
    """Runs commands for one instance, one at a time; `calls` is AWS as the instance reaches it."""

    def __init__(self, machine: Machine, work: Path, calls: InstanceCalls | None = None) -> None:
        self._machine = machine
        self._calls = calls
        self._stand_ins = work / "stand-ins"
        self._names = stand_ins.install(self._stand_ins)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def bash(self, script: str, timeout: float | None, directory: str = WORKING_DIRECTORY) -> Result:
        """Run a script; `timeout` in seconds, None for no limit.

        Raises:
            SandboxError: bubblewrap is missing, or the kernel refuses it.
        """
        folder = self._machine.folder / "step"
        folder.mkdir(exist_ok=True)
        (folder / "input.sh").write_text(script, encoding="utf-8")
        return self.run(("/bin/bash", SCRIPT), timeout, directory)

    def run(self, command: Sequence[str], timeout: float | None, directory: str = WORKING_DIRECTORY) -> Result:
        """Run a command; `timeout` in seconds, None for no limit.

        Raises:
            SandboxError: bubblewrap is missing, or the kernel refuses it.
        """
        with self._calls.served(self._machine.folder) if self._calls else nullcontext():
            return self._run(command, timeout, directory)

    def _run(self, command: Sequence[str], timeout: float | None, directory: str) -> Result:
        (self._machine.folder / "step").mkdir(exist_ok=True)
        (self._machine.folder / "boot_id").write_text(f"{self._machine.boot_id()}\n", encoding="utf-8")
        where = self._machine.path(directory)
        where.mkdir(parents=True, exist_ok=True)
        outputs = self._machine.folder / "stdout", self._machine.folder / "stderr"
        with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
            with self._lock:
                if self._cancelled:
                    return Result(None, "", "")
                alive, held = os.pipe()
                process = subprocess.Popen(
                    [*self._arguments(directory), *command],
                    pass_fds=(held,),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                    env=dict(os.environ),
                )
                os.close(held)
                self._process = process
            try:
                timed_out = not _ended(process, timeout)
            finally:
                # Also after a normal end: what a script left in the background must not outlive its step.
                _end(process)
                # The sandbox's processes die after bubblewrap: the pipe ends with the last that holds it.
                select.select([alive], [], [], END_SECONDS)
                os.close(alive)
                with self._lock:
                    self._process = None
        texts = [_read(path) for path in outputs]
        code = process.returncode
        if code != 0 and texts[1].startswith("bwrap: ") and not texts[1].startswith("bwrap: execvp"):
            raise SandboxError(f"bubblewrap cannot set up the sandbox: {texts[1].strip()}")
        return Result(None if timed_out or self._cancelled else code, texts[0], texts[1], timed_out)

    def cancel(self) -> None:
        """End the running command, and refuse further ones."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                _end(self._process)

    def _arguments(self, directory: str) -> list[str]:
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError("bubblewrap is not installed: apt-get install bubblewrap")
        machine = self._machine
        tree = str(machine.tree)
        arguments = [program, "--unshare-all", "--die-with-parent", "--new-session", "--uid", "0", "--gid", "0"]
        arguments += ["--hostname", "localhost", "--clearenv", *_settings(_ENVIRONMENT)]
        arguments += ["--bind", tree, "/", "--ro-bind", "/usr", "/usr", "--bind", f"{tree}/usr/local", "/usr/local"]
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            host = Path("/", name)
            if host.is_symlink():
                # A link lies in the tree itself, so it is there already after the first step.
                if not machine.tree.joinpath(name).is_symlink():
                    arguments += ["--symlink", str(host.readlink()), str(host)]
            elif host.is_dir():
                arguments += ["--ro-bind", str(host), str(host)]
        arguments += ["--proc", "/proc", "--ro-bind", str(machine.folder / "boot_id"), _BOOT_ID]
        arguments += ["--dev", "/dev", "--tmpfs", "/run"]
        arguments += ["--ro-bind", str(self._stand_ins), stand_ins.FOLDER]
        arguments += ["--bind", str(machine.record), stand_ins.RECORD]
        arguments += ["--ro-bind", str(machine.base), stand_ins.BASE]
        arguments += ["--ro-bind", str(machine.booted), stand_ins.BOOTED]
        arguments += ["--dir", stand_ins.PACKAGED]
        for name, place in stand_ins.packaged_commands(self._installed).items():
            arguments += ["--symlink", place, f"{stand_ins.PACKAGED}/{name}"]
        arguments += ["--ro-bind", str(machine.folder / "step"), str(Path(SCRIPT).parent)]
        if (metadata := machine.folder / instance_metadata.FOLDER).is_dir():
            arguments += ["--ro-bind", str(metadata), instance_metadata.PLACE]
        if self._calls:
            for name in instance_calls.PIPES:
                pipe = machine.folder / instance_calls.FOLDER / name
                arguments += ["--bind", str(pipe), f"{instance_calls.PLACE}/{name}"]
        for name in self._names:
            # A script may name the tool by its full path.
            for place in (Path("/usr/bin", name), Path("/usr/sbin", name)):
                if place.exists():
                    arguments += ["--ro-bind", str(self._stand_ins / name), str(place.resolve())]
        return [*arguments, "--chdir", directory, "--"]

    def _installed(self, package: str) -> bool:
        pattern = re.compile(stand_ins.INSTALLS.format(re.escape(package)))
        lines = [*self._machine.base.read_text(encoding="utf-8").splitlines(), *self._machine.recorded()]
        return any(pattern.search(line) for line in lines)


def _settings(environment: Mapping[str, str]) -> list[str]:
    return [word for name, value in environment.items() for word in ("--setenv", name, value)]


def _ended(process: subprocess.Popen[bytes], timeout: float | None) -> bool:
    """Wait for a process; False where the time was over first. `Popen.wait` would look only every 50 ms."""
    end = os.pidfd_open(process.pid)
    try:
        return bool(select.select([end], [], [], timeout)[0])
    finally:
        os.close(end)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # bubblewrap's death takes its process namespace with it: its inner process dies with its parent.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(OUTPUT_MAXIMUM + 1)
    text = data[:OUTPUT_MAXIMUM].decode("utf-8", errors="replace")
    return text if len(data) <= OUTPUT_MAXIMUM else f"{text}\n[output cut off after {OUTPUT_MAXIMUM} bytes]\n"
