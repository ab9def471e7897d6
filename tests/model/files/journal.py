"""A product's file with only what it must state, and what a test adds."""

from __future__ import annotations

from typing import Any

import yaml

from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile, validate_product
from model.files.product import Product


def journal(landing_zone: LandingZone, **stated: Any) -> Product:
    """The product as it is read; raises `FileError`."""
    values: dict[str, Any] = {
        "name": "journal",
        "description": "Hosts of journal",
        "operatingSystem": "linux",
        "baseImage": {"amiId": "ami-0123456789abcdef0"},
        "entryScript": "install.sh",
        **stated,
    }
    text = yaml.safe_dump({"config": {PRODUCT_KEY: values}})
    return validate_product(values, landing_zone, StackFile.parse(text, "stacks/Pulumi.journal.yaml"))
