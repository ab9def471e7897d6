"""Building the engine from the Go modules that `go.mod` beside this file pins."""

from __future__ import annotations

import os
import re
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path

from local.engine.child_processes import ChildProcesses, output
from local.progress import Report

MODULE_FOLDER = Path(__file__).parent
ENGINE_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PROGRAM_RUNNER = "pulumi-language-python-exec"


class EngineError(Exception):
    """There is no engine to be had; the message tells what to do."""


def pinned_version(module_file: Path = MODULE_FOLDER / "go.mod") -> str:
    """Version of the engine that `go.mod` pins, for example `3.250.0`."""
    found = re.search(r"^\s*github\.com/pulumi/pulumi/pkg/v3 v(\S+)", module_file.read_text(encoding="utf-8"), re.M)
    if found is None:
        raise EngineError(f"{module_file} requires no github.com/pulumi/pulumi/pkg/v3; restore the file")
    return found[1]


def build(binary: Path, report: Report) -> None:
    """Build the engine into `binary`; raises `EngineError` where Go is missing or the build fails."""
    go = shutil.which("go")
    version = pinned_version()
    if go is None:
        raise EngineError(
            f"no Pulumi engine: `pulumi` {version} is not on PATH, its installer cannot be reached, and there is no Go "
            "to build it with; install Go 1.25 or later (https://go.dev/dl) or that `pulumi`, then run again"
        )
    with report.task(f"Fetch the engine's Go modules (Pulumi {version})") as task:
        listing = _run([go, "list", "-deps", ENGINE_PACKAGE], lambda line: task.update(line, None))
    packages = len(listing)
    title = f"Build the engine (Pulumi {version}, {packages} Go packages, some minutes the first time)"
    with report.task(title, packages) as task:
        compiled = 0

        def count(line: str) -> None:
            nonlocal compiled
            compiled += 1
            task.update(line, compiled)

        flags = f"-s -w -X {VERSION_VARIABLE}=v{version}"
        binary.parent.mkdir(parents=True, exist_ok=True)
        _run([go, "build", "-v", "-buildvcs=false", "-ldflags", flags, "-o", str(binary), ENGINE_PACKAGE], count)


def program_runner() -> Path:
    """Pulumi's script that runs a Python program, in the SDK's Go module; raises `EngineError` without it."""
    go = shutil.which("go")
    if go is None:
        raise EngineError("no Go to find Pulumi's SDK module with; install Go 1.25 or later, then run again")
    folder = _run([go, "list", "-m", "-f", "{{.Dir}}", SDK_MODULE], lambda line: None)
    file = Path(folder[-1] if folder else "", "python", "cmd", PROGRAM_RUNNER)
    if not file.is_file():
        raise EngineError(f"{file} is missing from the module {SDK_MODULE}; run `go clean -modcache`, then run again")
    return file


def _run(command: list[str], on_message: Callable[[str], None]) -> list[str]:
    """Run Go in the module's folder; its messages are progress, its output is returned by lines."""
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    messages: deque[str] = deque(maxlen=3)
    lines: list[str] = []
    children = ChildProcesses()
    with children.start(command, str(MODULE_FOLDER), environment, capture=True) as process:
        for stream, line in output(process):
            text = line.decode(errors="replace").rstrip()
            if stream == "stdout":
                lines.append(text)
            else:
                messages.append(text)
                on_message(text)
        exit_code = process.wait()
    if exit_code:
        raise EngineError(
            f"`{' '.join(command[:2])}` failed while building the Pulumi engine: {' | '.join(messages)}; "
            f"check that the Go module proxy can be reached, or put `pulumi` {pinned_version()} on PATH"
        )
    return lines
