"""Policies of who removes images after a time, and of who tells lifecycle policies what to leave.

In a target account all of it is done with the one role that Image Builder demands there by its name.
"""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.names import (
    CREATED_BY_IMAGE_BUILDER,
    TAG_CHANNEL,
    TAG_KEPT,
    TAG_PRODUCT,
    ProductNames,
    account_root_arn,
    channel_parameter_arn,
    lifecycle_role_arn,
    parameter_arn,
    role_arn,
)

_USES = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeLaunchConfigurations",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeSnapshots",
)
"""What telling which images are in use takes; none has a resource level (Service Authorization Reference)."""


def lifecycle_role_trust(hub: str) -> PolicyDocument:
    """Trust of the lifecycle role in a target: Image Builder for images of the hub, and the hub's own functions.

    Source: Image Builder User Guide, "Create an IAM role for Image Builder cross-account lifecycle management".
    """
    functions = tuple(role_arn(hub, f"golden-ami-*-{function}") for function in ("report-outcome", "sweep-images"))
    return trust_policy(
        Statement(
            "LifecycleOfHubImages",
            ("sts:AssumeRole",),
            principal={"Service": "imagebuilder.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": hub},
                "ArnLike": {"aws:SourceArn": f"arn:aws:imagebuilder:*:{hub}:image/*/*/*"},
            },
        ),
        Statement(
            "RetentionFromHub",
            ("sts:AssumeRole",),
            principal={"AWS": account_root_arn(hub)},
            conditions={"ArnLike": {"aws:PrincipalArn": functions}},
        ),
    )


def lifecycle_role_policy(account: str) -> PolicyDocument:
    """Inline policy of the lifecycle role in a target beside its managed policy, which removes images and snapshots."""
    return PolicyDocument(
        (
            Statement(
                "ReadChannels", ("ssm:GetParametersByPath",), (f"arn:aws:ssm:*:{account}:parameter/golden-ami/*",)
            ),
            Statement("FindUses", _USES),
            _marking(("arn:aws:ec2:*::image/*",)),
        )
    )


def retention_extension_policy(plan: DistributionPlan, account: str) -> PolicyDocument:
    """What the lifecycle role of an account reads for one product beyond channels; empty where that is nothing."""
    return PolicyDocument(_further_parameters(plan, account))


def lifecycle_execution_policy(names: ProductNames, plan: DistributionPlan) -> PolicyDocument:
    """What Image Builder does in the hub for the product's lifecycle policy.

    The statements follow the managed policy `EC2ImageBuilderLifecycleExecutionPolicy`, narrowed to the product.
    """
    return PolicyDocument(
        (
            # Neither has a resource level (Service Authorization Reference, Amazon EC2 and Resource Groups Tagging).
            Statement("FindImages", ("ec2:DescribeImages", "tag:GetResources")),
            *_removing(names, plan, ("ec2:DeregisterImage", "ec2:DescribeImageAttribute")),
            Statement("DeleteImageResources", ("imagebuilder:DeleteImage",), (names.image_arn_pattern,)),
        )
    )


def sweep_statements(names: ProductNames, plan: DistributionPlan) -> tuple[Statement, ...]:
    """What the sweeping function does beside what marking takes."""
    return (
        Statement("FindImages", ("ec2:DescribeImages",)),
        Statement("FindUses", _USES),
        Statement("ListImages", ("imagebuilder:ListImagePipelineImages",), (names.pipeline_arn,)),
        *_removing(names, plan, ("ec2:DeregisterImage",)),
        Statement(
            "DeleteImageResources",
            ("imagebuilder:DeleteImage", "imagebuilder:UntagResource"),
            (names.image_arn_pattern,),
        ),
    )


def marking_statements(names: ProductNames, plan: DistributionPlan) -> tuple[Statement, ...]:
    """What it takes to tag what channels name, in the hub and with the lifecycle roles of the targets."""
    accounts = dict.fromkeys((*plan.target_accounts, *plan.shared_accounts))
    roles = tuple(lifecycle_role_arn(account) for account in accounts)
    assume = (Statement("RetentionInTargets", ("sts:AssumeRole",), roles),) if roles else ()
    return (
        Statement(
            "ReadDestinations",
            ("imagebuilder:GetDistributionConfiguration", "imagebuilder:GetImagePipeline"),
            (names.distribution_arn, names.pipeline_arn),
        ),
        Statement(
            "ReadChannels",
            ("ssm:GetParametersByPath",),
            tuple(channel_parameter_arn(names.product, names.account, region, "*") for region in plan.key_regions),
        ),
        *_further_parameters(plan, names.account),
        _marking(tuple(f"arn:aws:ec2:{region}::image/*" for region in plan.key_regions), names.product),
        Statement("MarkImageResources", ("imagebuilder:TagResource",), (names.image_arn_pattern,)),
        *assume,
    )


def _further_parameters(plan: DistributionPlan, account: str) -> tuple[Statement, ...]:
    """Parameters of an account that name images beside its channels."""
    parameters = tuple(
        parameter_arn(name, account, target.region)
        for target in plan.regions
        if account in plan.users(target)
        for name in target.parameters
    )
    return (Statement("ReadParameters", ("ssm:GetParameters",), parameters),) if parameters else ()


def _marking(images: tuple[str, ...], product: str | None = None) -> Statement:
    return Statement(
        "MarkImages",
        ("ec2:CreateTags", "ec2:DeleteTags"),
        images,
        conditions={
            "StringEquals": _ours(product),
            "ForAllValues:StringEquals": {"aws:TagKeys": (TAG_CHANNEL, TAG_KEPT)},
        },
    )


def _removing(names: ProductNames, plan: DistributionPlan, image_actions: tuple[str, ...]) -> tuple[Statement, ...]:
    ours = {"StringEquals": _ours(names.product)}

    def kinds(kind: str) -> tuple[str, ...]:
        return tuple(f"arn:aws:ec2:{region}::{kind}/*" for region in plan.key_regions)

    return (
        Statement("RemoveImages", image_actions, kinds("image"), conditions=ours),
        Statement("RemoveSnapshots", ("ec2:DeleteSnapshot",), kinds("snapshot"), conditions=ours),
    )


def _ours(product: str | None) -> dict[str, str | tuple[str, ...]]:
    ours: dict[str, str | tuple[str, ...]] = {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}
    return {**ours, f"aws:ResourceTag/{TAG_PRODUCT}": product} if product else ours
