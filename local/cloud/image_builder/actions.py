"""AWSTOE's action modules: what they do on an instance here, and what is recorded instead.

Source: Image Builder User Guide, "Action modules supported by AWSTOE component manager".
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, cast

from local.cloud.image_builder import conditions, file_actions, powershell, s3_actions
from local.cloud.image_builder.machine import LINUX, WINDOWS
from local.cloud.image_builder.sandbox import Result
from local.cloud.image_builder.workbench import ActionError, Workbench, mapping, text

RESTART = 194
"""Exit code by which a Linux script asks for a restart and to be run again (ExecuteBash)."""

RESTART_MAXIMUM = 10
"""Restarts in one step before it counts as failed, so that a script that always asks does not run for ever."""

Action = Callable[[Workbench, Any, float | None], str]
"""Takes the bench, the inputs with expressions resolved and the time limit in seconds; returns standard output."""


def execute_bash(bench: Workbench, inputs: Any, timeout: float | None) -> str:
    """`ExecuteBash`: all commands are one script; its exit code is the step's."""
    if bench.machine.platform == WINDOWS:
        raise ActionError("ExecuteBash is not supported on Windows")
    script = _script(bench, inputs, "sh")
    for _ in range(RESTART_MAXIMUM):
        result = bench.sandbox.bash(script, timeout, bench.working_directory)
        _log_output(bench, result)
        if result.exit_code != RESTART:
            return bench.checked(result, timeout)
        bench.record("restart asked for by exit code 194")
    raise ActionError(f"exit code {RESTART} after {RESTART_MAXIMUM} restarts")


def execute_binary(bench: Workbench, inputs: Any, timeout: float | None) -> str:
    """`ExecuteBinary`: a program with its arguments."""
    entry = mapping(inputs)
    command = [text(entry, "path"), *(str(argument) for argument in cast("list[Any]", entry.get("arguments") or []))]
    if bench.machine.platform == WINDOWS:
        if not bench.machine.path(command[0]).is_file():
            raise ActionError(f"'{command[0]}' does not exist")
        bench.record(shlex.join(command))
        return ""
    result = bench.sandbox.run(command, timeout, bench.working_directory)
    _log_output(bench, result)
    return bench.checked(result, timeout)


def execute_powershell(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`ExecutePowerShell`: checked as far as `powershell` can, recorded, not executed."""
    if bench.machine.platform != WINDOWS:
        raise ActionError("ExecutePowerShell is not supported on Linux")
    script = _script(bench, inputs, "ps1")
    try:
        checked = powershell.check(script, bench.machine, bench.working_directory, "input.ps1")
    except powershell.ScriptError as error:
        raise ActionError(str(error)) from error
    for finding in checked.findings:
        bench.log(f"PowerShell checked, not executed: {finding}")
    bench.machine.note(f"PowerShell {line}" for line in checked.lines)
    return ""


def reboot(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`Reboot`: recorded; memory and processes end with each step here anyway."""
    bench.record(f"Reboot {inputs or ''}".strip())
    return ""


def update_os(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`UpdateOS`: recorded, it needs the network."""
    bench.record(f"UpdateOS {inputs or ''}".strip())
    return ""


def check_assertion(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`Assert`: fails the step unless the comparison holds."""
    condition: Any = cast("list[Any]", inputs)[0] if isinstance(inputs, list) and inputs else inputs
    entry = mapping(condition)
    if not conditions.holds(entry, bench.machine):
        raise ActionError(f"the assertion does not hold: {entry}")
    return ""


def web_download(_bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`WebDownload`: fails as it does on an instance without a route to the internet."""
    sources = [str(entry.get("source")) for entry in cast("list[dict[str, Any]]", inputs) if isinstance(inputs, list)]
    raise ActionError(f"WebDownload of {', '.join(sources)}: the local cloud's instances have no internet access")


def record_windows(name: str) -> Action:
    """An action that needs Windows itself: recorded there, refused elsewhere."""

    def action(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
        if bench.machine.platform != WINDOWS:
            raise ActionError(f"{name} is not supported on {LINUX}")
        bench.record(f"{name} {inputs}")
        return ""

    return action


ACTIONS: Mapping[str, Action] = {
    "AppendFile": file_actions.append_file,
    "Assert": check_assertion,
    "CopyFile": file_actions.copy_files,
    "CopyFolder": file_actions.copy_files,
    "CreateFile": file_actions.create_file,
    "CreateFolder": file_actions.create_folder,
    "CreateSymlink": file_actions.create_symlink,
    "DeleteFile": file_actions.delete_file,
    "DeleteFolder": file_actions.delete_folder,
    "ExecuteBash": execute_bash,
    "ExecuteBinary": execute_binary,
    "ExecutePowerShell": execute_powershell,
    "InstallMSI": record_windows("InstallMSI"),
    "ListFiles": file_actions.list_files,
    "MoveFile": file_actions.move_files,
    "MoveFolder": file_actions.move_files,
    "ReadFile": file_actions.read_file,
    "Reboot": reboot,
    "S3Download": s3_actions.download,
    "S3Upload": s3_actions.upload,
    "SetFileOwner": file_actions.set_owner,
    "SetFilePermissions": file_actions.set_permissions,
    "SetFolderOwner": file_actions.set_owner,
    "SetFolderPermissions": file_actions.set_permissions,
    "SetRegistry": record_windows("SetRegistry"),
    "UninstallMSI": record_windows("UninstallMSI"),
    "UpdateOS": update_os,
    "WebDownload": web_download,
}
"""The actions that a build here can run."""


def run(name: str, bench: Workbench, inputs: Any, timeout: float | None) -> str:
    """Run an action.

    Raises:
        ActionError: It failed, or the local cloud does not have it.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise ActionError(f"the local cloud does not carry out the action {name}")
    try:
        return action(bench, inputs, timeout)
    except file_actions.FILE_ERRORS as error:
        raise ActionError(str(error)) from error


def _script(bench: Workbench, inputs: Any, extension: str) -> str:
    entry = mapping(inputs)
    if "commands" in entry:
        commands = entry["commands"]
        if not isinstance(commands, list):
            raise ActionError("the input 'commands' must be a list")
        return "\n".join(str(command) for command in cast("list[Any]", commands)) + "\n"
    if "file" in entry:
        return bench.machine.path(text(entry, "file")).read_text(encoding="utf-8-sig")
    raise ActionError(f"the inputs hold neither 'commands' nor 'file' (input.{extension})")


def _log_output(bench: Workbench, result: Result) -> None:
    for name, output in (("Stdout", result.stdout), ("Stderr", result.stderr)):
        for line in output.splitlines():
            bench.log(f"{name}: {line}")
