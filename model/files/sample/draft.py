"""A product file in the making: its values, where each comes from, what was decided, and what cannot be taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.files.problems import Location, Problem, dotted
from model.files.sample.source import SampleFile


@dataclass(frozen=True)
class Decision:
    """Something that the configuration says, or leaves out, and that is otherwise here."""

    key: str
    """The configuration's key, as the file spells it."""
    stated: Any
    """Its value there; None where it is left out."""
    chosen: str
    reason: str


@dataclass(frozen=True)
class ImportedDocument:
    """A component's document that is copied beside a stack's file."""

    stack: str
    name: str
    """Its file's name in `stacks/<stack>/`."""
    file: str
    """Its path as the configuration states it."""
    location: Location
    source: SampleFile


@dataclass
class Draft:
    """Gathers what one file of the sample becomes."""

    source: SampleFile
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    origins: dict[str, Location] = field(default_factory=dict[str, Location])
    """The configuration's place of each place in the product's file, as messages name that."""
    decisions: list[Decision] = field(default_factory=list[Decision])
    documents: list[ImportedDocument] = field(default_factory=list[ImportedDocument])
    problems: list[Problem] = field(default_factory=list[Problem])

    def put(self, target: Location, origin: Location, value: Any) -> None:
        """State a field of the product's file, if there is a value, and where it comes from in any case."""
        self.origins[dotted(target)] = origin
        if value is None:
            return
        *parents, last = target
        holder = self.values
        for part in parents:
            holder = holder.setdefault(str(part), {})
        holder[str(last)] = value

    def comes_from(self, target: Location, origin: Location) -> None:
        """Where a field comes from that is stated as a part of another."""
        self.origins[dotted(target)] = origin

    def decide(self, origin: Location, chosen: str, reason: str) -> None:
        """Tell what was chosen instead of what the configuration says."""
        self.decisions.append(Decision(self.source.field(origin), self.source.stated(origin), chosen, reason))

    def refuse(self, origin: Location, message: str) -> None:
        """Tell what cannot be taken over."""
        self.problems.append(self.source.problem(origin, message))


def origin_of(origins: Mapping[str, Location], place: str) -> Location | None:
    """Where a place of a product's file comes from: its own origin, or that of the nearest part around it."""
    while place:
        if place in origins:
            return origins[place]
        place = place.rpartition(".")[0]
    return None
