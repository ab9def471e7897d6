"""Policies of a product's two keys.

The image key encrypts the images and follows seed 001; the data key encrypts scripts, messages, logs and components,
so that who may launch an image may not read the scripts behind it.
"""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement
from model.names import account_root_arn, distribution_role_arn

ADMINISTRATOR_ACTIONS = (
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
)
"""What a key administrator may do (seed 001, Account A, step 2)."""

USE_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
"""What a user of the image key may do (seed 001)."""

GRANT_ACTIONS = ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant")
"""What lets EC2 attach an encrypted volume for its caller (seed 001)."""

FOR_AWS_RESOURCES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}

KEY_POLICY_MAXIMUM = 32_768
"""Bytes that a key policy may hold (KMS Developer Guide, "Quotas")."""


def image_key_policy(plan: DistributionPlan, region: str, administrators: tuple[str, ...]) -> PolicyDocument:
    """Seed 001's policy for the image key of one Region.

    The hub's administrators are named themselves, so that they can act without any identity policy. Roles of other
    accounts are admitted as their account's root under `aws:PrincipalArn`: the policy then neither needs them to
    exist nor breaks when one is deleted and made again.
    """
    statements = [*_account_and_administrators(plan.hub, administrators)]
    if administrators:
        statements += [
            Statement("UseByAdministrators", USE_ACTIONS, principal={"AWS": administrators}),
            Statement(
                "GrantsByAdministrators",
                GRANT_ACTIONS,
                principal={"AWS": administrators},
                conditions=FOR_AWS_RESOURCES,
            ),
        ]
    targets = plan.distribution_accounts(region)
    consumers = tuple(consumer for consumer in plan.consumers_in(region) if consumer.account != plan.hub)
    accounts = tuple(dict.fromkeys((*targets, *(consumer.account for consumer in consumers))))
    if accounts:
        principal = {"AWS": tuple(account_root_arn(account) for account in accounts)}
        # One pattern for all distribution roles: the principal bounds the accounts, and a policy holds 32 KiB.
        roles = ((distribution_role_arn("*"),) if targets else ()) + tuple(consumer.arn for consumer in consumers)
        only_roles = {"ArnLike": {"aws:PrincipalArn": roles}}
        statements += [
            Statement("UseByTargets", USE_ACTIONS, principal=principal, conditions=only_roles),
            Statement(
                "GrantsByTargets", GRANT_ACTIONS, principal=principal, conditions={**only_roles, **FOR_AWS_RESOURCES}
            ),
        ]
    return PolicyDocument(tuple(statements), id=f"golden-ami-image-key-{region}")


def data_key_policy(
    hub: str, region: str, administrators: tuple[str, ...], log_group_arns: tuple[str, ...]
) -> PolicyDocument:
    """Policy of the data key: the hub's own identity policies, its administrators, and CloudWatch Logs.

    Logs may use it for the product's log groups only (CloudWatch Logs User Guide, "Encrypt log data").
    """
    logs = Statement(
        "UseByLogs",
        USE_ACTIONS,
        principal={"Service": f"logs.{region}.amazonaws.com"},
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group_arns}},
    )
    return PolicyDocument((*_account_and_administrators(hub, administrators), logs), id="golden-ami-data-key")


def _account_and_administrators(hub: str, administrators: tuple[str, ...]) -> list[Statement]:
    statements = [Statement("EnableAccountPolicies", ("kms:*",), principal={"AWS": account_root_arn(hub)})]
    if administrators:
        statements.append(Statement("KeyAdministration", ADMINISTRATOR_ACTIONS, principal={"AWS": administrators}))
    return statements
