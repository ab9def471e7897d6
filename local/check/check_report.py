"""One report of a check: per stack what changes, what breaks a rule, and who can launch before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.table import Table

from local.check.access_change import AccessRow
from local.check.preview_events import Change, Operation, Preview
from model.files.guarded import Guarded

TEMPLATES = Path(__file__).parent


class Verdict(IntEnum):
    """How a check ended; the value is the command's exit code."""

    CLEAN = 0
    """Nothing stands in the way."""
    VIOLATIONS = 1
    """A rule is broken, or something guarded would end without leave."""
    BROKEN = 2
    """The check could not be brought to its end."""


@dataclass(frozen=True)
class StackReport:
    """One stack's preview, what its file lets end, and its launches; `access` is empty for the landing zone."""

    preview: Preview
    allowed: frozenset[Guarded] = frozenset()
    access: tuple[AccessRow, ...] = ()

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.preview.stack

    @property
    def refused(self) -> tuple[Change, ...]:
        """What would end though it is guarded and the product's file does not allow it."""
        return tuple(change for change in self._ending if change.guarded not in self.allowed)

    @property
    def protected(self) -> tuple[Change, ...]:
        """What may end, once its protection is lifted in the stack that is deployed."""
        return tuple(change for change in self._ending if change.guarded in self.allowed)

    @property
    def _ending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.preview.changes if change.ends and change.guarded)

    @property
    def verdict(self) -> Verdict:
        """What the stack alone comes to; what broke outweighs what is violated, as nothing else is sure then."""
        if self.preview.errors:
            return Verdict.BROKEN
        return Verdict.VIOLATIONS if self.preview.explains_itself or self.refused else Verdict.CLEAN

    @property
    def counts(self) -> Mapping[Operation, int]:
        """How many resources each operation touches."""
        return {operation: len(self.preview.of(operation)) for operation in Operation}

    @property
    def changed_access(self) -> tuple[AccessRow, ...]:
        """Launches that the change makes possible, or takes away."""
        return tuple(row for row in self.access if row.changed)

    @property
    def conclusion(self) -> str:
        """The stack in a few words."""
        if self.preview.errors:
            return "could not be previewed"
        told = [
            f"{len(found)} {word}{'s' if len(found) > 1 else ''}"
            for found, word in ((self.preview.violations, "violation"), (self.refused, "refused ending"))
            if found
        ]
        if not told and self.verdict is Verdict.VIOLATIONS:
            return "protected"
        return ", ".join(told) or "keeps every rule"


@dataclass(frozen=True)
class CheckReport:
    """A whole check.

    `against` says what the change is compared with; `problems` are what is wrong beside the stacks: waivers, and
    products whose files are gone.
    """

    against: str
    stacks: tuple[StackReport, ...]
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of everything."""
        of_problems = Verdict.VIOLATIONS if self.problems else Verdict.CLEAN
        return max((of_problems, *(stack.verdict for stack in self.stacks)))

    @property
    def conclusion(self) -> str:
        """The whole in one sentence."""
        if not self.stacks and not self.problems:
            return "The change affects no stack."
        match self.verdict:
            case Verdict.CLEAN:
                return f"{_stacks(len(self.stacks))} previewed: nothing stands in the way."
            case Verdict.VIOLATIONS:
                bad = sum(stack.verdict is Verdict.VIOLATIONS for stack in self.stacks)
                beside = f", and {len(self.problems)} more to mend" if self.problems else ""
                return f"{bad} of {_stacks(len(self.stacks))} may not be deployed like this{beside}."
            case Verdict.BROKEN:
                bad = sum(stack.verdict is Verdict.BROKEN for stack in self.stacks)
                return f"{bad} of {_stacks(len(self.stacks))} could not be previewed."

    def markdown(self) -> str:
        """The report for a comment on a pull request."""
        return _render("check_report.md.jinja", self, escaped=False)

    def html(self) -> str:
        """The report as a page of its own, without anything to load."""
        return _render("check_report.html.jinja", self, escaped=True)

    def table(self) -> Table:
        """The report for a terminal."""
        table = Table("stack", *(f"{operation}d" for operation in Operation), "launches changed", "outcome")
        for stack in self.stacks:
            counts = (str(count or "") for count in stack.counts.values())
            style = "green" if stack.verdict is Verdict.CLEAN else "red"
            table.add_row(stack.stack, *counts, str(len(stack.changed_access) or ""), stack.conclusion, style=style)
        return table


def in_cell(text: str) -> str:
    """Text as it stands in a cell of a Markdown table, where it means nothing but itself."""
    for character in "\\`*_[]<>#|~":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def _stacks(count: int) -> str:
    return f"{count} stack{'' if count == 1 else 's'}"


def _render(template: str, report: CheckReport, *, escaped: bool) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = in_cell
    return environment.get_template(template).render(report=report, Operation=Operation, Verdict=Verdict)
