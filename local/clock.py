"""`make clock`: let time pass in the local cloud, so that what is due in days happens now."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cloud_process import CloudError, CloudProcess
from local.environment import REPOSITORY, LocalFolder, endpoint, port
from local.progress import Report
from local.stack_files import StackFiles

PATH = "/_golden-ami/clock"

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

SECONDS = 600
"""Time in which everything that is due on the way has been begun."""


def span(text: str) -> timedelta:
    """A time as it is typed: `90m`, `12h`, `7d`; raises `typer.BadParameter`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if found is None:
        raise typer.BadParameter(f"must be a number with m, h or d, as in 7d, got {text!r}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def forward(address: str, account: str, by: timedelta, secret: str = "root") -> datetime:
    """Move the cloud's clock, as the root of one of its accounts, and tell the time there; raises `CloudError`."""
    request = AWSRequest("POST", f"{address}{PATH}", data=str(by.total_seconds()))
    SigV4Auth(Credentials(account, secret), "golden-ami", "us-east-1").add_auth(request)
    signed: Any = request.prepare()
    # Never through a proxy of the environment.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(signed.url, signed.body.encode(), dict(signed.headers.items()), method="POST")
    try:
        with direct.open(asked, timeout=SECONDS) as answer:
            return datetime.fromisoformat(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise CloudError(error.read().decode().strip()) from error


def main(by: Annotated[str, typer.Option("--forward", help="How far: 90m, 12h, 7d.")] = "1d") -> None:
    """Let time pass in the running local cloud."""
    report = Report()
    record = CloudProcess(LocalFolder().cloud, port()).running()
    if record is None:
        report.console.print("the local cloud is not running; `make up` starts it")
        raise typer.Exit(1)
    account = StackFiles.read(REPOSITORY).landing_zone.hub.account
    now = forward(endpoint(record.port), account, span(by))
    report.console.print(f"the local cloud has {now:%Y-%m-%d %H:%M} UTC now")


if __name__ == "__main__":
    typer.run(main)
