"""`pulumi stack export --stack ledger | python -m commands.audit`: the policy pack's rules over what is deployed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from commands.project import PROJECT
from policies.rules.exported import exported_resources
from policies.rules.judgement import Judgements, judgements, rule_names
from policies.rules.landing_zone import landing_zone_configuration
from policies.rules.remediation import read_stack_files
from policies.rules.waivers import Waivers, read_waivers

PACK = PROJECT / "policies"


def pack_waivers(today: date) -> Waivers:
    """The pack's own waivers on a day; raises `SystemExit` with all that is wrong in their file."""
    return read_waivers(PACK / "waivers.yaml", today, rule_names())


def audited(export: Mapping[str, Any], today: date) -> Judgements:
    """Judge an exported stack on a day; raises ValueError where it is no export, and `SystemExit` as above."""
    resources = exported_resources(export)
    return judgements(resources, landing_zone_configuration(PACK), pack_waivers(today), read_stack_files(PACK))


def conclusion(found: Judgements) -> str:
    """The outcome in one line."""
    waived = f", {len(found.waived)} waived" if found.waived else ""
    if not found.violations:
        return f"No violation{waived}."
    count = len(found.violations)
    return f"{count} violation{'s' if count > 1 else ''}{waived}."


def show(found: Judgements, console: Console) -> int:
    """Print what was found; returns the exit code: 1 where a rule is broken."""
    if found.violations:
        table = Table("rule", "what is wrong")
        for each in found.violations:
            table.add_row(each.rule, each.message)
        console.print(table)
    for each in found.waived:
        waiver = each.waiver
        assert waiver is not None
        console.print(f"waived until {waiver.expires} by {waiver.owner}: {each.resource} ({each.rule})", markup=False)
    console.print(conclusion(found))
    return 1 if found.violations else 0


def main() -> None:
    """Judge the export on standard input by the policy pack; ends with 1 where a rule is broken, 2 for no export."""
    try:
        found = audited(json.load(sys.stdin), datetime.now(UTC).date())
    except ValueError as error:
        Console(stderr=True).print(f"standard input cannot be audited: {error}", markup=False)
        sys.exit(2)
    sys.exit(show(found, Console()))


if __name__ == "__main__":
    typer.run(main)
