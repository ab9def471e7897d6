"""`make up`: from a fresh clone to a customised image in its target accounts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from local.build_following import BuildError
from local.cloud_process import CloudError, CloudProcess
from local.customised_image import CustomisedImage
from local.environment import REPOSITORY, LocalFolder, port
from local.image_report import table
from local.progress import Report
from local.script_upload import UploadError
from local.stack_files import StackFiles
from local.stacks import StackError
from local.start import start
from local.termination import interrupt_on_termination
from model.files.loading import LANDING_ZONE_STACK
from model.files.problems import FileError

FAILURES = (CloudError, StackError, BuildError, UploadError, FileError, ClientError, BotoCoreError)
"""What goes wrong in ways that a person can mend; anything else is a fault of this program and shows its traceback."""


def run(product: str, folder: LocalFolder, cloud: CloudProcess, report: Report) -> None:
    """Bring everything up for one product; what is there already is left as it is."""
    StackFiles.read(REPOSITORY).product(product)
    session = start(folder, cloud, report)
    for stack in (LANDING_ZONE_STACK, product):
        report.remark(f"{stack}: {session.stacks.up(stack)}")
    image = CustomisedImage(session, product, REPOSITORY / "examples" / product)
    finished = image.build()
    rows = image.rows(finished)
    report.console.print(table(product, rows))
    recorded = image.recorded(finished)
    if recorded:
        report.remark(f"The build recorded and did not execute {len(recorded)} commands, which need what is not here:")
        for line in recorded:
            report.remark(f"  {line}")
    report.remark(f"The cloud answers on {session.address} until `make down`.")
    refused = [row for row in rows if row.launched.startswith("no")]
    if refused:
        raise BuildError(f"{len(refused)} of {len(rows)} launches were refused; the table says why")


def main(product: Annotated[str, typer.Option(help="Product whose stack and scripts are used.")] = "ledger") -> None:
    """Bring everything up and show where the image is."""
    folder = LocalFolder()
    report = Report()
    cloud = CloudProcess(folder.cloud, port())
    ran_before = cloud.running() is not None
    interrupt_on_termination()
    try:
        run(product, folder, cloud, report)
    except FAILURES as error:
        report.console.print(f"[red]{escape(str(error))}[/]")
        sys.exit(1)
    except KeyboardInterrupt:
        if not ran_before:
            cloud.stop()
        again = "make up" if product == "ledger" else f"make up PRODUCT={product}"
        if ran_before:
            report.remark(f"stopped; the local cloud runs on as before, `{again}` goes on from there")
        else:
            report.remark(f"stopped; nothing is left running, `{again}` starts over with the engine that is there")
        sys.exit(130)


if __name__ == "__main__":
    typer.run(main)
