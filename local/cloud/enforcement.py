"""What ministack decides about access, request by request, for the journal and for decisions that follow.

ministack holds each request against `iam_evaluator.enforce`, once for every action and resource that it derives, and
its services may refuse on their own after that. So a request's checks are gathered, and written when it is answered.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id

from local.cloud.in_process import Send
from local.cloud.journal import ALLOWED, Journal

EVERYBODYS = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""What AWS allows whatever policies say (IAM User Guide, "Policy evaluation logic")."""

REFUSAL = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|KMSAccess|KmsAccess")
CODE = re.compile(rb'<Code>([^<]+)</Code>|"(?:__type|code|Code)"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass(frozen=True)
class Check:
    """What ministack decided on one action and one resource."""

    caller: str
    action: str
    resource: str
    allowed: bool


_checks: ContextVar[list[Check] | None] = ContextVar("golden_ami_checks", default=None)


def gather() -> list[Check]:
    """Begin a request: its checks are put into the list that is returned."""
    checks: list[Check] = []
    _checks.set(checks)
    return checks


def decided(resource: str) -> bool:
    """Whether the running request's caller was held against the policies of a resource, and allowed."""
    return any(check.allowed and check.resource == resource for check in _checks.get() or [])


def note_enforcement() -> None:
    """Have ministack's decisions gathered."""
    original = evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> evaluator.EvalResult | evaluator.AuthError | None:
        denied = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        checks = _checks.get()
        if checks is not None and not isinstance(denied, evaluator.AuthError) and iam_action not in EVERYBODYS:
            caller = _caller(access_key_id)
            if caller:
                checks.append(Check(caller, iam_action, resource_arn, denied is None))
        return denied

    evaluator.enforce = enforce


def _caller(access_key_id: str) -> str | None:
    """ARN behind an access key; None where nobody signed."""
    if not access_key_id:
        return None
    found = evaluator.resolve_credential(access_key_id, get_account_id())
    return None if isinstance(found, evaluator.CredentialResolutionError) else found.principal_arn


@dataclass
class Noting:
    """Stands between ministack and a request's client: writes the request's checks before the client has its answer."""

    send: Send
    checks: list[Check]
    journal: Journal
    service: str | None = None
    _start: MutableMapping[str, Any] | None = field(default=None, init=False)

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Hand a message on; the start of a failure is kept until its body says how it failed."""
        if message["type"] == "http.response.start":
            if message["status"] >= 400 and self.checks:
                self._start = message
                return
            self._write(None)
        elif self._start is not None:
            start, self._start = self._start, None
            self._write(_refusal(start, message.get("body", b"")))
            await self.send(start)
        await self.send(message)

    def _write(self, refusal: str | None) -> None:
        denied = any(not check.allowed for check in self.checks)
        for check in self.checks:
            # Where the policies of the caller allowed all, the service itself refused what they allowed.
            refused = not check.allowed or (refusal and not denied and REFUSAL.search(refusal))
            decision = (refusal or "AccessDenied") if refused else ALLOWED
            self.journal.record(check.caller, check.action, check.resource, decision, self.service)
        self.checks.clear()


def _refusal(start: MutableMapping[str, Any], body: bytes) -> str | None:
    """The code of a failed request: in its body, or in a header where there is none."""
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start.get("headers", [])}
    # Where a service once spoke the query protocol, clients see the code that it had there.
    stated = headers.get("x-amzn-query-error") or headers.get("x-amzn-errortype")
    if stated:
        return re.split("[;:]", stated)[0]
    found = CODE.search(body)
    if found:
        return next(code for code in found.groups() if code).decode()
    return "AccessDenied" if start["status"] == 403 else None
