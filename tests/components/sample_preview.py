"""A parameter of AWS's sample: a value for it, and where it shows in what a product asks of AWS."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from commands.importing import Import
from tests.sample.configurations import least

PRODUCT = "sample"

REFUSED = "refused"
"""What becomes of a configuration without a parameter that the seed requires."""


@dataclass
class Preview:
    """What an import was made of, and what the product asks of AWS."""

    done: Import
    resources: Any
    retained: Mapping[str, bool]

    def inputs(self, kind: str, part: str = "") -> dict[str, Any]:
        return self.resources.one(kind, part).inputs

    @property
    def recipe(self) -> dict[str, Any]:
        return self.inputs("ImageRecipe")

    @property
    def volume(self) -> dict[str, Any]:
        (mapping,) = self.recipe["blockDeviceMappings"]
        return mapping["ebs"]

    @property
    def infrastructure(self) -> dict[str, Any]:
        return self.inputs("InfrastructureConfiguration")

    @property
    def regions(self) -> list[dict[str, Any]]:
        return self.inputs("DistributionConfiguration")["distributions"]

    @property
    def components(self) -> list[dict[str, Any]]:
        """The recipe's components between the landing zone's mandatory ones and the script."""
        found = self.recipe["components"]
        names = [entry["componentArn"].rpartition("/")[2] for entry in found]
        return found[1 : names.index(f"{PRODUCT}-recipe-install-scripts")]

    def decided(self, key: str) -> str | None:
        """What was chosen instead of a key's value."""
        return {decision.key: decision.chosen for decision in self.done.decisions}.get(key)


@dataclass(frozen=True)
class Row:
    """A parameter: a value for it, where it shows, and what is there with the value and without."""

    table: str
    name: str
    place: tuple[str | int, ...]
    value: Any
    look: Callable[[Preview], Any]
    expected: Any
    left_out: Any
    around: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else the configuration says in both cases."""

    def config(self, stated: bool) -> dict[str, Any]:
        config = {**least(), **copy.deepcopy(dict(self.around))}
        holder: Any = config
        for part in self.place[:-1]:
            holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
        last = self.place[-1]
        if isinstance(last, int):
            holder += [self.value] if stated else []
        elif stated:
            holder[last] = self.value
        else:
            holder.pop(last, None)
        return config
