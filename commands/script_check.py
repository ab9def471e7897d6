"""`make script-check PRODUCT=ledger SCRIPT=install.sh`: check scripts as an upload is checked, before it is one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands.project import PROJECT, CommandError, product_of, told_plainly
from model.files.product import Product
from runtime.functions.findings import Finding
from runtime.functions.script_checks import ScriptChecks, in_order
from runtime.functions.shell_lint import ShellcheckError


def scripts_at(script: Path) -> dict[str, Path]:
    """Files by the path that they would be uploaded under; raises `CommandError`."""
    if script.is_file():
        return {script.name: script}
    if not script.is_dir():
        raise CommandError(f"{script} is not there; state a script, or the folder that is uploaded")
    return {file.relative_to(script).as_posix(): file for file in sorted(script.rglob("*")) if file.is_file()}


def find(product: Product, script: Path) -> tuple[int, list[Finding]]:
    """The number of files, and all that is found in them; raises `CommandError` where they cannot be checked.

    A folder is one upload, and so has to hold the entry script; a file is checked alone.
    """
    files = scripts_at(script)
    checks = ScriptChecks(product.entry_script if script.is_dir() else script.name, product.operating_system.value)
    try:
        findings = checks.listing({path: file.stat().st_size for path, file in files.items()})
        for path, file in files.items():
            with file.open("rb") as opened:
                findings += checks.content(path, opened.read(checks.content_maximum))
    except (OSError, ShellcheckError) as error:
        raise CommandError(str(error)) from error
    return len(files), in_order(findings)


def findings_table(title: str, findings: Sequence[Finding]) -> Table:
    """What was found, by file, line and rule."""
    table = Table("File", "Line", "Rule", "What to do", title=title, title_justify="left")
    for finding in findings:
        # As text: a path or a message may hold what would be markup.
        cells = (finding.path, str(finding.line or ""), finding.rule, finding.message)
        table.add_row(*(Text(cell, overflow="fold") for cell in cells))
    return table


def check(product_name: str, project: Path, script: Path, console: Console) -> int:
    """Check and tell; returns the exit code."""
    product, _, _ = product_of(project, product_name)
    count, findings = find(product, script)
    refusing = [finding for finding in findings if finding.refuses]
    warnings = [finding for finding in findings if not finding.refuses]
    if refusing:
        console.print(findings_table("Refused", refusing))
    if warnings:
        console.print(findings_table("Warnings: built all the same", warnings))
    verdict = "would be refused" if refusing else "may be uploaded"
    told = f"{product_name}: {_counted(count, 'file')}, {_counted(len(refusing), 'refusal')}, "
    told += f"{_counted(len(warnings), 'warning')}; {script} {verdict}"
    console.print(told, style="red" if refusing else "green", markup=False, highlight=False, soft_wrap=True)
    return 1 if refusing else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def main(
    product: Annotated[str, typer.Option(help="Product that the scripts are for.")],
    script: Annotated[Path, typer.Option(help="A script, or the folder that is uploaded.")],
) -> None:
    """Check scripts as an upload is checked, before it is one: nothing is sent."""
    with told_plainly(Console(stderr=True)):
        sys.exit(check(product, PROJECT, script, Console()))


if __name__ == "__main__":
    typer.run(main)
