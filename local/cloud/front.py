"""The local cloud's one address: our services first, everything else to ministack."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from moto.core.model import OperationModel

from local.cloud import enforcement, identity, protocol
from local.cloud.call import Call, ServiceError
from local.cloud.clock import MovableClock
from local.cloud.gateway import CONTEXT_HEADER, SERVICE_HEADER, Gateway
from local.cloud.guard import Guard, SignedRequest
from local.cloud.in_process import Application, Receive, Scope, Send
from local.cloud.protocol import HttpAnswer, HttpRequest
from local.cloud.service import Service

log = logging.getLogger("golden-ami.cloud")

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
CLOCK_PATH = "/_golden-ami/clock"
"""Takes the seconds by which the cloud's clock shall go forward, and answers the time."""

VERSION_2 = re.compile(r"^AWS ([^:]+):")


class Front:
    """ASGI application. `services` and `guards` are set once they have been made with the gateway."""

    def __init__(self, beneath: Application) -> None:
        self.beneath = beneath
        self._services: dict[str, Service] = {}
        self._gateway: Gateway | None = None
        self._guards: Sequence[Guard] = ()
        # Builds, copies and functions wait for calls that come back here: more threads than such chains are deep.
        self._workers = ThreadPoolExecutor(max_workers=64, thread_name_prefix="cloud")

    def serve(self, gateway: Gateway, services: Sequence[Service], guards: Sequence[Guard] = ()) -> None:
        """Put services in front."""
        self._gateway = gateway
        self._services = {service.name: service for service in services}
        self._guards = guards

    def close(self) -> None:
        """Let no further call begin; what runs is told by its own service."""
        for service in self._services.values():
            service.reset()
        self._workers.shutdown(wait=False, cancel_futures=True)
        if self._gateway is not None:
            self._gateway.journal.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.beneath(scope, receive, send)
            return
        if self._gateway is None:
            # Also the answer to a health check, so that nobody meets a cloud without its own services.
            await _send(send, HttpAnswer(503, {"Retry-After": "1"}, b"the local cloud is starting\n"))
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        signed = _signed_for(headers, scope["query_string"].decode())
        # The loopback stands for TLS: nothing leaves the machine. A client may still say that it came without.
        headers.setdefault("x-forwarded-proto", "https")
        scope = {**scope, "headers": _with_protocol(scope["headers"], headers["x-forwarded-proto"])}
        if scope["path"] == CLOCK_PATH:
            await _send(send, await self._move_clock(signed, scope, await _read(receive)))
            return
        if signed is not None and signed.service in {*self._services, *self._guarded()}:
            body = await _read(receive)
            request = HttpRequest(scope["method"], _path(scope), scope["query_string"].decode(), headers, body)
            answer = await self._answer(signed, scope, request)
            if answer is not None:
                await _send(send, answer)
                return
            receive = _replay(body)
        on_behalf = self._gateway.vouched(headers.get(SERVICE_HEADER))
        noting = enforcement.Noting(send, enforcement.gather(), self._gateway.journal, on_behalf)
        await self.beneath(scope, receive, noting)

    async def _move_clock(self, signed: _Signed | None, scope: Scope, body: bytes) -> HttpAnswer:
        """Let time pass: only the root of an account may, as nobody can on AWS."""
        assert self._gateway is not None
        clock = self._gateway.clock
        try:
            if signed is None or not isinstance(clock, MovableClock):
                raise ServiceError("AccessDenied", "The clock takes signed requests, where it can be moved.", 403)
            if not identity.authenticate(scope, body, signed.access_key_id, signed.region).is_root:
                raise ServiceError("AccessDenied", "Only the root of an account moves the clock.", 403)
            by = timedelta(seconds=float(body))
        except ServiceError as error:
            return HttpAnswer(error.status, {}, f"{error}\n".encode())
        except (ValueError, OverflowError):
            return HttpAnswer(400, {}, b"the body is the number of seconds\n")
        now = await self._in_thread(clock.forward, by)
        return HttpAnswer(200, {}, now.isoformat().encode())

    def _guarded(self) -> frozenset[str]:
        return frozenset().union(*(guard.services for guard in self._guards))

    async def _answer(self, signed: _Signed, scope: Scope, request: HttpRequest) -> HttpAnswer | None:
        """Our answer; None where ministack shall answer."""
        service = self._services.get(signed.service)
        if service is None:
            return await self._refusal(signed, request)
        operation = protocol.operation_of(service.name, request)
        if operation is None or operation.name not in service.operations:
            if not service.whole:
                return await self._refusal(signed, request)
            name = operation.name if operation else f"{request.method} {unquote(request.path)}"
            message = f"The local cloud does not do {service.name}:{name}."
            return protocol.error_answer(service.name, ServiceError("UnsupportedOperation", message, 501))
        try:
            return await self._in_thread(self._call, service, operation, signed, scope, request)
        except ServiceError as error:
            return protocol.error_answer(service.name, error)
        except Exception:
            log.exception("%s:%s failed", service.name, operation.name)
            message = f"{operation.name} failed within the local cloud; see its log."
            return protocol.error_answer(service.name, ServiceError("InternalFailure", message, 500))

    def _call(
        self, service: Service, operation: OperationModel, signed: _Signed, scope: Scope, request: HttpRequest
    ) -> HttpAnswer:
        assert self._gateway is not None
        caller = identity.authenticate(scope, request.body, signed.access_key_id, signed.region)
        parameters = protocol.parameters(operation, request)
        context = self._gateway.context(request.headers.get(CONTEXT_HEADER))
        if request.headers["x-forwarded-proto"] != "https":
            context["aws:SecureTransport"] = "false"
        call = Call(service.name, operation.name, signed.region, caller, parameters, context)
        if service.resource_of is not None:
            tags: dict[str, str] = parameters.get("tags") or {}
            keys: dict[str, Any] = {**context, **{f"aws:RequestTag/{name}": value for name, value in tags.items()}}
            if tags:
                keys["aws:TagKeys"] = list(tags)
            self._gateway.authorize(
                caller, f"{service.name}:{operation.name}", service.resource_of(call), signed.region, keys
            )
        return protocol.answer(operation, service.operations[operation.name](call))

    async def _refusal(self, signed: _Signed, request: HttpRequest) -> HttpAnswer | None:
        """The answer to what a guard refuses; ministack does the rest."""
        guards = [guard for guard in self._guards if signed.service in guard.services]

        def check() -> None:
            try:
                caller = identity.caller_of(identity.known_credentials(signed.access_key_id))
            except ServiceError:
                # ministack says who is unknown here, in its service's own words.
                return
            for guard in guards:
                guard.check(SignedRequest(signed.service, signed.region, caller, request, signed.version))

        if not guards:
            return None
        try:
            await self._in_thread(check)
        except ServiceError as error:
            return protocol.error_answer(signed.service, error)
        return None

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        run = functools.partial(contextvars.Context().run, function, *arguments)
        return await loop.run_in_executor(self._workers, run)


class _Signed:
    """What a signature's scope says: whose key, which Region, which service."""

    def __init__(self, access_key_id: str, region: str, service: str, version: int = 4) -> None:
        self.access_key_id = access_key_id
        self.region = region
        self.service = service
        self.version = version


def _signed_for(headers: Mapping[str, str], query: str) -> _Signed | None:
    stated = headers.get("authorization", "")
    match = CREDENTIAL.search(stated)
    if match:
        return _Signed(match[1], match[2], match[3])
    fields = parse_qs(query)
    parts = fields.get("X-Amz-Credential", [""])[0].split("/")
    if len(parts) == 5:
        return _Signed(parts[0], parts[2], parts[3])
    older = VERSION_2.match(stated)
    key = older.group(1) if older else fields.get("AWSAccessKeyId", [None])[0]
    return _Signed(key, "us-east-1", "s3", 2) if key else None


def _path(scope: Scope) -> str:
    """The path as it was sent: an escaped slash is part of a name."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def _with_protocol(headers: Sequence[tuple[bytes, bytes]], forwarded: str) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"x-forwarded-proto"]
    return [*kept, (b"x-forwarded-proto", forwarded.encode())]


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        # The server cancels a request whose client is gone; until then there is nothing more to receive.
        return await asyncio.get_running_loop().create_future()

    return receive


async def _send(send: Send, answer: HttpAnswer) -> None:
    headers = {"x-amzn-requestid": str(uuid.uuid4()), **{name.lower(): value for name, value in answer.headers.items()}}
    headers["content-length"] = str(len(answer.body))
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
