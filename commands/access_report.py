"""Launch access as a table, as JSON and as a page.

The JSON is an interface, and only grows while `version` stays:

    {"version": 1, "product": "ledger", "source": "planned" or "deployed", "holds": false,
     "launches": [{"principal": "<ARN>", "account": "<id>", "accountName": "workloads-test", "region": "eu-west-1",
                   "holds": false,
                   "steps": {"channel": {"answer": "yes", "deciding": ["…"], "missing": []}, …}}]}

`steps` holds every step of `model.launch_access.Step`, `answer` is one of `Answer`; `deciding` names what allowed or
refused, `missing` what is to be added or changed, and where. `holds` is false where any answer is "no" or "not judged".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from model.files.landing_zone import LandingZone
from model.launch_access import Answer, Cell, Row, Step

VERSION = 1

TEMPLATE = "access_report.html.jinja"

STYLES = {Answer.YES: "green", Answer.NO: "bold red", Answer.ROLES_OWN: "yellow", Answer.NOT_JUDGED: "bold magenta"}


class Source(StrEnum):
    """What the report was made from."""

    PLANNED = "planned"
    """The documents that the program deploys."""
    DEPLOYED = "deployed"
    """What the accounts answered."""


@dataclass(frozen=True)
class Reason:
    """What decided a step, or is missing, in the Regions named; in all of the principal's where there are none."""

    line: str
    regions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{', '.join(self.regions)}: {self.line}" if self.regions else self.line


@dataclass(frozen=True)
class PrincipalAccess:
    """One principal's launches, Region by Region."""

    arn: str
    account: str
    account_name: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """The role's name with its path."""
        return self.arn.partition("/")[2]

    def cells(self, step: Step) -> list[Cell]:
        """The answers to one step, in the order of the Regions."""
        return [row.cells[step] for row in self.rows]

    def reasons(self, step: Step) -> list[Reason]:
        """What decided a step, or what is missing; said once where it is the same in several Regions."""
        regions_of: dict[str, list[str]] = {}
        for row in self.rows:
            cell = row.cells[step]
            for line in cell.deciding if cell.answer is Answer.YES else cell.missing:
                regions_of.setdefault(line, []).append(row.region)
        return [
            Reason(line, () if len(regions) == len(self.rows) else tuple(regions))
            for line, regions in regions_of.items()
        ]


@dataclass(frozen=True)
class Report:
    """The rows of a product's launch access, ready to be shown."""

    product: str
    source: Source
    rows: tuple[Row, ...]
    landing_zone: LandingZone

    @property
    def holds(self) -> bool:
        """Whether no step of any launch is known to fail, or could not be judged."""
        return all(row.holds for row in self.rows)

    @property
    def conclusion(self) -> str:
        """The whole in one sentence."""
        if not self.rows:
            return f"{self.product} has no consumers: nobody launches from it"
        failing = sum(Answer.NO in _answers(row) for row in self.rows)
        unjudged = sum(not row.holds for row in self.rows) - failing
        told = ((failing, "would fail"), (unjudged, "could not be judged"))
        if counts := [f"{count} of {len(self.rows)} launches {what}" for count, what in told if count]:
            return f"{self.product}: {', '.join(counts)}"
        own = any(Answer.ROLES_OWN in _answers(row) for row in self.rows)
        rest = "; where it says so, the role's own policies decide: --live reads them" if own else ""
        return f"{self.product}: nothing {self.source} stands in the way of a launch{rest}"

    def principals(self) -> Iterator[PrincipalAccess]:
        """The principals in order, each with its rows."""
        for arn in dict.fromkeys(row.principal for row in self.rows):
            rows = tuple(row for row in self.rows if row.principal == arn)
            account = rows[0].account
            yield PrincipalAccess(arn, account, self.landing_zone.account_name(account), rows)

    def json(self) -> str:
        """The report in the shape that this module documents."""
        content = {
            "version": VERSION,
            "product": self.product,
            "source": self.source.value,
            "holds": self.holds,
            "launches": [self._launch(row) for row in self.rows],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def html(self) -> str:
        """The report as one page that loads nothing else."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template(TEMPLATE).render(report=self, steps=tuple(Step))

    def table(self) -> RenderableType:
        """A table for each principal, and the conclusion."""
        conclusion = Text(self.conclusion, style="green" if self.holds else "red")
        return Group(*(_principal_table(principal) for principal in self.principals()), conclusion)

    def _launch(self, row: Row) -> dict[str, Any]:
        return {
            "principal": row.principal,
            "account": row.account,
            "accountName": self.landing_zone.account_name(row.account),
            "region": row.region,
            "holds": row.holds,
            "steps": {
                step.value: {
                    "answer": cell.answer.value,
                    "deciding": list(cell.deciding),
                    "missing": list(cell.missing),
                }
                for step, cell in row.cells.items()
            },
        }


def _answers(row: Row) -> set[Answer]:
    return {cell.answer for cell in row.cells.values()}


def _principal_table(principal: PrincipalAccess) -> Table:
    title = Text(f"{principal.name} in {principal.account_name} ({principal.account})")
    table = Table("Step", *(row.region for row in principal.rows), title=title, title_justify="left")
    table.add_column("Decided by, or what is missing and where", overflow="fold")
    for step in Step:
        answers = [Text(cell.answer.value, style=STYLES[cell.answer]) for cell in principal.cells(step)]
        lines = [str(reason) for reason in principal.reasons(step)]
        if all(cell.answer is Answer.ROLES_OWN for cell in principal.cells(step)):
            lines = ["left to the role's own policies"]
        table.add_row(step.value, *answers, Text("\n".join(lines)))
    return table
