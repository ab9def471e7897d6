"""The log of a build in CloudWatch Logs, without secrets.

Stream: `<image version>/<build>` in the pipeline's group (User Guide, "Troubleshoot Image Builder", CloudWatch logs).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud.call import Credentials
from local.cloud.clock import Clock
from runtime.functions.aws_errors import code_of

_BATCH = 500
"""Events sent at a time, well within the 10,000 of PutLogEvents."""

_LINE_MAXIMUM = 8_000
"""Characters of a line that are kept."""

_SECRETS = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*"),
    re.compile(r"(?i)(\w*(?:secret|password|passwd|token|api[_-]?key)\w*)(\s*[=:]\s*)(\S+)"),
)
_HIDDEN = "[hidden]"


class BuildLog:
    """Collects lines and sends them with the credentials at hand."""

    def __init__(self, group: str, stream: str, clock: Clock) -> None:
        self._group = group
        self._stream = stream
        self._clock = clock
        self._client: Callable[[], Any] | None = None
        self._waiting: list[dict[str, Any]] = []
        self._known: list[str] = []
        self.lines: list[str] = []
        """Everything written, for the log in S3."""
        self.problem: str | None = None
        """Why the log could not be written, where it could not."""

    def use(self, client: Callable[[], Any]) -> None:
        """Send by this client of CloudWatch Logs from now on."""
        self.flush()
        self._client = client

    def hide(self, credentials: Credentials) -> None:
        """Keep these credentials out of the log, whatever prints them."""
        self._known += [value for value in (credentials.secret_access_key, credentials.session_token) if value]

    def write(self, line: str) -> None:
        """Note a line."""
        text = self._without_secrets(line)[:_LINE_MAXIMUM]
        self.lines.append(text)
        self._waiting.append({"timestamp": int(self._clock.now().timestamp() * 1000), "message": text or " "})
        if len(self._waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what was noted; a log that cannot be written does not end a build."""
        if not self._waiting or self._client is None:
            return
        waiting, self._waiting = self._waiting, []
        try:
            self._send(self._client(), waiting)
        except (ClientError, BotoCoreError) as error:
            self.problem = str(error)

    def _send(self, logs: Any, events: list[dict[str, Any]]) -> None:
        place = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            logs.put_log_events(**place, logEvents=events)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            self._create(logs, place)
            logs.put_log_events(**place, logEvents=events)

    def _create(self, logs: Any, place: dict[str, str]) -> None:
        try:
            logs.create_log_stream(**place)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            logs.create_log_group(logGroupName=self._group)
            logs.create_log_stream(**place)

    def _without_secrets(self, line: str) -> str:
        for known in self._known:
            line = line.replace(known, _HIDDEN)
        line = _SECRETS[0].sub(_HIDDEN, line)
        line = _SECRETS[1].sub(_HIDDEN, line)
        return _SECRETS[2].sub(lambda match: f"{match[1]}{match[2]}{_HIDDEN}", line)
