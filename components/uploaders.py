"""The team's roles in an account of ours: each gets the policy with which it uploads."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.distribution import Uploader
from model.names import ProductNames


class UploadersArgs(ComponentArgs):
    """Existing roles of one account, and their policy."""

    names: ProductNames
    account: str
    uploaders: tuple[Uploader, ...]
    policy: pulumi.Output[str]


class Uploaders(pulumi.ComponentResource):
    """The roles themselves stay as they are."""

    def __init__(self, name: str, args: UploadersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:scripts:Uploaders", name, None, opts)
        for uploader in args.uploaders:
            aws.iam.RolePolicy(
                f"{name}-{uploader.name}",
                name=f"{args.names.stem}-upload",
                role=uploader.name,
                policy=args.policy,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({"account": args.account})
