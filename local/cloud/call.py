"""One call of an AWS operation, as the services of the local cloud see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Credentials:
    """An access key; temporary ones carry a session token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Caller:
    """Who calls: `arn` is the assumed role's session, the user or the account's root, as STS names it."""

    account: str
    arn: str
    credentials: Credentials

    @property
    def is_root(self) -> bool:
        """Whether this is an account's root, which identity policies do not bind."""
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class Call:
    """A call whose signature was checked and whose parameters fit the operation's input shape.

    `context` holds condition keys of the call's own way here: those that an AWS service adds when it calls on
    somebody's behalf (`kms:ViaService`), and `aws:SecureTransport` where it came without TLS.
    """

    service: str
    operation: str
    region: str
    caller: Caller
    parameters: dict[str, Any]
    context: Mapping[str, str] = field(default_factory=dict[str, str])


class ServiceError(Exception):
    """An error as AWS answers it: code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
