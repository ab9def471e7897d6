"""The stacks of a small repository of their own, run with the real engine."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.engine.install import install
from local.environment import LocalFolder, tool_environment
from local.progress import Report
from local.stacks import StackError, Stacks

pytestmark = pytest.mark.stack

PROGRAM = """
import os, pathlib, pulumi
config = pulumi.Config()
pulumi.Stash("note", input=config.require("text"))
if config.get_bool("hang"):
    pathlib.Path(config.require("pipe")).write_text(str(os.getpid()))
    __import__("signal").pause()
if config.get_bool("fail"):
    raise pulumi.RunError("the file says so")
"""


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def stacks(tmp_path: Path, said: StringIO) -> Stacks:
    repository = tmp_path / "repository"
    (repository / "stacks").mkdir(parents=True)
    (repository / "Pulumi.yaml").write_text("name: small\nruntime: python\nstackConfigDir: stacks\n")
    (repository / "__main__.py").write_text(PROGRAM)
    report = Report(Console(file=said, width=200))
    installed = LocalFolder()
    install(installed, report, os.environ.get("PATH", ""))
    folder = LocalFolder(tmp_path / "local", tools=installed.path)
    made = Stacks(folder, tool_environment(folder, os.environ), report, repository)
    _configure(made, text="first")
    return made


def _configure(stacks: Stacks, **values: object) -> Path:
    file = stacks.repository / "stacks" / "Pulumi.dev.yaml"
    lines = (f"  small:{name}: {json.dumps(value)}\n" for name, value in values.items())
    file.write_text("# a comment to keep\nconfig:\n" + "".join(lines))
    return file


def test_an_update_tells_what_changed_and_a_second_one_that_nothing_did(stacks: Stacks) -> None:
    assert stacks.up("dev").counts == {"created": 2}
    again = stacks.up("dev")
    assert again.counts == {"unchanged": 2}
    assert not again.changed
    _configure(stacks, text="second")
    assert stacks.up("dev").changed


def test_the_tracked_file_is_never_written_and_the_copys_salt_is_kept(stacks: Stacks) -> None:
    tracked = stacks.repository / "stacks" / "Pulumi.dev.yaml"
    before = tracked.read_bytes()
    stacks.up("dev")
    salt = stacks.configuration("dev").read_text().splitlines()[-1]
    assert salt.startswith("encryptionsalt: ")
    stacks.up("dev")
    assert stacks.configuration("dev").read_text().splitlines()[-1] == salt
    assert tracked.read_bytes() == before
    assert [path.name for path in (stacks.repository / "stacks").iterdir()] == ["Pulumi.dev.yaml"]


def test_a_failure_carries_the_programs_own_words(stacks: Stacks) -> None:
    _configure(stacks, text="first", fail=True)
    with pytest.raises(StackError, match="the file says so"):
        stacks.up("dev")


def test_an_engine_that_is_not_there_is_told(stacks: Stacks, tmp_path: Path) -> None:
    without = replace(stacks, environment={**stacks.environment, "PATH": str(tmp_path)})
    with pytest.raises(StackError, match="`make up` installs it"):
        without.up("dev")


def test_the_lock_of_a_killed_engine_does_not_stop_the_next_update(stacks: Stacks, said: StringIO) -> None:
    stacks.up("dev")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    locks = stacks.folder.state / ".pulumi" / "locks" / "organization" / "small" / "dev"
    locks.mkdir(parents=True, exist_ok=True)
    lock = {"pid": ended.pid, "username": "somebody", "hostname": "here", "timestamp": "2026-01-01T00:00:00Z"}
    (locks / "0.json").write_text(json.dumps(lock))
    stacks.up("dev")
    assert "lock of an interrupted run is removed" in said.getvalue()


COMMAND = """
import os, sys
from pathlib import Path
from local.environment import LocalFolder
from local.progress import Report
from local.stacks import Stacks
Stacks(LocalFolder(Path(sys.argv[1])), os.environ, Report(), Path(sys.argv[2])).up("dev")
"""


def test_ctrl_c_ends_the_engine_and_the_program_and_leaves_the_stack_usable(stacks: Stacks, tmp_path: Path) -> None:
    stacks.up("dev")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    _configure(stacks, text="first", hang=True, pipe=str(pipe))
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(stacks.folder.path), str(stacks.repository)],
        env={**stacks.environment, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    program = os.pidfd_open(int(pipe.read_text()))
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=60)
    assert select.select([program], [], [], 10)[0], output
    os.close(program)
    assert "the engine finishes and records" in output
    _configure(stacks, text="first")
    assert stacks.up("dev").counts == {"unchanged": 2}
