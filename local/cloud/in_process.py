"""botocore clients whose requests reach an ASGI application in this process, without a socket."""

from __future__ import annotations

import asyncio
import contextvars
import io
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.config import Config

from local.cloud.call import Credentials

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CLIENTS = 256
"""Clients that are kept: those of accounts' roots are used again and again, those of a role's session for its time."""

ADDRESS = "http://127.0.0.1:4566"
"""Only signed, never connected to."""


@dataclass
class Response:
    """What an application sent."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    body: bytearray = field(default_factory=bytearray)


class _Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, amt: int = 65536, **_options: Any) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


async def request(application: Application, scope: Scope, body: bytes) -> Response:
    """Run one request through an application and collect its answer."""
    response = Response()
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    ended = asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        if messages:
            return messages.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            response.body += message.get("body", b"")
            if not message.get("more_body"):
                ended.set()

    await application(scope, receive, send)
    return response


class Transport:
    """Sends botocore's requests to an application on the server's loop; to be used from other threads than the loop's.

    `extra_headers` are added after signing, as a proxy in front of a server would add them.
    """

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._loop = loop
        self._session = botocore.session.get_session()
        self._session.register_component("data_loader", _loader())
        # Making a client takes as long as several calls; clients may be shared by threads, a session may not.
        self._making = threading.Lock()
        self._made = lru_cache(CLIENTS)(self._make)

    def client(
        self, service: str, region: str, credentials: Credentials, extra_headers: Mapping[str, str] | None = None
    ) -> BaseClient:
        """A client of a service in a Region, perhaps one that others use as well."""
        with self._making:
            return self._made(service, region, credentials, tuple((extra_headers or {}).items()))

    def _make(
        self, service: str, region: str, credentials: Credentials, extra_headers: tuple[tuple[str, str], ...]
    ) -> BaseClient:
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=ADDRESS,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

        # botocore takes a handler's answer for the request's, which its types do not say.
        def send(request: AWSPreparedRequest, **_event: Any) -> Any:
            return self._send(request, dict(extra_headers))

        client.meta.events.register("before-send", send)
        return client

    def _send(self, prepared: AWSPreparedRequest, extra_headers: dict[str, str]) -> AWSResponse:
        body: Any = prepared.body or b""
        if not isinstance(body, bytes | str):
            body = body.read()
        content = body.encode() if isinstance(body, str) else body
        url = urlsplit(prepared.url)
        # Nothing of this process' own calls leaves it: to policies they came over TLS.
        own = {"host": url.netloc, "content-length": str(len(content)), "x-forwarded-proto": "https"}
        headers = {**own, **extra_headers}
        headers |= {name.lower(): _text(value) for name, value in prepared.headers.items()}
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": prepared.method,
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 4566),
        }
        response = self._run(scope, content)
        answer_headers: Any = HeadersDict({name.decode(): value.decode("latin-1") for name, value in response.headers})
        return AWSResponse(prepared.url, response.status, answer_headers, _Raw(bytes(response.body)))

    def _run(self, scope: Scope, body: bytes) -> Response:
        async def run() -> Response:
            # A context of its own: the caller's request context must not reach the request that it makes.
            task = self._loop.create_task(request(self._application, scope, body), context=contextvars.Context())
            return await task

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


@cache
def _loader() -> Any:
    # Service models take a second to read: all clients share what one has read.
    return botocore.session.get_session().get_component("data_loader")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
