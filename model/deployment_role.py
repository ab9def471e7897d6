"""The deployment role of each account: what the program's providers assume, and what that role may do.

The role is the one thing that an account must hold before the first `pulumi up`. Its policies are computed from the
files, so that they name the buckets, roles and functions of this landing zone and its products and nothing else.
"""

from __future__ import annotations

from model.distribution import ConsumerRole, DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.hub_policies import INSTANCE_MANAGED_POLICIES
from model.names import DISTRIBUTION_MANAGED_POLICY, DISTRIBUTION_ROLE, account_root_arn, role_arn

ROLE_READ_ACTIONS = (
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
)

ROLE_WRITE_ACTIONS = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)

ROLE_POLICY_ACTIONS = (
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
)
"""What adding a policy to an existing role takes: the role itself stays as it is."""

INSTANCE_PROFILE_ACTIONS = (
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:DeleteInstanceProfile",
    "iam:GetInstanceProfile",
    "iam:ListInstanceProfileTags",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:UntagInstanceProfile",
)


BUCKET_ACTIONS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:Get*Configuration",
    "s3:GetBucket*",
    "s3:ListBucket",
    "s3:ListTagsForResource",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
FUNCTION_ACTIONS = (
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:GetFunction*",
    "lambda:GetPolicy",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
    "lambda:PutFunctionConcurrency",
    "lambda:RemovePermission",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
)
IMAGE_BUILDER_ACTIONS = (
    "imagebuilder:CreateComponent",
    "imagebuilder:CreateDistributionConfiguration",
    "imagebuilder:CreateImagePipeline",
    "imagebuilder:CreateImageRecipe",
    "imagebuilder:CreateInfrastructureConfiguration",
    "imagebuilder:Delete*",
    "imagebuilder:Get*",
    "imagebuilder:List*",
    "imagebuilder:TagResource",
    "imagebuilder:UntagResource",
    "imagebuilder:Update*",
)
KEY_ACTIONS = (
    "kms:CancelKeyDeletion",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:DisableKeyRotation",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)
"""Encrypt and its kin are what AWS services ask of the caller who puts a key on a function or component."""
LOG_GROUP_ACTIONS = (
    "logs:AssociateKmsKey",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:DisassociateKmsKey",
    "logs:GetLogEvents",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
)
NETWORK_READ_ACTIONS = (
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
QUEUE_ACTIONS = (
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
    "sqs:UntagQueue",
)
RULE_ACTIONS = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
)
SECURITY_GROUP_ACTIONS = (
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:CreateSecurityGroup",
    "ec2:CreateTags",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteTags",
    "ec2:ModifySecurityGroupRules",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
)
TOPIC_ACTIONS = (
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:TagResource",
    "sns:UntagResource",
)


def deployment_role_trust(hub: str) -> PolicyDocument:
    """Whoever the hub's own policies let assume deployment roles: its platform engineers and its CI."""
    return trust_policy(Statement("DeployFromHub", ("sts:AssumeRole",), principal={"AWS": account_root_arn(hub)}))


def target_deployment_policy(account: str, plans: tuple[DistributionPlan, ...]) -> PolicyDocument:
    """What the deployment role of a target account may do: its distribution role and its consumer roles."""
    consumers = tuple(consumer for plan in plans for consumer in plan.consumers if consumer.account == account)
    statements = [
        Statement(
            "ManageDistributionRole",
            (*ROLE_READ_ACTIONS, *ROLE_WRITE_ACTIONS),
            (role_arn(account, DISTRIBUTION_ROLE),),
        ),
        Statement(
            "AttachDistributionPolicy",
            ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            (role_arn(account, DISTRIBUTION_ROLE),),
            conditions={"ArnEquals": {"iam:PolicyARN": DISTRIBUTION_MANAGED_POLICY}},
        ),
        *consumer_statements(account, consumers=tuple(dict.fromkeys(consumers))),
    ]
    return PolicyDocument(tuple(statements))


def consumer_statements(account: str, consumers: tuple[ConsumerRole, ...]) -> list[Statement]:
    """What making consumer roles, or adding a policy to existing ones, takes in an account."""
    statements: list[Statement] = []
    created = tuple(consumer for consumer in consumers if consumer.create)
    existing = tuple(consumer.arn for consumer in consumers if not consumer.create)
    if created:
        profiles = tuple(f"arn:aws:iam::{account}:instance-profile/{consumer.name}" for consumer in created)
        roles = tuple(consumer.arn for consumer in created)
        statements += [
            Statement("ManageConsumerRoles", (*ROLE_READ_ACTIONS, *ROLE_WRITE_ACTIONS), roles),
            Statement("ManageConsumerProfiles", INSTANCE_PROFILE_ACTIONS, profiles),
            Statement(
                "PassConsumerRoles",
                ("iam:PassRole",),
                roles,
                conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
        ]
    if existing:
        statements.append(Statement("AddPolicyToConsumerRoles", ROLE_POLICY_ACTIONS, existing))
    return statements


def hub_deployment_policy(
    hub: str, region: str, regions: tuple[str, ...], plans: tuple[DistributionPlan, ...]
) -> PolicyDocument:
    """What the deployment role of the hub may do: resources that are named `golden-ami-…`, and keys.

    A key has no name before it exists: creating one and its policy are bound to the account's keys and aliases.
    """
    stem = "golden-ami-*"
    roles = (role_arn(hub, stem),)
    keys = tuple(f"arn:aws:kms:{each}:{hub}:key/*" for each in regions)
    aliases = tuple(f"arn:aws:kms:{each}:{hub}:alias/golden-ami/*" for each in regions)
    consumers = tuple(consumer for plan in plans for consumer in plan.consumers if consumer.account == hub)
    return PolicyDocument(
        (
            Statement("ManageRoles", (*ROLE_READ_ACTIONS, *ROLE_WRITE_ACTIONS), roles),
            Statement(
                "AttachInstancePolicies",
                ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
                roles,
                conditions={"ArnEquals": {"iam:PolicyARN": INSTANCE_MANAGED_POLICIES}},
            ),
            Statement(
                "ManageInstanceProfiles",
                INSTANCE_PROFILE_ACTIONS,
                (f"arn:aws:iam::{hub}:instance-profile/{stem}",),
            ),
            Statement(
                "PassRoles",
                ("iam:PassRole",),
                roles,
                conditions={
                    "StringEquals": {
                        "iam:PassedToService": (
                            "ec2.amazonaws.com",
                            "imagebuilder.amazonaws.com",
                            "lambda.amazonaws.com",
                        )
                    }
                },
            ),
            # AWS makes its service-linked role at the first pipeline of an account.
            Statement(
                "CreateImageBuilderServiceRole",
                ("iam:CreateServiceLinkedRole", "iam:GetRole"),
                (role_arn(hub, "aws-service-role/imagebuilder.amazonaws.com/AWSServiceRoleForImageBuilder"),),
            ),
            # A key that is not there yet has no ARN: these three have no resource level.
            Statement("CreateKeys", ("kms:CreateKey", "kms:ListAliases", "kms:ListKeys")),
            Statement("ManageKeys", KEY_ACTIONS, keys),
            Statement("ManageAliases", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), (*aliases, *keys)),
            Statement("ManageBuckets", BUCKET_ACTIONS, (f"arn:aws:s3:::{stem}-{hub}-{region}",)),
            Statement("ManageFunctions", FUNCTION_ACTIONS, (f"arn:aws:lambda:{region}:{hub}:function:{stem}",)),
            Statement("ManageQueues", QUEUE_ACTIONS, (f"arn:aws:sqs:{region}:{hub}:{stem}",)),
            Statement("ManageTopics", TOPIC_ACTIONS, (f"arn:aws:sns:{region}:{hub}:{stem}",)),
            Statement("ManageRules", RULE_ACTIONS, (f"arn:aws:events:{region}:{hub}:rule/{stem}",)),
            Statement(
                "ManageLogGroups",
                LOG_GROUP_ACTIONS,
                tuple(
                    f"arn:aws:logs:{region}:{hub}:log-group:{group}"
                    for prefix in ("/aws/lambda/", "/aws/imagebuilder/")
                    for group in (f"{prefix}{stem}", f"{prefix}{stem}:*")
                ),
            ),
            Statement("FindLogGroups", ("logs:DescribeLogGroups",), (f"arn:aws:logs:{region}:{hub}:log-group:*",)),
            Statement(
                "ManageImageBuilder",
                IMAGE_BUILDER_ACTIONS,
                tuple(
                    f"arn:aws:imagebuilder:{region}:{hub}:{kind}/{stem}"
                    for kind in (
                        "component",
                        "image-recipe",
                        "infrastructure-configuration",
                        "distribution-configuration",
                        "image-pipeline",
                        "image",
                    )
                ),
            ),
            Statement(
                "ManageSecurityGroups",
                SECURITY_GROUP_ACTIONS,
                tuple(
                    f"arn:aws:ec2:{region}:{hub}:{kind}/*" for kind in ("security-group", "security-group-rule", "vpc")
                ),
            ),
            Statement("ReadNetwork", NETWORK_READ_ACTIONS),
            Statement("ReadBaseImages", ("ssm:GetParameter",), (f"arn:aws:ssm:{region}::parameter/aws/service/*",)),
            *consumer_statements(hub, tuple(dict.fromkeys(consumers))),
        )
    )
