"""Policies of the roles in target accounts: the distribution role and the consumer roles."""

from __future__ import annotations

from model.documents import PolicyDocument, Statement, trust_policy
from model.key_policies import FOR_AWS_RESOURCES, USE_ACTIONS
from model.names import account_root_arn, channel_parameter_arn


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


def consumer_role_trust(account: str) -> PolicyDocument:
    """A created consumer role serves instances, and whoever the account's own policies let assume it."""
    return trust_policy(
        Statement("AssumedByInstances", ("sts:AssumeRole",), principal={"Service": "ec2.amazonaws.com"}),
        Statement("AssumedInAccount", ("sts:AssumeRole",), principal={"AWS": account_root_arn(account)}),
    )


def consumer_launch_policy(product: str, role: str, regions: tuple[str, ...]) -> PolicyDocument:
    """What a created consumer role (its ARN) needs to launch from the product's image, beside the key.

    It may give instances itself, by the instance profile that is made with it. The image must be the account's own
    copy, and be tagged with the product. Source: Service Authorization Reference, "Actions, resources, and condition
    keys for Amazon EC2", RunInstances.
    """
    account = role.split(":")[4]

    def owned(*kinds: str) -> tuple[str, ...]:
        return tuple(f"arn:aws:ec2:{region}:{account}:{kind}/*" for kind in kinds for region in regions)

    return PolicyDocument(
        (
            Statement(
                "LaunchProductImages",
                ("ec2:RunInstances",),
                tuple(f"arn:aws:ec2:{region}::{kind}/*" for kind in ("image",) for region in regions),
                conditions={"StringEquals": {"ec2:ResourceTag/golden-ami:product": product}},
            ),
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
