"""What was called: a line for every decision on access, so that what a role is granted can be held against its use."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.cloud.call import ServiceError

FILE_NAME = "calls.jsonl"
"""The journal's name in the cloud's directory."""

ALLOWED = "allowed"


@dataclass(frozen=True)
class RecordedCall:
    """A decision on one action and one resource; a call that needs several is recorded as several.

    `principal` is the IAM ARN of a role or user, or the service principal (`events.amazonaws.com`) of a service that
    calls in its own name; `session` the role session's ARN. `service` is the service that called, in its own name or
    on the principal's behalf. `decision` is `allowed`, or the code with which the call was refused. `time` is in UTC.
    """

    time: datetime
    principal: str
    session: str | None
    account: str
    action: str
    resource: str
    decision: str
    service: str | None

    @property
    def allowed(self) -> bool:
        """Whether the call was let through."""
        return self.decision == ALLOWED


class Journal:
    """Writes decisions as JSON lines; without a path it keeps nothing.

    Left out are what AWS allows everybody, and whatever an account's root is allowed: no policy decides on it, and
    the cloud's own look-ups are made with it. `role_of` tells the role's ARN behind a session's.
    """

    def __init__(self, path: Path | None = None, role_of: Callable[[str], str] = str) -> None:
        self._role_of = role_of
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8", buffering=1) if path else None

    def record(
        self,
        caller: str,
        action: str,
        resource: str,
        decision: str = ALLOWED,
        service: str | None = None,
        account: str | None = None,
    ) -> None:
        """Write one decision; `account` is the caller's, where its ARN does not tell."""
        if self._file is None or (caller.endswith(":root") and decision == ALLOWED):
            return
        named = caller.startswith("arn:")
        call = RecordedCall(
            datetime.now(UTC),
            self._role_of(caller),
            caller if ":assumed-role/" in caller else None,
            account or (caller.split(":")[4] if named else ""),
            action,
            resource,
            decision,
            service or (None if named else caller),
        )
        line = json.dumps({**asdict(call), "time": call.time.isoformat()})
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def decide(
        self,
        decision: Callable[[], None],
        caller: str,
        action: str,
        resource: str,
        service: str | None = None,
        account: str | None = None,
    ) -> None:
        """Come to a decision and write it down; raises `ServiceError` as the decision does."""
        try:
            decision()
        except ServiceError as error:
            self.record(caller, action, resource, error.code, service, account)
            raise
        self.record(caller, action, resource, ALLOWED, service, account)

    def reset(self) -> None:
        """Forget what was called."""
        with self._lock:
            if self._file is not None and not self._file.closed:
                self._file.seek(0)
                self._file.truncate()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            if self._file is not None:
                self._file.close()


def read(path: Path, start: int = 0) -> list[RecordedCall]:
    """The calls of a journal in the order of their decisions; a line that is being written is left out.

    `start` is the size in bytes that the journal had when it was read before.
    """
    with path.open("rb") as journal:
        journal.seek(start)
        lines = journal.readlines()
    calls: list[RecordedCall] = []
    for line in lines:
        if line.endswith(b"\n"):
            fields: dict[str, Any] = json.loads(line)
            time = datetime.fromisoformat(fields.pop("time"))
            calls.append(RecordedCall(time, **fields))
    return calls


def calling_service(context: Mapping[str, Any]) -> str | None:
    """The service that calls on somebody's behalf, by the condition keys that it adds."""
    via: str | None = context.get("kms:ViaService")
    return f"{via.split('.')[0]}.amazonaws.com" if via else None
