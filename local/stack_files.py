"""The repository's stack files, read and checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.distribution import DistributionPlan
from model.files.base_products import check_base_product
from model.files.landing_zone import LandingZone
from model.files.loading import LANDING_ZONE_STACK, load_landing_zone, load_product, stack_path
from model.files.problems import FileError, Problem
from model.files.product import Product
from model.files.recipe import read_components
from model.names import ProductNames


@dataclass(frozen=True)
class StackFiles:
    """The landing zone and all products, the products by name."""

    landing_zone: LandingZone
    products: dict[str, Product]

    @classmethod
    def read(cls, repository: Path) -> StackFiles:
        """Read every stack file; raises `FileError` with the problems of all of them."""
        landing_zone = load_landing_zone(stack_path(repository, LANDING_ZONE_STACK))
        products: dict[str, Product] = {}
        problems: list[Problem] = []
        for file in sorted((repository / "stacks").glob("Pulumi.*.yaml")):
            stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
            if stack != LANDING_ZONE_STACK:
                try:
                    products[stack] = load_product(file, landing_zone)
                    check_base_product(products[stack], landing_zone, repository)
                    read_components(products[stack], landing_zone, repository)
                except FileError as error:
                    problems += error.problems
        if problems:
            # What is wrong in a file that several products share is one mistake.
            raise FileError(list(dict.fromkeys(problems)))
        return cls(landing_zone, products)

    def product(self, name: str) -> Product:
        """A product by name; raises `FileError` where no file has it."""
        if name not in self.products:
            known = ", ".join(self.products) or "none"
            raise FileError([Problem(f"stacks/Pulumi.{name}.yaml", 0, "", f"no such product; there are: {known}")])
        return self.products[name]

    def plan(self, name: str) -> DistributionPlan:
        """Where a product's image goes."""
        return self.product(name).plan(self.landing_zone)

    @property
    def plans(self) -> dict[str, DistributionPlan]:
        """The plans of all products by name."""
        return {name: self.plan(name) for name in self.products}

    def names(self, name: str) -> ProductNames:
        """Names of a product's resources in the hub."""
        return self.product(name).names(self.landing_zone)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Ids of the hub and all target accounts."""
        return (self.landing_zone.hub.account, *(target.account for target in self.landing_zone.targets.values()))

    def account_name(self, account: str) -> str:
        """The name by which the files refer to an account id."""
        names = {target.account: name for name, target in self.landing_zone.targets.items()}
        return names.get(account, "hub")
