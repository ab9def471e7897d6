"""`make audit`: the policy pack's rules over what is deployed on the local cloud."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands.audit import audited, show
from local.cloud_process import CloudError
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from local.stacks import StackError
from model.files.problems import FileError


def main(product: Annotated[str, typer.Option(help="Product, or landing-zone, whose stack is judged.")]) -> None:
    """Judge a deployed stack; ends with 1 where a rule is broken."""
    report = Report()
    try:
        session = Session.of_running_cloud(LocalFolder(), report, StackFiles.read(REPOSITORY))
        found = audited(session.stacks.export(product), datetime.now(UTC).date())
    except (CloudError, FileError, StackError, ValueError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(2)
    sys.exit(show(found, report.console))


if __name__ == "__main__":
    typer.run(main)
