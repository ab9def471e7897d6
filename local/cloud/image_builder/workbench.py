"""What a step works on: the instance, its sandbox, its credentials' S3 client, and where it reports to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from local.cloud.image_builder.machine import Machine
from local.cloud.image_builder.sandbox import Result, Sandbox


class ActionError(RuntimeError):
    """A step failed; the message is the reason."""


class Cancelled(Exception):  # noqa: N818 - an outcome that unwinds the build, not an error of it
    """The build was cancelled while it ran."""


@dataclass
class Workbench:
    """One instance as the actions see it."""

    machine: Machine
    sandbox: Sandbox
    s3: Callable[[], Any]
    """An S3 client under the instance profile's role."""
    log: Callable[[str], None]
    working_directory: str
    cancelled: Callable[[], bool] = field(default=lambda: False)

    def record(self, *lines: str) -> None:
        """Note in the log and the instance's record what was not executed."""
        self.machine.note(lines)
        for line in lines:
            self.log(f"recorded, not executed: {line}")

    def checked(self, result: Result, timeout: float | None) -> str:
        """The standard output of a command that ended well.

        Raises:
            ActionError: Another exit code than 0, or the time limit.
            Cancelled: The build was cancelled meanwhile.
        """
        if self.cancelled():
            raise Cancelled
        if result.timed_out:
            raise ActionError(f"the step did not end within timeoutSeconds ({timeout:g})")
        if result.exit_code != 0:
            raise ActionError(f"exit code {result.exit_code}{_last_line(result)}")
        return result.stdout


def _last_line(result: Result) -> str:
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return f": {lines[-1]}" if lines else ""


def entries(inputs: Any) -> list[dict[str, Any]]:
    """Inputs of an action that takes a list of mappings.

    Raises:
        ActionError: They are something else.
    """
    if not isinstance(inputs, list) or not all(isinstance(entry, dict) for entry in cast("list[Any]", inputs)):
        raise ActionError("inputs must be a list of mappings")
    return cast("list[dict[str, Any]]", inputs)


def mapping(inputs: Any) -> dict[str, Any]:
    """Inputs of an action that takes one mapping.

    Raises:
        ActionError: They are something else.
    """
    if not isinstance(inputs, dict):
        raise ActionError("inputs must be a mapping")
    return cast("dict[str, Any]", inputs)


def text(entry: dict[str, Any], key: str) -> str:
    """A required text among an action's inputs.

    Raises:
        ActionError: It is missing or no text.
    """
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ActionError(f"the input '{key}' must be a text")
    return value


def flag(entry: dict[str, Any], key: str, default: bool = False) -> bool:
    """A yes or no among an action's inputs, also written as text.

    Raises:
        ActionError: It is neither.
    """
    value = entry.get(key, default)
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ActionError(f"the input '{key}' must be true or false, not {value!r}")
