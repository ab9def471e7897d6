"""`make policies`: the policy pack's rules, what each answers, and what is waived; `docs/policies.md` is their page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from commands.audit import pack_waivers
from commands.project import PROJECT
from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES
from policies.rules.rule import ResourceRule, StackRule
from policies.rules.waivers import Waivers

PAGE = PROJECT / "docs" / "policies.md"
RULES: tuple[ResourceRule | StackRule, ...] = (*RESOURCE_RULES, *STACK_RULES)

INTRODUCTION = """\
# The rules of the policy pack

`pulumi preview --policy-pack policies` and `pulumi up` hold every stack to these rules, all at level mandatory. What a
preview cannot know is counted in a remark and judged by the update, and by `make audit PRODUCT=ledger`. Exceptions are
in `policies/waivers.yaml`, each with its owner, its reason and its last day. Where a field of a stack's file decides
what a rule checks, a violation ends with its line, as in `(stacks/Pulumi.ledger.yaml:14, distribution)`. This page is
written by `make policies POLICIES=--write`.

A rule is advisory where the file of `--policy-pack-config` says so and why; without a reason it stays mandatory and
says so. None can be turned off:

```json
{"logs-group-require-retention": {"enforcementLevel": "advisory", "reason": "Logs are copied to an archive."}}
```

"""


def page() -> str:
    """The generated page: every rule, by the service that its name begins with."""
    services: dict[str, list[ResourceRule | StackRule]] = {}
    for rule in RULES:
        services.setdefault(rule.name.partition("-")[0], []).append(rule)
    sections = [_section(service, rules) for service, rules in sorted(services.items())]
    return INTRODUCTION + "\n".join(sections)


def _section(service: str, rules: list[ResourceRule | StackRule]) -> str:
    rows = [
        f"| `{rule.name}` | {rule.requirement} | {rule.severity.value} | {', '.join(rule.controls)} | {_field(rule)} |"
        for rule in rules
    ]
    return "\n".join(
        (
            f"## {service}",
            "",
            "| rule | what must hold | severity | answers | field |",
            "|---|---|---|---|---|",
            *rows,
            "",
        )
    )


def _field(rule: ResourceRule | StackRule) -> str:
    return f"`{rule.field}`" if rule.field else ""


def listed(waivers: Waivers) -> Table:
    """The rules as a table for the terminal."""
    table = Table("rule", "severity", "answers", "field", "waived for")
    for rule in RULES:
        excused = [f"{each.resource} until {each.expires}" for each in waivers.valid if each.rule == rule.name]
        over = [f"{each.resource}: over since {each.expires}" for each in waivers.expired if each.rule == rule.name]
        waived = "\n".join((*excused, *over))
        table.add_row(rule.name, rule.severity.value, ", ".join(rule.controls), rule.field, waived)
    return table


def today() -> date:
    """The day that waivers are read on."""
    return datetime.now(UTC).date()


def main(write: Annotated[bool, typer.Option("--write", help="Write docs/policies.md.")] = False) -> None:
    """List every rule with its severity, the controls it answers and its waivers."""
    if write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        Console().print(listed(pack_waivers(today())))


if __name__ == "__main__":
    typer.run(main)
