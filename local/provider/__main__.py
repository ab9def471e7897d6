"""`python -m local.provider <engine address>`: the plugin as the engine starts it."""

import os
import signal
import stat
import sys
import threading
from types import FrameType

from local.provider.server import serve

GRACE = 5
"""Seconds in which requests may end, so that what they made is recorded."""


def main() -> None:
    """Serve until the engine ends the process or is gone; the port is the only line on standard output."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server, port = serve()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    _watch_engine(ended)
    ended.wait()
    server.stop(grace=GRACE).wait()


def _watch_engine(ended: threading.Event) -> None:
    """The engine holds the other end of this process's input for as long as it lives."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def wait() -> None:
        while os.read(0, 1024):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
