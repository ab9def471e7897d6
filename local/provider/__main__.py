"""`python -m local.provider <engine address>`: the plugin as the engine starts it."""

import signal
import sys
import threading

from local.provider.server import serve


def main() -> None:
    """Serve until the engine ends the process; the port is the first and only line on standard output."""
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    server, port = serve()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop(grace=5).wait()


main()
