"""The local cloud as a program: `python -m local.cloud.server --port 4566 --directory .local/cloud`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from hypercorn.asyncio import serve
from hypercorn.config import Config

ADDRESS = "127.0.0.1"

SERVICES = "s3,sqs,sns,lambda,iam,sts,kms,ssm,ec2,events,logs,monitoring,tagging,states"
"""What ministack serves. Nothing else is loaded: some of its services open ports of their own."""

PORT_IN_USE = 2
"""Exit code where the port belongs to another program."""


def run(
    port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 4566,
    directory: Annotated[Path, typer.Option(help="Folder for what builds leave behind.")] = Path(".local/cloud"),
) -> None:
    """Serve the local cloud until it is asked to end."""
    with socket.socket() as probe:
        if probe.connect_ex((ADDRESS, port)) == 0:
            print(f"port {port} is in use by another program; choose another with --port", file=sys.stderr)
            raise typer.Exit(PORT_IN_USE)
    directory.mkdir(parents=True, exist_ok=True)
    # Read when ministack is imported.
    os.environ.update(
        {
            "AUTH": "true",
            "AWS_ENDPOINT_URL": f"http://{ADDRESS}:{port}",
            "BIND_HOST": ADDRESS,
            "GATEWAY_PORT": str(port),
            # On by default, whatever is served, and open to every address of the machine.
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "0",
            "SERVICES": SERVICES,
            "SFTP_ENABLED": "0",
        }
    )
    # The owner's own credentials must neither reach functions nor count as a root key here.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        os.environ.pop(name, None)
    asyncio.run(_serve(port, directory))


async def _serve(port: int, directory: Path) -> None:
    from ministack.app import app as ministack

    from local.cloud.front import Front

    front = Front(ministack)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    config = Config()
    config.bind = [f"{ADDRESS}:{port}"]
    config.accesslog = None
    config.graceful_timeout = 2
    server: Any = serve(front, config, shutdown_trigger=ended.wait)  # type: ignore[arg-type]
    assembling = asyncio.create_task(_assemble(front, directory))
    serving = asyncio.create_task(server)
    done, _ = await asyncio.wait({assembling, serving}, return_when=asyncio.FIRST_COMPLETED)
    if assembling in done and assembling.exception():
        ended.set()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    front.close()
    await assembling


async def _assemble(front: Any, directory: Path) -> None:
    """Put our services in front, and what AWS publishes to every account."""
    from local.cloud.assembly import assemble

    await asyncio.to_thread(assemble, front, asyncio.get_running_loop(), directory)


if __name__ == "__main__":
    typer.run(run)
