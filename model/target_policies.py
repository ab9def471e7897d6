"""Policies of the roles in target accounts: the distribution role and the consumer roles."""

from __future__ import annotations

from collections.abc import Iterable

from model.distribution import DistributionPlan, SharedImages
from model.documents import PolicyDocument, Statement, trust_policy
from model.key_policies import FOR_AWS_RESOURCES, USE_ACTIONS
from model.names import (
    CREATED_BY_IMAGE_BUILDER,
    TAG_PRODUCT,
    account_root_arn,
    channel_parameter,
    channel_parameter_arn,
    launch_template_arn,
    parameter_arn,
)


def distribution_role_trust(hub: str) -> PolicyDocument:
    """The distribution role trusts the source account as a whole, as Image Builder demands (facts: AWS, seed 002)."""
    return trust_policy(Statement("DistributionFromHub", ("sts:AssumeRole",), principal={"AWS": account_root_arn(hub)}))


def distribution_role_policy(hub: str, account: str) -> PolicyDocument:
    """Inline policy of the distribution role beside its managed policy.

    The keys are all of the hub's: their own policies narrow that to the keys whose products reach this account. One
    list per product would outgrow the 10,240 characters of a role's inline policies.
    """
    keys = (f"arn:aws:kms:*:{hub}:key/*",)
    return PolicyDocument(
        (
            Statement(
                "UseImageKeys",
                USE_ACTIONS,
                keys,
            ),
            Statement(
                "GrantImageKeys",
                ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"),
                keys,
                conditions=FOR_AWS_RESOURCES,
            ),
            Statement("TagSnapshots", ("ec2:CreateTags",), ("arn:aws:ec2:*::snapshot/*",)),
            Statement("WriteChannels", ("ssm:PutParameter",), (f"arn:aws:ssm:*:{account}:parameter/golden-ami/*",)),
        )
    )


def distribution_extension_policy(product: str, plan: DistributionPlan, account: str) -> PolicyDocument:
    """What the distribution role of an account does for one product beyond channels of copies.

    It writes further parameters, all parameters where the hub's own AMI is shared with the account (those it reads
    first), and updates launch templates.
    """
    channel = channel_parameter(product)
    shared = tuple(
        parameter_arn(name, account, target.region)
        for target in plan.regions
        if account in target.shared.accounts
        for name in (channel, *target.parameters)
    )
    copied = tuple(
        parameter_arn(name, account, target.region)
        for target in plan.regions
        if account in target.accounts
        for name in target.parameters
    )
    statements: list[Statement] = []
    if copied or shared:
        statements.append(Statement("WriteParameters", ("ssm:PutParameter",), (*copied, *shared)))
    if shared:
        statements.append(Statement("ReadParametersOfShares", ("ssm:GetParameter",), shared))
    return PolicyDocument((*statements, *launch_template_statements((plan,), account)))


def launch_template_statements(plans: Iterable[DistributionPlan], account: str) -> tuple[Statement, ...]:
    """Updates of an account's launch templates by Image Builder, which demands its tag on them (facts: AWS)."""
    templates = tuple(
        launch_template_arn(template.id, account, target.region)
        for plan in plans
        for target in plan.regions
        for template in target.launch_templates
        if template.account == account
    )
    if not templates:
        return ()
    return (
        Statement(
            "UpdateLaunchTemplates",
            ("ec2:CreateLaunchTemplateVersion", "ec2:CreateTags", "ec2:ModifyLaunchTemplate"),
            tuple(dict.fromkeys(templates)),
            conditions={"StringEquals": {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}},
        ),
        # Describe actions know no resource level (Service Authorization Reference, Amazon EC2).
        Statement("FindLaunchTemplates", ("ec2:DescribeLaunchTemplates",)),
    )


def consumer_key_policy(key_arns: tuple[str, ...]) -> PolicyDocument:
    """Seed 001's inline policy for a role that launches from the image (Account B, step 1).

    `key_arns` are the full ARNs of the image keys in the Regions where the role's account holds the image.
    """
    return PolicyDocument(
        (
            Statement(
                "UseImageKey",
                USE_ACTIONS,
                key_arns,
            ),
            Statement("GrantImageKey", ("kms:CreateGrant",), key_arns, conditions=FOR_AWS_RESOURCES),
        )
    )


def key_symbol(region: str) -> str:
    """What stands for the image key of a Region in a document that is shown before there is the key.

    The policy pack puts the keys in that the stack will make.
    """
    return f"${{imageKey.{region}}}"


def consumer_role_trust(account: str) -> PolicyDocument:
    """A created consumer role serves instances, and whoever the account's own policies let assume it."""
    return trust_policy(
        Statement("AssumedByInstances", ("sts:AssumeRole",), principal={"Service": "ec2.amazonaws.com"}),
        Statement("AssumedInAccount", ("sts:AssumeRole",), principal={"AWS": account_root_arn(account)}),
    )


def consumer_launch_policy(
    product: str, role: str, regions: tuple[str, ...], shared: SharedImages | None = None
) -> PolicyDocument:
    """What a created consumer role (its ARN) needs to launch from the product's image, beside the key.

    It may give instances itself, by the instance profile that is made with it. A copy must be tagged with the product.
    A shared image shows no tags to others than its owner: there the owner must be the hub, and the use of the image key
    tells products apart. Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
    EC2", RunInstances.
    """
    account = role.split(":")[4]

    def owned(*kinds: str) -> tuple[str, ...]:
        return tuple(f"arn:aws:ec2:{region}:{account}:{kind}/*" for kind in kinds for region in regions)

    def images(where: tuple[str, ...], sid: str, key: str, value: str) -> tuple[Statement, ...]:
        resources = tuple(f"arn:aws:ec2:{region}::image/*" for region in where)
        condition = {"StringEquals": {key: value}}
        return (Statement(sid, ("ec2:RunInstances",), resources, conditions=condition),) if where else ()

    foreign = shared.regions if shared else ()
    copies = tuple(region for region in regions if region not in foreign)
    return PolicyDocument(
        (
            *images(copies, "LaunchProductImages", f"ec2:ResourceTag/{TAG_PRODUCT}", product),
            *images(foreign, "LaunchSharedImages", "ec2:Owner", shared.owner if shared else ""),
            Statement(
                "LaunchInAccount",
                ("ec2:RunInstances",),
                owned("instance", "network-interface", "security-group", "subnet", "volume"),
            ),
            Statement(
                "PassItself",
                ("iam:PassRole",),
                (role,),
                conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
            Statement(
                "ReadChannel",
                ("ssm:GetParameter", "ssm:GetParameters"),
                tuple(channel_parameter_arn(product, account, region) for region in regions),
            ),
        )
    )
