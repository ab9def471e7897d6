"""Products that start from another product's image: whether that image will be there, and for the same system."""

from __future__ import annotations

from pathlib import Path

from model.files.base_facts import BaseFacts, check_base_facts
from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile, load_product, stack_path
from model.files.problems import FileError, Problem
from model.files.product import Product

FIELD = ("baseImage", "product")


def check_base_product(product: Product, landing_zone: LandingZone, project: Path) -> None:
    """Follow a product to what it starts from; raises `FileError` with everything that is wrong on the way."""
    file = StackFile.with_lines_of(stack_path(project, product.name))
    seen = [product.name]
    current = product
    while (name := current.base_image.product) is not None:
        seen.append(name)
        if name in seen[:-1]:
            raise _error(file, f"{' starts from '.join(repr(each) for each in seen)}: start one of them from elsewhere")
        if not stack_path(project, name).is_file():
            raise _error(file, f"there is no product {name!r}; correct the name, or write its file first")
        base = load_product(stack_path(project, name), landing_zone)
        if base.operating_system is not current.operating_system:
            systems = f"{base.operating_system.platform}, and this product for {current.operating_system.platform}"
            raise _error(file, f"{name!r} is for {systems}; choose another product")
        if not base.kept_in_hub(landing_zone):
            region = landing_zone.hub.region
            message = f"{name!r} leaves no image in the hub's {region}; give its distribution an entry for {region} "
            raise _error(file, message + "without accounts, or leave it out")
        if current is product:
            check_base_facts(product, BaseFacts.of_product(base), file)
        current = base


def _error(file: StackFile, message: str) -> FileError:
    return FileError([Problem(file.name, file.line(PRODUCT_KEY, FIELD), ".".join(FIELD), message)])
