"""What an import did, as a person reads it: files, decisions, and what comes next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from textwrap import indent

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands.importing import Import
from model.files.sample.draft import Decision

STATED_MAXIMUM = 60
"""Characters of a stated value that a table shows."""


def show(done: Import, console: Console) -> None:
    """Written files, then what was decided, then what to do."""
    console.print(_files(done))
    if done.decisions:
        console.print(_decisions(done.decisions))
    console.print("Next", style="bold")
    for step, block in next_steps(done):
        console.print(f"• {step}", markup=False, highlight=False)
        if block:
            # Whole lines, however narrow the console: they are there to be copied.
            console.print(indent(block.rstrip(), "    "), markup=False, highlight=False, soft_wrap=True)


def next_steps(done: Import) -> Iterator[tuple[str, str | None]]:
    """What the import leaves to a person, each with a block to copy where there is one."""
    product = done.product
    if done.mandatory:
        block = yaml.safe_dump({"mandatoryComponents": {"linux": done.mandatory}}, sort_keys=False, width=120)
        yield "add the default components to stacks/Pulumi.landing-zone.yaml; no product can leave them out:", block
    if product.scan is not None and not done.landing_zone.inspector:
        yield "let Amazon Inspector scan in the hub, in stacks/Pulumi.landing-zone.yaml:", "inspector: true\n"
    yield "name the roles that launch from the image, which need its key, under consumers", None
    yield f"make preview PRODUCT={product.name}", None
    yield f"pulumi up --stack {product.name} --policy-pack policies", None
    names = product.names(done.landing_zone)
    yield f"aws s3 cp {product.entry_script} s3://{names.bucket}/scripts/, which builds the image", None


def _files(done: Import) -> Table:
    table = _table(f"Imported {done.product.name}", "written", "from")
    for path in done.files:
        table.add_row(Text(str(path)), Text(done.sources.get(path, "")))
    return table


def _decisions(decisions: tuple[Decision, ...]) -> Table:
    """A row for each reason and choice, with all keys that it is for."""
    table = _table("Decided", "configuration", "chosen", "why")
    for (chosen, reason), group in groupby(decisions, key=lambda each: (each.chosen, each.reason)):
        stated = Text("\n").join(_stated(each) for each in group)
        table.add_row(stated, Text(chosen), Text(reason))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_lines=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _stated(decision: Decision) -> Text:
    stated = decision.stated
    value = stated if isinstance(stated, str) else "left out" if stated is None else json.dumps(stated)
    shown = value if len(value) <= STATED_MAXIMUM else f"{value[: STATED_MAXIMUM - 1]}…"
    return Text.assemble((decision.key, "bold"), f": {shown}")
