"""The launches of a product as its files plan them: nothing but the documents that the program deploys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.access import Grant, NamedPolicy, Permissions, Principal, ResourceSide
from model.distribution import ConsumerRole, DistributionPlan, RegionTarget
from model.key_policies import AUTO_SCALING_OPERATIONS, image_key_policy
from model.launch_access import LaunchAccess, Launcher, Place, Step
from model.names import TAG_PRODUCT, auto_scaling_role_arn
from model.target_policies import consumer_key_policy, consumer_launch_policy

AUTO_SCALING_POLICY: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "EC2InstanceManagement",
            "Effect": "Allow",
            "Action": ["ec2:CreateTags", "ec2:RunInstances"],
            "Resource": "*",
        },
        {
            "Sid": "EC2InstanceProfileManagement",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
        },
        {
            "Sid": "SystemsManagerParameterManagement",
            "Effect": "Allow",
            "Action": "ssm:GetParameters",
            "Resource": "*",
        },
    ],
}
"""What of its own policy Auto Scaling launches with (AWS Managed Policy Reference, AutoScalingServiceRolePolicy v10).

AWS attaches that policy itself, and no account can change it."""


def planned_launches(product: str, plan: DistributionPlan, administrators: tuple[str, ...]) -> LaunchAccess:
    """The launches of a product as its documents plan them, with a placeholder for the id of the image key.

    An existing consumer role's own policies are in no file: of it the program knows what it adds.
    """
    keys = {region: planned_key_arn(plan, region) for region in plan.key_regions}
    places = tuple(
        Place(
            account=account,
            region=target.region,
            copy=_copy(product, plan, target, account),
            key_arn=keys[target.region],
            key=planned_key_side(product, plan, target.region, administrators),
            # Tags of a shared AMI are its owner's own.
            tags={TAG_PRODUCT: product} if account in plan.holders(target) else {},
            owner=account if account in plan.holders(target) else plan.hub,
        )
        for target in plan.regions
        for account in plan.users(target)
    )
    consumers = tuple(planned_consumer(product, plan, consumer, keys) for consumer in plan.consumers)
    scaling = tuple(
        Launcher(
            Permissions(
                Principal(auto_scaling_role_arn(account)),
                (NamedPolicy("AWS's own policy AutoScalingServiceRolePolicy", AUTO_SCALING_POLICY),),
            ),
            passes=passed_by_auto_scaling(plan, account),
            reads=("ssm:GetParameters",),
        )
        for account in auto_scaling_accounts(plan)
    )
    return LaunchAccess(product, (*consumers, *scaling), places)


def _copy(product: str, plan: DistributionPlan, target: RegionTarget, account: str) -> str:
    if account in target.shared.accounts:
        return f"the hub {plan.hub} shares its images of {product} with {account}"
    if account == plan.hub:
        return f"the hub {account} keeps the images of {product}"
    return f"the distribution of {product} gives {account} a copy of its own"


def planned_key_arn(plan: DistributionPlan, region: str) -> str:
    """ARN of the image key of a Region before there is one; replicas share the primary's id."""
    return f"arn:aws:kms:{region}:{plan.hub}:key/mrk-…"


def planned_key_side(
    product: str, plan: DistributionPlan, region: str, administrators: tuple[str, ...]
) -> ResourceSide:
    """Policy and grants of the image key of a Region."""
    document = image_key_policy(plan, region, administrators).as_dict()
    return ResourceSide(
        owner=plan.hub,
        policy=NamedPolicy(key_policy_name(product, region), document),
        required=True,
        grants=tuple(
            Grant(auto_scaling_role_arn(account), frozenset(AUTO_SCALING_OPERATIONS))
            for account in plan.auto_scaling_accounts(region)
        ),
    )


def planned_consumer(product: str, plan: DistributionPlan, consumer: ConsumerRole, keys: Mapping[str, str]) -> Launcher:
    """A consumer role with what the program gives it; `keys` are the image key's ARNs by Region."""
    regions = tuple(sorted(plan.regions_of(consumer.account)))
    policies = {f"golden-ami-{product}-image-key": consumer_key_policy(tuple(keys[region] for region in regions))}
    if consumer.create:
        policies[f"golden-ami-{product}-launch"] = consumer_launch_policy(
            product, consumer.arn, regions, plan.shared_with(consumer.account)
        )
    return Launcher(
        Permissions(
            Principal(consumer.arn),
            tuple(
                NamedPolicy(role_policy_name(name, consumer.name, consumer.account), document.as_dict())
                for name, document in policies.items()
            ),
        ),
        passes=(consumer.arn,) if consumer.create else (),
        own=frozenset() if consumer.create else LEFT_TO_EXISTING_ROLES,
    )


LEFT_TO_EXISTING_ROLES = frozenset({Step.CHANNEL, Step.IMAGE, Step.INSTANCE, Step.INSTANCE_PROFILE})
"""An existing role brings these itself; the program adds the use of the key."""


def auto_scaling_accounts(plan: DistributionPlan) -> tuple[str, ...]:
    """Accounts in which a consumer asks for Auto Scaling, each once."""
    return tuple(dict.fromkeys(consumer.account for consumer in plan.consumers if consumer.auto_scaling))


def passed_by_auto_scaling(plan: DistributionPlan, account: str) -> tuple[str, ...]:
    """Roles whose instance profiles the program made, and that Auto Scaling gives its instances."""
    return tuple(
        consumer.arn
        for consumer in plan.consumers
        if consumer.account == account and consumer.create and consumer.auto_scaling
    )


def key_policy_name(product: str, region: str) -> str:
    """How a reader finds a key policy."""
    return f"policy of the image key of {product} in {region}"


def role_policy_name(policy: str, role: str, account: str) -> str:
    """How a reader finds a policy of a role."""
    return f"policy {policy} of role {role} ({account})"
