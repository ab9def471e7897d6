"""`make import CONFIG=… PRODUCT=…`: a product file of the configuration of AWS's aws-cdk-golden-ami-pipeline sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commands.import_report import show
from commands.importing import Request, import_configuration
from commands.project import PROJECT, told_plainly


def main(
    config: Annotated[Path, typer.Option(help="The sample's config.json.")],
    product: Annotated[str, typer.Option(help="Name of the product that it becomes.")],
    defaults: Annotated[
        Path | None, typer.Option(help="The sample's default_component.json: the landing zone's mandatory steps.")
    ] = None,
    accounts: Annotated[
        Path | None, typer.Option(help="YAML file of account ids to the landing zone's names of accounts.")
    ] = None,
    topic_key: Annotated[str | None, typer.Option(help="ARN of the key that encrypts the given topic.")] = None,
) -> None:
    """Write a product's file and its documents, and tell what was decided; nothing is overwritten."""
    with told_plainly(Console(stderr=True)):
        done = import_configuration(Request(PROJECT, product, config, defaults, accounts, topic_key))
        done.write()
    show(done, Console())


if __name__ == "__main__":
    typer.run(main)
