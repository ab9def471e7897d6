"""`make down`: stop what `make up` started."""

from __future__ import annotations

from local.cloud_process import CloudProcess
from local.environment import LocalFolder, port
from local.progress import Report


def main() -> None:
    """Stop the local cloud; its accounts are gone with it."""
    report = Report()
    cloud = CloudProcess(LocalFolder().cloud, port())
    if cloud.stop():
        report.console.print("the local cloud is stopped; its accounts are gone with it, `make up` starts over")
    else:
        report.console.print("nothing is running")


if __name__ == "__main__":
    main()
