"""`make preview`: what deploying a product would do, on the local cloud that runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from local.cloud_process import CloudError
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from local.stacks import StackError
from model.files.problems import FileError


def main(product: Annotated[str, typer.Option(help="Product whose stack is previewed.")]) -> None:
    """Preview one stack with the policy pack."""
    report = Report()
    try:
        session = Session.of_running_cloud(LocalFolder(), report, StackFiles.read(REPOSITORY))
        sys.exit(session.stacks.preview(product))
    except (CloudError, FileError, StackError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
