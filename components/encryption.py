"""A product's keys: one for its images, with a replica in every Region, and one for its data."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.distribution import DistributionPlan
from model.key_policies import data_key_policy, image_key_policy
from model.names import ProductNames, data_key_alias, image_key_alias

DELETION_WINDOW = 30
"""Days between asking for a key's deletion and losing every image under it; AWS's longest."""


class ImageKeyArgs(ComponentArgs):
    """What the image key's policy depends on."""

    names: ProductNames
    plan: DistributionPlan
    administrators: tuple[str, ...]


class ImageKey(pulumi.ComponentResource):
    """One multi-Region key per product, so that losing trust in a consumer costs one product only."""

    arns: dict[str, pulumi.Output[str]]
    """ARN of each Region's own key: a key's ARN is bound to its Region."""

    def __init__(self, name: str, args: ImageKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:encryption:ImageKey", name, None, opts)
        plan = args.plan
        protected = ResourceOptions(parent=self, protect=True)
        primary = aws.kms.Key(
            f"{name}-{plan.build_region}",
            description=f"Encrypts the images of {args.names.product}",
            policy=image_key_policy(plan, plan.build_region, args.administrators).json(),
            multi_region=True,
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW,
            opts=protected,
        )
        keys: dict[str, aws.kms.Key | aws.kms.ReplicaKey] = {plan.build_region: primary}
        for region in plan.replica_regions:
            keys[region] = aws.kms.ReplicaKey(
                f"{name}-{region}",
                primary_key_arn=primary.arn,
                description=f"Encrypts the images of {args.names.product} in {region}",
                policy=image_key_policy(plan, region, args.administrators).json(),
                deletion_window_in_days=DELETION_WINDOW,
                region=region,
                opts=protected,
            )
        for region, key in keys.items():
            aws.kms.Alias(
                f"{name}-{region}-alias",
                name=image_key_alias(args.names.product),
                target_key_id=key.key_id,
                region=region,
                opts=ResourceOptions(parent=self),
            )
        self.arns = {region: key.arn for region, key in keys.items()}
        self.register_outputs({"arns": self.arns})


class DataKeyArgs(ComponentArgs):
    """What the data key's policy depends on."""

    names: ProductNames
    plan: DistributionPlan
    administrators: tuple[str, ...]
    scans: bool = False
    """Whether the product's images are scanned."""


class DataKey(pulumi.ComponentResource):
    """The key of a product's scripts, messages, logs and components."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: DataKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:encryption:DataKey", name, None, opts)
        names = args.names
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts scripts, messages and logs of {names.product}",
            policy=data_key_policy(names, args.plan, args.administrators, args.scans).json(),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW,
            opts=ResourceOptions(parent=self, protect=True),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=data_key_alias(names.product),
            target_key_id=key.key_id,
            opts=ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
