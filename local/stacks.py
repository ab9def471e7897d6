"""Running the engine on this repository's stacks against the local cloud."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.environment import REPOSITORY, LocalFolder
from local.progress import Report, Task

POLICY_PACK = "policies"
PLAIN = ("--color", "never", "--suppress-progress")
"""What the engine prints into a file: whole lines without colours."""

SALT = "encryptionsalt"
CANCEL_SECONDS = 60.0
"""Time that the engine gets to finish and record running operations after Ctrl-C."""

_RESOURCE_DONE = re.compile(r"\b(created|updated|deleted|replaced|refreshed|imported) \(\d")
_CHANGES = re.compile(r"^\s+(?:[+~-]|\+-|-\+|\+\+|><)?\s*(\d+) (created|updated|deleted|replaced|unchanged)\b", re.M)
_WARNINGS = re.compile(r"warning: using pulumi-(language|resource)-\w+ from \$PATH")


class StackError(Exception):
    """The engine refused or failed; the message carries what it said."""


@dataclass(frozen=True)
class Update:
    """What an update did, by the engine's own count: `created`, `updated`, `replaced`, `deleted`, `unchanged`."""

    counts: Mapping[str, int]

    @property
    def changed(self) -> bool:
        """Whether anything but `unchanged` was counted."""
        return any(count for kind, count in self.counts.items() if kind != "unchanged")

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "nothing to do"


@dataclass(frozen=True)
class Stacks:
    """The stacks of a repository, in a state and with configuration copies that lie in the ignored folder."""

    folder: LocalFolder
    environment: Mapping[str, str]
    report: Report
    repository: Path = REPOSITORY
    judged: bool = True
    """Whether the policy pack judges what is previewed and deployed."""

    def up(self, stack: str) -> Update:
        """Deploy a stack with the policy pack; raises `StackError`."""
        log = self._update("up", stack, f"pulumi up {stack}", "--yes", *self._policies())
        return Update({kind: int(count) for count, kind in _CHANGES.findall(log.rpartition("Updating (")[2])})

    def refresh(self, stack: str) -> None:
        """Read a stack's resources back from the cloud; raises `StackError`."""
        self._update("refresh", stack, f"pulumi refresh {stack}", "--yes")

    def destroy(self, stack: str, *options: str) -> None:
        """Remove a stack's resources; raises `StackError`, among others for protected ones."""
        self._update("destroy", stack, f"pulumi destroy {stack}", "--yes", *options)

    def preview(self, stack: str) -> int:
        """Show what an update would do, as the engine prints it; returns the engine's exit code."""
        command = self.preview_command(stack)
        return subprocess.run(command, cwd=self.repository, env=dict(self.environment)).returncode

    def preview_command(self, stack: str, *options: str) -> list[str]:
        """The engine's arguments for a preview of a stack, which is made in the state where it is missing."""
        self.prepare(stack)
        return self._command("preview", stack, *options, *self._policies())

    def outputs(self, stack: str) -> dict[str, Any]:
        """Outputs of a deployed stack."""
        answer = self._quiet("stack", "output", "--json", "--stack", stack, directory=self.repository)
        return json.loads(answer)

    def export(self, stack: str) -> dict[str, Any]:
        """A deployed stack's state, as `pulumi stack export` prints it, without secrets; raises `StackError`."""
        return json.loads(self._quiet("stack", "export", "--stack", stack, directory=self.repository))

    def unprotect(self, stack: str, types: Collection[str]) -> None:
        """Lift the protection of resources of some types in a stack's state, where there is such a stack."""
        self.prepare(stack)
        resources: list[dict[str, Any]] = self.export(stack).get("deployment", {}).get("resources") or []
        for resource in resources:
            if resource["type"] in types and resource.get("protect"):
                self._quiet("state", "unprotect", resource["urn"], "--stack", stack, "--yes", directory=self.repository)

    def configuration(self, stack: str) -> Path:
        """The copy of a stack's file that the engine may write to."""
        return self.folder.stacks / f"Pulumi.{stack}.yaml"

    def prepare(self, stack: str) -> None:
        """Bring the copy of the stack's file up to date and make the stack in the state where it is missing."""
        self.folder.state.mkdir(parents=True, exist_ok=True)
        self.folder.stacks.mkdir(parents=True, exist_ok=True)
        project = yaml.safe_load((self.repository / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
        # `stack init` knows no --config-file. In a project of the same name beside the copies it writes to the copy.
        (self.folder.stacks / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n", encoding="utf-8")
        self._copy(stack)
        if not (self.folder.state / ".pulumi" / "stacks" / project / f"{stack}.json").exists():
            self._quiet("stack", "init", stack, "--no-select", directory=self.folder.stacks)
        self._drop_dead_locks(project, stack)

    def _copy(self, stack: str) -> None:
        copy = self.configuration(stack)
        text = (self.repository / "stacks" / copy.name).read_text(encoding="utf-8")
        salt = ""
        if copy.exists():
            # The engine's own entry: without it the secrets in the state could not be read any more.
            found = re.search(rf"^{SALT}: (\S+)$", copy.read_text(encoding="utf-8"), re.M)
            salt = found[1] if found else ""
        addition = f"{SALT}: {salt}\n" if salt else ""
        copy.write_text(f"{text.rstrip()}\n{addition}", encoding="utf-8")

    def _drop_dead_locks(self, project: str, stack: str) -> None:
        """Remove locks of engines that are gone: the state is this machine's alone, so a dead one protects nothing."""
        for lock in (self.folder.state / ".pulumi" / "locks").glob(f"**/{project}/{stack}/*.json"):
            pid = json.loads(lock.read_text(encoding="utf-8")).get("pid", 0)
            if not Path(f"/proc/{pid}").exists():
                self.report.remark(f"stack {stack}: the lock of an interrupted run is removed")
                lock.unlink()
                self._drop_torn_attributes()

    def _drop_torn_attributes(self) -> None:
        """Remove attribute files that a killed engine left half written: it cannot read the state beside them.

        They hold no more than a content type and a checksum, and the engine writes them in place (gocloud.dev/blob,
        `fileblob`), unlike the state itself.
        """
        for attributes in (self.folder.state / ".pulumi").glob("**/*.attrs"):
            try:
                json.loads(attributes.read_text(encoding="utf-8"))
            except ValueError:
                attributes.unlink()

    def _policies(self) -> tuple[str, ...]:
        pack = self.repository / POLICY_PACK
        return ("--policy-pack", str(pack)) if self.judged and (pack / "PulumiPolicy.yaml").exists() else ()

    def _command(self, verb: str, stack: str, *options: str) -> list[str]:
        engine = shutil.which("pulumi", path=self.environment.get("PATH"))
        if engine is None:
            raise StackError("there is no `pulumi` on PATH; `make up` installs it")
        return [
            engine,
            *verb.split(),
            *("--stack", stack, "--config-file", str(self.configuration(stack)), "--non-interactive"),
            *options,
        ]

    def _quiet(self, *arguments: str, directory: Path) -> str:
        engine = shutil.which("pulumi", path=self.environment.get("PATH"))
        if engine is None:
            raise StackError("there is no `pulumi` on PATH; `make up` installs it")
        answer = subprocess.run(
            [engine, *arguments, "--non-interactive"],
            cwd=directory,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if answer.returncode:
            raise StackError(f"`pulumi {' '.join(arguments)}` failed: {answer.stderr.strip()}")
        return answer.stdout

    def _update(self, verb: str, stack: str, title: str, *options: str) -> str:
        self.prepare(stack)
        self.folder.logs.mkdir(parents=True, exist_ok=True)
        log = self.folder.logs / f"{verb}-{stack}.log"
        command = self._command(verb, stack, *PLAIN, *options)
        with self.report.task(title) as task, log.open("w", encoding="utf-8") as file:
            code = self._follow(command, task, file.write)
            file.flush()
            text = log.read_text(encoding="utf-8")
            if code:
                raise StackError(f"`pulumi {verb}` of stack {stack} failed (all it said: {log})\n{_reason(text)}")
        return text

    def _follow(self, command: list[str], task: Task, write: Any) -> int:
        process = subprocess.Popen(
            command,
            cwd=self.repository,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own: Ctrl-C must reach the engine once, a second signal makes it drop what it is doing.
            process_group=0,
        )
        assert process.stdout is not None
        done = 0
        try:
            for line in process.stdout:
                write(line)
                if _RESOURCE_DONE.search(line):
                    done += 1
                if line.strip() and not _WARNINGS.search(line):
                    task.update(f"{done} done; {_brief(line)}", None)
            return process.wait()
        except BaseException:
            self._cancel(process)
            raise

    def _cancel(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is not None:
            return
        self.report.remark("stopping: the engine finishes and records what is under way")
        process.send_signal(signal.SIGINT)
        try:
            # Reading on keeps the engine from blocking on a full pipe.
            process.communicate(timeout=CANCEL_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def _brief(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()


def _reason(text: str, lines: int = 40) -> str:
    """The diagnostics and policy violations of the last operation; where there are none, the end of what was said."""
    last = re.split(r"^(?:Previewing|Updating|Refreshing|Destroying)\b.*:$", text, flags=re.M)[-1]
    sections = re.findall(r"^(?:Diagnostics|Policies):\n(?:[ \t].*\n|\n)*", last, re.M)
    chosen = "\n".join(sections) or last
    kept = (line for line in chosen.splitlines() if line.strip() and not _WARNINGS.search(line))
    return "\n".join(deque(kept, maxlen=lines))
