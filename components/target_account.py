"""The target side: what a target account needs, made through that account's own provider."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.distribution import ConsumerRole, DistributionPlan, SharedImages
from model.key_policies import AUTO_SCALING_OPERATIONS
from model.names import (
    DISTRIBUTION_MANAGED_POLICY,
    DISTRIBUTION_ROLE,
    LIFECYCLE_MANAGED_POLICY,
    LIFECYCLE_ROLE,
    auto_scaling_role_arn,
)
from model.retention_policies import lifecycle_role_policy, lifecycle_role_trust, retention_extension_policy
from model.target_policies import (
    consumer_key_policy,
    consumer_launch_policy,
    consumer_role_trust,
    distribution_extension_policy,
    distribution_role_policy,
    distribution_role_trust,
    key_symbol,
)


class TargetRoleArgs(ComponentArgs):
    """The hub that distributes, and the target account that receives."""

    hub: str
    account: str


class DistributionRole(pulumi.ComponentResource):
    """The role that Image Builder assumes in a target: once per account, for all products of the hub."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TargetRoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:DistributionRole", name, None, opts)
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=DISTRIBUTION_ROLE,
            description="Image Builder distributes images of the hub account with this role",
            assume_role_policy=distribution_role_trust(args.hub).json(),
            opts=mine,
        )
        aws.iam.RolePolicyAttachment(
            f"{name}-managed", role=role.name, policy_arn=DISTRIBUTION_MANAGED_POLICY, opts=mine
        )
        aws.iam.RolePolicy(
            f"{name}-policy",
            name="use-image-keys-and-channels",
            role=role.name,
            policy=distribution_role_policy(args.hub, args.account).json(),
            opts=mine,
        )
        self.arn = role.arn
        self.register_outputs({"account": args.account, "arn": self.arn})


class DistributionExtensionArgs(ComponentArgs):
    """A product, where its images go, and the account."""

    product: str
    plan: DistributionPlan
    account: str


class DistributionExtension(pulumi.ComponentResource):
    """What the distribution role of an account does for one product beyond channels of copies.

    A policy of its own beside the landing zone's: it names the product's parameters and launch templates.
    """

    def __init__(self, name: str, args: DistributionExtensionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:DistributionExtension", name, None, opts)
        aws.iam.RolePolicy(
            f"{name}-policy",
            name=f"golden-ami-{args.product}-distribution",
            role=DISTRIBUTION_ROLE,
            policy=distribution_extension_policy(args.product, args.plan, args.account).json(),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"account": args.account})


class LifecycleRole(pulumi.ComponentResource):
    """The role with which images are removed from a target: once per account, for all products of the hub."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TargetRoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:LifecycleRole", name, None, opts)
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=LIFECYCLE_ROLE,
            description="Images of the hub account are removed with this role",
            assume_role_policy=lifecycle_role_trust(args.hub).json(),
            opts=mine,
        )
        aws.iam.RolePolicyAttachment(f"{name}-managed", role=role.name, policy_arn=LIFECYCLE_MANAGED_POLICY, opts=mine)
        aws.iam.RolePolicy(
            f"{name}-policy",
            name="spare-what-is-in-use",
            role=role.name,
            policy=lifecycle_role_policy(args.account).json(),
            opts=mine,
        )
        self.arn = role.arn
        self.register_outputs({"account": args.account, "arn": self.arn})


class RetentionExtension(pulumi.ComponentResource):
    """The parameters of one product that the lifecycle role of an account reads beside channels."""

    def __init__(self, name: str, args: DistributionExtensionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:RetentionExtension", name, None, opts)
        aws.iam.RolePolicy(
            f"{name}-policy",
            name=f"golden-ami-{args.product}-retention",
            role=LIFECYCLE_ROLE,
            policy=retention_extension_policy(args.plan, args.account).json(),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"account": args.account})


class TargetAccountArgs(ComponentArgs):
    """A product's consumer roles in one account, and the image keys they use."""

    product: str
    account: str
    consumers: tuple[ConsumerRole, ...]
    shared: SharedImages | None
    """Where the account launches from the hub's own AMI."""
    key_arns: dict[str, pulumi.Output[str]]
    """ARN of the image key of each Region in which the account holds the image."""


class TargetAccount(pulumi.ComponentResource):
    """Consumer roles of one product in one account: existing ones get a policy, the others are made.

    Where one of them asks for Auto Scaling, the account's service-linked role gets a grant on each Region's key.
    """

    def __init__(self, name: str, args: TargetAccountArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:TargetAccount", name, None, opts)
        policies = {
            key: value
            for consumer in args.consumers
            for key, value in self._consumer(f"{name}-{consumer.name}", args, consumer).items()
        }
        if any(consumer.auto_scaling for consumer in args.consumers):
            for region, key_arn in args.key_arns.items():
                # Made with the account's own credentials, as AWS demands of a key in another account.
                aws.kms.Grant(
                    f"{name}-auto-scaling-{region}",
                    name=f"golden-ami-{args.product}-auto-scaling",
                    key_id=key_arn,
                    grantee_principal=auto_scaling_role_arn(args.account),
                    operations=list(AUTO_SCALING_OPERATIONS),
                    region=region,
                    opts=ResourceOptions(parent=self),
                )
        self.register_outputs({"account": args.account, "policies": policies})

    def _consumer(self, name: str, args: TargetAccountArgs, consumer: ConsumerRole) -> dict[str, object]:
        """Make a consumer's policies; returns what a preview may know of those that name keys, by resource."""
        mine = ResourceOptions(parent=self)
        role: pulumi.Input[str] = consumer.name
        if consumer.create:
            role = self._created_role(name, args, consumer)
        regions = sorted(args.key_arns)
        policy = f"{name}-image-key"
        aws.iam.RolePolicy(
            policy,
            name=f"golden-ami-{args.product}-image-key",
            role=role,
            policy=pulumi.Output.all(*(args.key_arns[region] for region in regions)).apply(
                lambda arns: consumer_key_policy(tuple(arns)).json()
            ),
            opts=mine,
        )
        return {policy: consumer_key_policy(tuple(key_symbol(region) for region in regions)).as_dict()}

    def _created_role(self, name: str, args: TargetAccountArgs, consumer: ConsumerRole) -> pulumi.Output[str]:
        mine = ResourceOptions(parent=self)
        path = consumer.role.removesuffix(consumer.name)
        role = aws.iam.Role(
            f"{name}-role",
            name=consumer.name,
            path=f"/{path}",
            description=f"Launches instances from images of {args.product}",
            assume_role_policy=consumer_role_trust(args.account).json(),
            opts=mine,
        )
        aws.iam.RolePolicy(
            f"{name}-launch",
            name=f"golden-ami-{args.product}-launch",
            role=role.name,
            policy=consumer_launch_policy(args.product, consumer.arn, tuple(sorted(args.key_arns)), args.shared).json(),
            opts=mine,
        )
        aws.iam.InstanceProfile(f"{name}-profile", name=consumer.name, role=role.name, opts=mine)
        return role.name
