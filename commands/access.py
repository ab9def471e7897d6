"""`make access PRODUCT=ledger`: who may launch from a product's encrypted image, step by step, and what is missing."""

from __future__ import annotations

import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import boto3
import typer
from rich.console import Console

from commands.access_accounts import Accounts, DeploymentRoles
from commands.access_live import DeployedLaunches
from commands.access_report import Report, Source
from commands.project import PROJECT, product_of, told_plainly
from model.planned_launches import planned_launches

FILE_WIDTH = 160
"""Characters of a line of a table that goes into a file."""


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def access_report(product: str, project: Path, accounts: Accounts | None = None) -> Report:
    """A product's launch access: of the planned documents, or of what is deployed in the accounts given.

    Raises `FileError`, and botocore's `ClientError` where reading fails for another reason than access.
    """
    file, landing_zone, _ = product_of(project, product)
    plan = file.plan(landing_zone)
    if accounts is None:
        launches = planned_launches(product, plan, landing_zone.key_administrators)
        return Report(product, Source.PLANNED, launches.rows(), landing_zone)
    launches = DeployedLaunches(product, plan, file.build_instance_types[0], accounts).read()
    return Report(product, Source.DEPLOYED, launches.rows(), landing_zone)


def written(report: Report, form: Format) -> str:
    """The report's text as it goes into a file."""
    match form:
        case Format.JSON:
            return report.json()
        case Format.HTML:
            return report.html()
        case Format.TABLE:
            text = io.StringIO()
            Console(file=text, width=FILE_WIDTH).print(report.table())
            return text.getvalue()


def access(report: Report, form: Format, output: Path | None, console: Console) -> int:
    """Write the report; returns the exit code: 0 where nothing is known that makes a launch fail, else 1."""
    if output is not None:
        output.write_text(written(report, form), encoding="utf-8")
        console.print(f"{report.conclusion} ({output})", highlight=False, markup=False, soft_wrap=True)
    elif form is Format.TABLE:
        console.print(report.table())
    else:
        console.file.write(written(report, form))
    return 0 if report.holds else 1


def main(
    product: Annotated[str, typer.Option(help="Product whose launches are predicted.")],
    live: Annotated[
        bool, typer.Option("--live", help="Read what is deployed, as the accounts' deployment roles; changes nothing.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option(help="File to write to instead of the terminal.")] = None,
) -> None:
    """Tell who may launch from a product's encrypted image: principal by Region by step.

    An answer is yes with the statement that decides, no with what is missing and where to add it, or "role's own": an
    existing role's own policies decide, which only --live reads. Ends with 1 where any launch is known to fail.
    """
    with told_plainly(Console(stderr=True)):
        accounts: Accounts | None = None
        if live:
            _, landing_zone, _ = product_of(PROJECT, product)
            accounts = DeploymentRoles(boto3.Session(), landing_zone)
        sys.exit(access(access_report(product, PROJECT, accounts), form, output, Console()))


if __name__ == "__main__":
    typer.run(main)
