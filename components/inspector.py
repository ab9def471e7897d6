"""Amazon Inspector in the hub: what the landing zone enables, and what products with `scan` need to be there.

Source: seed 002: enabling Inspector makes its service-linked role, which has to be there.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError, Problem
from model.files.product import Product
from model.names import INSPECTOR_ROLE, INSPECTOR_ROLE_PATH


class InspectorArgs(ComponentArgs):
    """The account whose instances are scanned."""

    account: str


class Inspector(pulumi.ComponentResource):
    """Inspector's scans of EC2 instances in the build Region."""

    def __init__(self, name: str, args: InspectorArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:scan:Inspector", name, None, opts)
        aws.inspector2.Enabler(
            f"{name}-enabler",
            account_ids=[args.account],
            resource_types=["EC2"],
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"account": args.account})


def check_inspector(product: Product, provider: aws.Provider, file: StackFile) -> None:
    """Look for Inspector's service-linked role in the hub; raises `FileError` where a product with `scan` lacks it."""
    if product.scan is None:
        return
    found = aws.iam.get_roles(
        name_regex=f"^{INSPECTOR_ROLE}$", path_prefix=INSPECTOR_ROLE_PATH, opts=pulumi.InvokeOptions(provider=provider)
    )
    if INSPECTOR_ROLE not in found.names:
        message = (
            f"needs Amazon Inspector, and the hub has no role {INSPECTOR_ROLE}; set `inspector: true` in the landing "
            "zone and deploy it first, or remove scan"
        )
        raise FileError([Problem(file.name, file.line(PRODUCT_KEY, ("scan",)), "scan", message)])
