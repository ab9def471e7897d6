"""Which optional features the files use, for the rights that deploying them takes."""

from __future__ import annotations

from collections.abc import Iterable

from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.scan_deployment import Scanning


def scanning_of(landing_zone: LandingZone, products: Iterable[Product]) -> Scanning:
    """What the files ask of scans and workflows."""
    known = tuple(products)
    workflows = (workflow.arn for product in known for workflow in product.workflows)
    return Scanning(
        inspector=landing_zone.inspector,
        scans=any(product.scan for product in known),
        workflows=tuple(dict.fromkeys(workflows)),
    )
