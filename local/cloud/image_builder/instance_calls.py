"""The `aws` command on an instance: carried out by this process, with the credentials of the instance's role.

The sandbox has no network, so the command there writes its words to one pipe and reads its answer from another. Exit
codes and the shape of output are the AWS CLI's (AWS CLI User Guide, "Command line return codes", "Setting the output
format"). What this does not carry out it refuses by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import select
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from jmespath.exceptions import JMESPathError

from local.cloud.image_builder.text_output import as_text

FOLDER = "calls"
"""Beside the instance's file tree: the two pipes."""

PLACE = "/run/instance-calls"
"""Where the sandbox shows them."""

PIPES = ("request", "answer")

ANSWER_SECONDS = 60
"""Longest wait of the command for its answer."""

USAGE, REFUSED = 252, 254
"""Exit codes: the command line is wrong; AWS refused."""

_OPERATIONS = {
    "describe-instances": ("DescribeInstances", "--instance-ids"),
    "describe-volumes": ("DescribeVolumes", "--volume-ids"),
}
_LISTS = {"--filters": "Filters", "--instance-ids": "InstanceIds", "--volume-ids": "VolumeIds"}
_VALUES = ("--region", "--output", "--query")
_FLAGS = ("--no-cli-pager", "--no-paginate", "--no-cli-auto-prompt")
_FILTER = re.compile(r"Name=(?P<name>[^,=]+),Values=(?P<values>[^\[\]\"']+)")


class UsageError(ValueError):
    """A command line that cannot be carried out; the message is what the command says."""


@dataclass(frozen=True)
class Answer:
    """What the command prints and how it ends."""

    code: int
    stdout: str = ""
    stderr: str = ""


@dataclass
class _Command:
    """A command line taken apart."""

    words: list[str] = field(default_factory=list[str])
    values: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


@dataclass(frozen=True)
class InstanceCalls:
    """AWS as one instance reaches it."""

    client: Callable[[str, str], Any]
    """Takes service and Region; a client under the instance profile's role."""

    region: str
    """Used where a command names none, as the AWS CLI asks the metadata service."""

    def answer(self, words: Sequence[str], region: str = "") -> Answer:
        """Carry out `aws` with these words; `region` is what the environment names."""
        try:
            command = _parsed(words)
            operation, request = _request(command)
            place = command.values.get("--region") or region or self.region
            paginator = self.client("ec2", place).get_paginator(xform_name(operation))
            found: Any = paginator.paginate(**request).build_full_result()
            if "--query" in command.values:
                found = jmespath.search(command.values["--query"], found)
            return Answer(0, _shown(found, command.values.get("--output", "json")))
        except ClientError as error:
            return Answer(REFUSED, stderr=f"\n{error}\n")
        except JMESPathError as error:
            return Answer(USAGE, stderr=f"\nBad value for --query: {error}\n")
        except (BotoCoreError, UsageError) as error:
            return Answer(USAGE, stderr=f"\naws: error: {error}\n")

    @contextmanager
    def served(self, folder: Path) -> Generator[None]:
        """Answer over the pipes below an instance's folder until the context ends."""
        place = folder / FOLDER
        place.mkdir(exist_ok=True)
        for name in PIPES:
            if not (place / name).exists():
                os.mkfifo(place / name)
        # Opened for both ways, so that no end is ever missing; held here, so that a script cannot swap the files.
        request, answer = (os.open(place / name, os.O_RDWR | os.O_NONBLOCK) for name in PIPES)
        stopped, stop = os.pipe()
        thread = threading.Thread(target=self._serve, args=(request, answer, stopped), daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(stop)
            thread.join()
            for descriptor in (request, answer, stopped):
                os.close(descriptor)

    def _serve(self, request: int, answer: int, stopped: int) -> None:
        waiting = b""
        while True:
            ready, _, _ = select.select([request, stopped], [], [])
            if stopped in ready:
                return
            *lines, waiting = (waiting + os.read(request, 65536)).split(b"\n")
            for line in lines:
                try:
                    identity, region, *words = base64.b64decode(line).decode().split("\0")[:-1]
                except (binascii.Error, ValueError):
                    continue
                given = self.answer(words, region)
                outputs = (base64.b64encode(text.encode()).decode() or "_" for text in (given.stdout, given.stderr))
                if not _written(answer, stopped, f"{' '.join([identity, str(given.code), *outputs])}\n".encode()):
                    return


def _written(answer: int, stopped: int, data: bytes) -> bool:
    """Write all, unless the step ends before somebody reads it."""
    while data:
        ready, writable, _ = select.select([stopped], [answer], [])
        if ready:
            return False
        if writable:
            data = data[os.write(answer, data[: select.PIPE_BUF]) :]
    return True


def _parsed(words: Sequence[str]) -> _Command:
    command = _Command()
    current: list[str] = command.words
    waiting = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else (word,))]
    while waiting:
        word = waiting.pop(0)
        if word in _FLAGS:
            current = []
        elif word in _VALUES:
            if not waiting:
                raise UsageError(f"argument {word}: expected one argument")
            command.values[word] = waiting.pop(0)
            # Options of the AWS CLI's own may stand before the service.
            current = command.words if len(command.words) < 2 else []
        elif word in _LISTS:
            current = command.lists.setdefault(word, [])
        elif word.startswith("--"):
            raise UsageError(f"the local cloud's aws does not know the option {word}")
        else:
            current.append(word)
    return command


def _request(command: _Command) -> tuple[str, dict[str, Any]]:
    service, name, *more = (*command.words, "", "")
    if service != "ec2" or name not in _OPERATIONS or any(more):
        raise UsageError(f"the local cloud's aws does not carry out '{' '.join(command.words)}'")
    operation, ids = _OPERATIONS[name]
    if unknown := sorted(set(command.lists) - {"--filters", ids}):
        raise UsageError(f"Unknown options: {', '.join(unknown)}")
    if command.values.get("--output", "json") not in ("json", "text"):
        raise UsageError(f"the local cloud's aws has no output {command.values['--output']}")
    request: dict[str, Any] = {
        _LISTS[option]: _filters(values) if option == "--filters" else values
        for option, values in command.lists.items()
    }
    return operation, request


def _filters(values: Sequence[str]) -> Any:
    if len(values) == 1 and values[0].startswith("["):
        try:
            return json.loads(values[0])
        except json.JSONDecodeError as error:
            raise UsageError(f"Error parsing parameter '--filters': Invalid JSON: {error}") from error
    found: list[dict[str, Any]] = []
    for value in values:
        match = _FILTER.fullmatch(value)
        if match is None:
            raise UsageError(f"Error parsing parameter '--filters': expected Name=…,Values=…, received: '{value}'")
        found.append({"Name": match["name"], "Values": match["values"].split(",")})
    return found


def _shown(found: Any, output: str) -> str:
    if output == "text":
        return as_text(found)
    return f"{json.dumps(found, indent=4, ensure_ascii=False, default=lambda value: value.isoformat())}\n"


COMMAND = (
    f"""#!/bin/bash
request={PLACE}/request answer={PLACE}/answer seconds={ANSWER_SECONDS}
"""
    + r"""[ -p "$request" ] || { echo 'Unable to locate credentials.' >&2; exit 253; }
exec 3<>"$request" 4<>"$answer"
# One command at a time: the next one's answer comes on the same pipe.
flock 3
printf '%s\0' "$$" "${AWS_REGION:-${AWS_DEFAULT_REGION:-}}" "$@" | base64 --wrap=0 >&3
echo >&3
while read -r -t "$seconds" -u 4 identity code stdout stderr; do
  # A command that was ended before it read its answer left it behind.
  [ "$identity" = "$$" ] || continue
  [ "$stdout" = _ ] || base64 --decode <<< "$stdout"
  [ "$stderr" = _ ] || base64 --decode <<< "$stderr" >&2
  exit "$code"
done
echo 'Could not connect to the endpoint URL' >&2
exit 255
"""
)
"""The command in the sandbox, without what it says of its own version."""
