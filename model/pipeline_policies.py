"""Policies of the roles that Image Builder works with in the hub: its execution role and the build instance's."""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.hub_policies import assume_distribution_roles
from model.key_policies import FOR_AWS_RESOURCES, USE_ACTIONS
from model.names import (
    BUILD_PREFIX,
    CREATED_BY_IMAGE_BUILDER,
    ProductNames,
    channel_parameter,
    fast_launch_role_arn,
    image_key_alias,
    parameter_arn,
    role_arn,
)
from model.target_policies import launch_template_statements

INSTANCE_MANAGED_POLICIES = (
    "arn:aws:iam::aws:policy/EC2InstanceProfileForImageBuilder",
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
)
"""What Image Builder demands of a build instance's profile (Image Builder User Guide, "Prerequisites")."""


def execution_role_trust(hub: str) -> PolicyDocument:
    """Trust for Image Builder, for work of the hub account only (Image Builder User Guide, "Execution role")."""
    return trust_policy(
        Statement(
            "AssumedByImageBuilder",
            ("sts:AssumeRole",),
            principal={"Service": "imagebuilder.amazonaws.com"},
            conditions={"StringEquals": {"aws:SourceAccount": hub}},
        )
    )


def build_instance_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What a build instance reads beside its managed policies: the pinned build, nothing else of the bucket."""
    return PolicyDocument(
        (
            Statement("ReadPinnedBuild", ("s3:GetObject",), (f"{names.bucket_arn}/{BUILD_PREFIX}*",)),
            Statement(
                "ListPinnedBuild",
                ("s3:ListBucket",),
                (names.bucket_arn,),
                conditions={"StringLike": {"s3:prefix": f"{BUILD_PREFIX}*"}},
            ),
            Statement("DecryptPinnedBuild", ("kms:Decrypt",), (data_key_arn,)),
        )
    )


def log_writer_policy(names: ProductNames, bucket: str, key_arn: str | None) -> PolicyDocument:
    """What a build instance needs to keep its logs in a bucket (User Guide, "Manage infrastructure configurations")."""
    statements = [Statement("WriteBuildLogs", ("s3:PutObject",), (f"arn:aws:s3:::{bucket}/{names.stem}/*",))]
    if key_arn:
        statements.append(Statement("EncryptBuildLogs", ("kms:Decrypt", "kms:GenerateDataKey"), (key_arn,)))
    return PolicyDocument(tuple(statements))


def execution_policy(
    names: ProductNames, plan: DistributionPlan, image_key_arns: tuple[str, ...], base_product: str | None = None
) -> PolicyDocument:
    """What Image Builder does in the hub for this pipeline, with its execution role instead of its service-linked one.

    An image that starts from another product's is launched under that product's key too.

    A pipeline that writes SSM parameters outside `/imagebuilder/` needs such a role (Image Builder User Guide,
    "Prerequisites for SSM output parameters"). The statements follow the service-linked role's managed policy
    `AWSServiceRoleForImageBuilder`, narrowed to this product.
    """
    made_by_image_builder = {"StringEquals": {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}}
    region, hub = names.region, names.account
    parameters = tuple(
        parameter_arn(name, account, target.region)
        for target in plan.regions
        for name in (channel_parameter(names.product), *target.parameters)
        for account in plan.holders(target)
    )
    return PolicyDocument(
        (
            Statement(
                "LaunchBuildInstances",
                ("ec2:RunInstances",),
                (
                    f"arn:aws:ec2:{region}::image/*",
                    f"arn:aws:ec2:{region}::snapshot/*",
                    *(
                        f"arn:aws:ec2:{region}:{hub}:{kind}/*"
                        for kind in ("instance", "volume", "network-interface", "subnet", "security-group")
                    ),
                ),
            ),
            Statement(
                "PassBuildInstanceRole",
                ("iam:PassRole",),
                (role_arn(hub, names.instance_role),),
                conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
            Statement(
                "EndBuildInstances",
                ("ec2:StopInstances", "ec2:StartInstances", "ec2:TerminateInstances"),
                (f"arn:aws:ec2:{region}:{hub}:instance/*",),
                conditions=made_by_image_builder,
            ),
            Statement(
                "ImageBuildInstances",
                ("ec2:CreateImage",),
                (
                    f"arn:aws:ec2:{region}:{hub}:instance/*",
                    f"arn:aws:ec2:{region}::image/*",
                    f"arn:aws:ec2:{region}::snapshot/*",
                ),
            ),
            *_image_statements(plan),
            *_fast_launch_statements(plan),
            Statement(
                "CommandBuildInstances",
                ("ssm:SendCommand",),
                (f"arn:aws:ssm:{region}::document/AWS-*", f"arn:aws:ssm:{region}:{hub}:document/AWSEC2-*"),
            ),
            Statement(
                "CommandOwnInstances",
                ("ssm:SendCommand",),
                (f"arn:aws:ec2:{region}:{hub}:instance/*",),
                conditions={"StringEquals": {"ssm:resourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}},
            ),
            Statement(
                "ReadBuildState",
                (
                    "ec2:DescribeImages",
                    "ec2:DescribeInstances",
                    "ec2:DescribeInstanceStatus",
                    "ec2:DescribeInstanceTypeOfferings",
                    "ec2:DescribeSnapshots",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeTags",
                    "ssm:DescribeInstanceInformation",
                    "ssm:GetCommandInvocation",
                    "ssm:ListCommandInvocations",
                    "ssm:ListCommands",
                ),
            ),
            Statement("ReadBaseImage", ("ssm:GetParameter",), _base_parameters(names, plan, base_product)),
            Statement(
                "UseImageKeys",
                USE_ACTIONS,
                image_key_arns,
            ),
            Statement("GrantImageKeys", ("kms:CreateGrant",), image_key_arns, conditions=FOR_AWS_RESOURCES),
            *_base_key_statements(names, base_product),
            Statement("WriteBuildLog", ("logs:CreateLogStream", "logs:PutLogEvents"), _log_streams(names)),
            Statement("WriteChannels", ("ssm:PutParameter",), parameters),
            *assume_distribution_roles("DistributeToTargets", (*plan.target_accounts, *plan.template_accounts)),
            *launch_template_statements((plan,), plan.hub),
            *_license_statements(plan),
        )
    )


def _image_statements(plan: DistributionPlan) -> tuple[Statement, ...]:
    regions = plan.key_regions
    images = tuple(f"arn:aws:ec2:{region}::image/*" for region in regions)
    snapshots = tuple(f"arn:aws:ec2:{region}::snapshot/*" for region in regions)
    hub_resources = tuple(
        f"arn:aws:ec2:{plan.build_region}:{plan.hub}:{kind}/*" for kind in ("instance", "volume", "network-interface")
    )
    made_by_image_builder = {"StringEquals": {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}}
    return (
        Statement(
            "TagWhatIsMade",
            ("ec2:CreateTags",),
            (*images, *snapshots, *hub_resources),
            conditions={
                "StringEquals": {
                    "ec2:CreateAction": ("RunInstances", "CreateImage", "CopyImage"),
                    "aws:RequestTag/CreatedBy": CREATED_BY_IMAGE_BUILDER,
                }
            },
        ),
        Statement("CopyImages", ("ec2:CopyImage",), (*images, *snapshots)),
        Statement(
            "ShareWithTargets",
            ("ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "ec2:CreateTags"),
            (*images, *snapshots),
            conditions=made_by_image_builder,
        ),
    )


def _fast_launch_statements(plan: DistributionPlan) -> tuple[Statement, ...]:
    """What enabling fast launch takes (managed policies AWSServiceRoleForImageBuilder and EC2FastLaunchFullAccess)."""
    if not plan.fast_launch:
        return ()
    hub, regions = plan.hub, plan.hub_regions
    templates = tuple(f"arn:aws:ec2:{region}:{hub}:launch-template/*" for region in regions)
    made = tuple(
        f"arn:aws:ec2:{region}:{owner}:{kind}/*"
        for region in regions
        for kind, owner in (("instance", hub), ("volume", hub), ("snapshot", ""), ("launch-template", hub))
    )
    return (
        Statement(
            "EnableFastLaunch",
            ("ec2:EnableFastLaunch",),
            tuple(f"arn:aws:ec2:{region}::image/*" for region in regions),
            conditions={"StringEquals": {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}},
        ),
        Statement("LaunchByTemplate", ("ec2:EnableFastLaunch", "ec2:RunInstances"), templates),
        Statement(
            "TagForFastLaunch",
            ("ec2:CreateTags",),
            made,
            conditions={"StringEquals": {"aws:RequestTag/CreatedBy": "EC2 Fast Launch"}},
        ),
        Statement(
            "CreateFastLaunchRole",
            ("iam:CreateServiceLinkedRole",),
            (fast_launch_role_arn(hub),),
            conditions={"StringEquals": {"iam:AWSServiceName": "ec2fastlaunch.amazonaws.com"}},
        ),
    )


def _base_key_statements(names: ProductNames, base_product: str | None) -> tuple[Statement, ...]:
    """Use of another product's image key, which is known by its alias (KMS Developer Guide, "kms:ResourceAliases")."""
    if base_product is None:
        return ()
    keys = (f"arn:aws:kms:{names.region}:{names.account}:key/*",)
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": image_key_alias(base_product)}}
    return (
        Statement("UseBaseImageKey", USE_ACTIONS, keys, conditions=by_alias),
        Statement("GrantBaseImageKey", ("kms:CreateGrant",), keys, conditions={**by_alias, **FOR_AWS_RESOURCES}),
    )


def _license_statements(plan: DistributionPlan) -> tuple[Statement, ...]:
    """Association of the hub's AMIs with license configurations (managed policy AWSServiceRoleForImageBuilder)."""
    licenses = tuple(arn for target in plan.regions for arn in target.license_configurations)
    if not licenses:
        return ()
    return (Statement("AssociateLicenses", ("license-manager:UpdateLicenseSpecificationsForResource",), licenses),)


def _log_streams(names: ProductNames) -> tuple[str]:
    return (f"{names.log_group_arn(names.build_log_group)}:*",)


def _base_parameters(names: ProductNames, plan: DistributionPlan, base_product: str | None) -> tuple[str, ...]:
    """The parameters that may name the base image: AWS's public ones, and the one that the product's file states."""
    own = (plan.base_parameter, channel_parameter(base_product) if base_product else None)
    return (
        f"arn:aws:ssm:{names.region}::parameter/aws/service/*",
        *(parameter_arn(name, names.account, names.region) for name in own if name),
    )
