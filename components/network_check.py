"""Whether a subnet without a way to the internet has what a build needs of AWS, before anything is declared."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.look_up import RefusedError, asked
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError, Problem
from model.files.product import Product

NEEDED_ENDPOINTS = ("imagebuilder", "logs", "s3", "ssm", "ssmmessages")
"""Services that a build instance calls: Image Builder and its executor's bucket, Systems Manager, and its log (Image
Builder User Guide, "VPC endpoints"; Systems Manager User Guide, "Create VPC endpoints")."""

NONE_FOUND = "no matching"
"""How the provider tells that no endpoint fits; where several do, it fails in other words."""

SEVERAL_FOUND = "multiple"


def check_network(product: Product, region: str, provider: aws.Provider, file: StackFile) -> None:
    """Look for the endpoints where the product says that there is no internet; raises `FileError` naming all missing.

    `region` is the build Region, `provider` the hub's; nothing is changed.
    """
    if product.internet or product.subnet is None:
        return
    options = pulumi.InvokeOptions(provider=provider)
    subnet = aws.ec2.get_subnet(id=product.subnet, opts=options)
    names = [f"com.amazonaws.{region}.{service}" for service in NEEDED_ENDPOINTS]
    missing = [name for name in names if not _is_there(subnet.vpc_id, name, options)]
    if missing:
        message = (
            f"the VPC {subnet.vpc_id} of {product.subnet} has no endpoint for {', '.join(missing)}, and a build there "
            "would wait for them in vain; make them, or remove internet"
        )
        raise FileError([Problem(file.name, file.line(PRODUCT_KEY, ("internet",)), "internet", message)])


def _is_there(vpc: str, service: str, options: pulumi.InvokeOptions) -> bool:
    try:
        asked(lambda: aws.ec2.get_vpc_endpoint(vpc_id=vpc, service_name=service, state="available", opts=options))
    except RefusedError as error:
        # What else can go wrong (no right to look) does not tell.
        if NONE_FOUND in str(error):
            return False
        if SEVERAL_FOUND not in str(error):
            raise
    return True
