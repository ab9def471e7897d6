"""Policies of a product's two keys.

The image key encrypts the images and follows seed 001; the data key encrypts scripts, messages, logs and components,
so that who may launch an image may not read the scripts behind it.
"""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement
from model.names import ProductNames, account_root_arn, auto_scaling_role_arn, distribution_role_arn

ADMINISTRATOR_ACTIONS = (
    "kms:CreateAlias",
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
"""What a key administrator may do (seed 001, Account A, step 2).

Of what the seed allows as `kms:Create*` only aliases are a key's administration: grants have a statement of their own,
for AWS resources only, and that would bind nobody beside `kms:Create*`.
"""

USE_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
"""What a user of the image key may do (seed 001)."""

UPLOAD_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
"""What writing to and reading from a bucket under a key takes; parts of large uploads are read again (S3 User Guide,
"Uploading an object using multipart upload")."""

GRANT_ACTIONS = ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant")
"""What lets EC2 attach an encrypted volume for its caller (seed 001)."""

AUTO_SCALING_OPERATIONS = (
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)
"""What Auto Scaling's role needs of a key in another account (EC2 Auto Scaling User Guide, "Required AWS KMS key policy
for use with encrypted volumes")."""

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
    statements += [*_organizations(plan, region), *_auto_scaling(plan, region)]
    return PolicyDocument(tuple(statements), id=f"golden-ami-image-key-{region}")


def _organizations(plan: DistributionPlan, region: str) -> list[Statement]:
    """Accounts that no file names launch with the key through EC2 only, and by their own policies.

    Sources: EC2 User Guide, "Share an AMI with organizations or OUs"; IAM User Guide, "AWS global condition context
    keys", aws:PrincipalOrgPaths: an account's path names the units above it in order, each ended by a slash.
    """
    shares = [target.shared for target in plan.regions if target.region == region]
    through_ec2 = {"kms:ViaService": f"ec2.{region}.amazonaws.com"}
    statements: list[Statement] = []

    def admit(audience: str, ids: tuple[str, ...], paths: tuple[str, ...] = ()) -> None:
        conditions = {
            "StringEquals": {"aws:PrincipalOrgID": ids, **through_ec2},
            **({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}} if paths else {}),
        }
        statements.extend(
            (
                Statement(f"UseBy{audience}", USE_ACTIONS, principal="*", conditions=conditions),
                Statement(
                    f"GrantsBy{audience}",
                    ("kms:CreateGrant",),
                    principal="*",
                    conditions={**conditions, **FOR_AWS_RESOURCES},
                ),
            )
        )

    if organizations := tuple(arn for share in shares for arn in share.organizations):
        admit("Organizations", tuple(arn.rpartition("/")[2] for arn in organizations))
    if units := tuple(arn for share in shares for arn in share.organizational_units):
        ids = [tuple(arn.split("/")[1:]) for arn in units]
        paths = tuple(f"{organization}/*/{unit}/*" for organization, unit in ids)
        admit("OrganizationalUnits", tuple(dict.fromkeys(organization for organization, _ in ids)), paths)
    return statements


def _auto_scaling(plan: DistributionPlan, region: str) -> list[Statement]:
    """Grants to Auto Scaling's own role, made from its account; and none to anybody else.

    Such a grant is not for an AWS resource, so it cannot be held by `kms:GrantIsForAWSResource`: the grantee holds it.
    """
    accounts = plan.auto_scaling_accounts(region)
    grantees = tuple(auto_scaling_role_arn(account) for account in accounts)
    statements: list[Statement] = []
    if others := tuple(account for account in accounts if account != plan.hub):
        principal = {"AWS": tuple(account_root_arn(account) for account in others)}
        deployers = {"ArnEquals": {"aws:PrincipalArn": tuple(plan.deployment_roles[account] for account in others)}}
        statements += [
            Statement(
                "GrantToAutoScaling",
                ("kms:CreateGrant",),
                principal=principal,
                conditions={
                    **deployers,
                    "StringEquals": {"kms:GranteePrincipal": grantees},
                    "ForAllValues:StringEquals": {"kms:GrantOperations": AUTO_SCALING_OPERATIONS},
                },
            ),
            Statement(
                "KeepAutoScalingGrants",
                ("kms:ListGrants", "kms:RevokeGrant"),
                principal=principal,
                conditions=deployers,
            ),
        ]
    for_nobody_else: dict[str, dict[str, str | tuple[str, ...]]] = {
        "BoolIfExists": {"kms:GrantIsForAWSResource": "false"}
    }
    if grantees:
        for_nobody_else["StringNotEquals"] = {"kms:GranteePrincipal": grantees}
    return [
        *statements,
        Statement(
            "RefuseOtherGrantees", ("kms:CreateGrant",), principal="*", effect="Deny", conditions=for_nobody_else
        ),
    ]


def data_key_policy(
    names: ProductNames, plan: DistributionPlan, administrators: tuple[str, ...], scans: bool = False
) -> PolicyDocument:
    """Policy of the data key: the hub's own identity policies, its administrators, the team, and AWS's services.

    `scans` admits what the logs of the gate take beside.

    Sources: CloudWatch Logs User Guide, "Encrypt log data"; SNS Developer Guide, "Enable compatibility between event
    sources from AWS services and encrypted topics"; EventBridge User Guide, "Encrypting dead-letter queues"; Step
    Functions Developer Guide, "Data at rest encryption in Step Functions".
    """
    hub, region = names.account, names.region
    scan_groups = (names.log_group(names.scan_function), names.scan_gate_log_group) if scans else ()
    log_groups = tuple(
        names.log_group_arn(log_group)
        for log_group in (
            names.log_group(names.start_function),
            names.log_group(names.report_function),
            names.build_log_group,
            *scan_groups,
        )
    )
    services = [
        Statement(
            "UseByLogs",
            USE_ACTIONS,
            principal={"Service": f"logs.{region}.amazonaws.com"},
            conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        ),
        Statement(
            "UseByAlarm",
            ("kms:Decrypt", "kms:GenerateDataKey*"),
            principal={"Service": "cloudwatch.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": hub},
                "ArnEquals": {"aws:SourceArn": names.dead_letter_alarm_arn},
            },
        ),
        Statement(
            "UseByEvents",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            principal={"Service": "events.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": hub},
                "ArnEquals": {"aws:SourceArn": names.rule_arns},
            },
        ),
    ]
    if scans:
        services.append(
            Statement(
                "DecryptByLogDelivery",
                ("kms:Decrypt",),
                principal={"Service": "delivery.logs.amazonaws.com"},
                # The context under which the gate's role has the logs encrypted: of this account and Region only.
                conditions={"StringEquals": {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:{region}:{hub}:*"}},
            )
        )
    statements = [*_account_and_administrators(hub, administrators), *services, *_uploaders(names, plan)]
    return PolicyDocument(tuple(statements), id="golden-ami-data-key")


def _uploaders(names: ProductNames, plan: DistributionPlan) -> list[Statement]:
    """The team's roles of other accounts, through S3 and for the product's bucket only.

    With a bucket key, S3's encryption context is the bucket's ARN (S3 User Guide, "Reducing the cost of SSE-KMS").
    """
    foreign = tuple(uploader for uploader in plan.uploaders if uploader.account != plan.hub)
    if not foreign:
        return []
    return [
        Statement(
            "UseByTeam",
            UPLOAD_ACTIONS,
            principal={"AWS": tuple(dict.fromkeys(account_root_arn(uploader.account) for uploader in foreign))},
            conditions={
                "ArnEquals": {"aws:PrincipalArn": tuple(uploader.arn for uploader in foreign)},
                "StringEquals": {
                    "kms:ViaService": f"s3.{names.region}.amazonaws.com",
                    "kms:EncryptionContext:aws:s3:arn": names.bucket_arn,
                },
            },
        )
    ]


def _account_and_administrators(hub: str, administrators: tuple[str, ...]) -> list[Statement]:
    statements = [Statement("EnableAccountPolicies", ("kms:*",), principal={"AWS": account_root_arn(hub)})]
    if administrators:
        statements.append(Statement("KeyAdministration", ADMINISTRATOR_ACTIONS, principal={"AWS": administrators}))
    return statements
