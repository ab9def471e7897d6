"""The deployment role of each account: what the program's providers assume, and what that role may do.

The role is the one thing that an account must hold before the first `pulumi up`. Its policies are computed from the
files, so that they name the buckets, roles and functions of this landing zone and its products and nothing else.
"""

from __future__ import annotations

from model.deployment_actions import (
    ALARM_ACTIONS,
    BUCKET_ACTIONS,
    BUCKET_DOCUMENT_ACTIONS,
    DOCUMENT_ACTIONS,
    FUNCTION_ACTIONS,
    IMAGE_BUILDER_ACTIONS,
    INSTANCE_PROFILE_ACTIONS,
    KEY_ACTIONS,
    LAYER_ACTIONS,
    LOG_GROUP_ACTIONS,
    NETWORK_READ_ACTIONS,
    QUEUE_ACTIONS,
    ROLE_POLICY_ACTIONS,
    ROLE_READ_ACTIONS,
    ROLE_WRITE_ACTIONS,
    RULE_ACTIONS,
    SCHEDULE_ACTIONS,
    SECURITY_GROUP_ACTIONS,
    SUBSCRIPTION_ACTIONS,
    TOPIC_ACTIONS,
    VERSION_READ_ACTIONS,
)
from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.key_policies import AUTO_SCALING_OPERATIONS
from model.names import (
    COMPONENTS_PREFIX,
    DISTRIBUTION_MANAGED_POLICY,
    DISTRIBUTION_ROLE,
    LIFECYCLE_MANAGED_POLICY,
    LIFECYCLE_ROLE,
    account_root_arn,
    auto_scaling_role_arn,
    role_arn,
)
from model.pipeline_policies import INSTANCE_MANAGED_POLICIES
from model.schedule_policies import SCHEDULER
from model.target_policies import launch_template_statements


def deployment_role_trust(hub: str) -> PolicyDocument:
    """Whoever the hub's own policies let assume deployment roles: its platform engineers and its CI."""
    return trust_policy(Statement("DeployFromHub", ("sts:AssumeRole",), principal={"AWS": account_root_arn(hub)}))


def target_deployment_policy(account: str, plans: tuple[DistributionPlan, ...]) -> PolicyDocument:
    """What the deployment role of a target account may do: Image Builder's roles there, and its consumer roles."""
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
        Statement(
            "ManageLifecycleRole", (*ROLE_READ_ACTIONS, *ROLE_WRITE_ACTIONS), (role_arn(account, LIFECYCLE_ROLE),)
        ),
        Statement(
            "AttachLifecyclePolicy",
            ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            (role_arn(account, LIFECYCLE_ROLE),),
            conditions={"ArnEquals": {"iam:PolicyARN": LIFECYCLE_MANAGED_POLICY}},
        ),
        *role_statements(account, plans),
    ]
    return PolicyDocument(tuple(statements))


def role_statements(account: str, plans: tuple[DistributionPlan, ...]) -> list[Statement]:
    """What the products' roles in an account take: making some, adding a policy to others, grants for Auto Scaling."""
    statements: list[Statement] = []
    consumers = tuple(consumer for plan in plans for consumer in plan.consumers if consumer.account == account)
    uploaders = tuple(uploader for plan in plans for uploader in plan.uploaders if uploader.account == account)
    created = tuple(dict.fromkeys(consumer for consumer in consumers if consumer.create))
    existing = tuple(dict.fromkeys(consumer.arn for consumer in consumers if not consumer.create))
    given = tuple(role_arn(plan.hub, role) for plan in plans if plan.hub == account for role in plan.given_roles.all)
    teams = dict.fromkeys(uploader.arn for uploader in uploaders if uploader.ours)
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
    if existing or teams or given:
        others = tuple(dict.fromkeys((*existing, *teams, *given)))
        statements.append(Statement("AddPolicyToRoles", ROLE_POLICY_ACTIONS, others))
    if existing:
        # What else such a role may do decides on its launches (`make access`).
        reads = tuple(action for action in ROLE_READ_ACTIONS if action not in ROLE_POLICY_ACTIONS)
        statements.append(Statement("ReadConsumerRoles", reads, existing))
    uses = any(account in plan.users(target) for plan in plans for target in plan.regions)
    if uses or any(plan.hub == account for plan in plans):
        # Describe actions know no resource level (Service Authorization Reference, Amazon EC2).
        statements.append(Statement("ReadImages", ("ec2:DescribeImages", "ec2:DescribeSnapshots")))
    if uses:
        statements += _launch_reads(account)
    if any(consumer.auto_scaling for consumer in consumers):
        statements += _auto_scaling_grants(account, tuple(dict.fromkeys(plan.hub for plan in plans)))
    return statements


def _launch_reads(account: str) -> list[Statement]:
    """What telling who may launch takes where an image is (`make access`); it changes nothing."""
    return [
        Statement("ReadChannels", ("ssm:GetParameter",), (f"arn:aws:ssm:*:{account}:parameter/golden-ami/*",)),
        Statement(
            "ReadAttachedPolicies",
            ("iam:GetPolicy", "iam:GetPolicyVersion"),
            (f"arn:aws:iam::{account}:policy/*", "arn:aws:iam::aws:policy/*"),
        ),
    ]


def _auto_scaling_grants(account: str, hubs: tuple[str, ...]) -> list[Statement]:
    """The key's own policy narrows the keys to those of products that this account scales."""
    keys = tuple(f"arn:aws:kms:*:{hub}:key/*" for hub in hubs)
    return [
        Statement(
            "GrantToAutoScaling",
            ("kms:CreateGrant",),
            keys,
            conditions={
                "StringEquals": {"kms:GranteePrincipal": auto_scaling_role_arn(account)},
                "ForAllValues:StringEquals": {"kms:GrantOperations": AUTO_SCALING_OPERATIONS},
            },
        ),
        Statement("KeepAutoScalingGrants", ("kms:ListGrants", "kms:RevokeGrant"), keys),
        Statement(
            "ReadAutoScalingRole",
            ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            (auto_scaling_role_arn(account),),
        ),
    ]


def hub_deployment_policy(
    hub: str,
    region: str,
    regions: tuple[str, ...],
    plans: tuple[DistributionPlan, ...],
    documents: tuple[str, ...] = (),
) -> PolicyDocument:
    """What the deployment role of the hub may do: resources that are named `golden-ami-…`, and keys.

    A key has no name before it exists: creating one and its policy are bound to the account's keys and aliases.
    `documents` are ARN patterns of component documents in buckets that are there already.
    """
    stem = "golden-ami-*"
    scheduled = any(plan.scheduled for plan in plans)
    roles = (role_arn(hub, stem),)
    keys = tuple(f"arn:aws:kms:{each}:{hub}:key/*" for each in regions)
    aliases = tuple(f"arn:aws:kms:{each}:{hub}:alias/golden-ami/*" for each in regions)
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
                            *((SCHEDULER,) if scheduled else ()),
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
            # A key that is not there yet has no ARN: these have no resource level.
            Statement("CreateKeys", ("kms:CreateKey", "kms:ListAliases")),
            Statement("ManageKeys", KEY_ACTIONS, keys),
            Statement("ManageAliases", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), (*aliases, *keys)),
            Statement("ManageBuckets", BUCKET_ACTIONS, (f"arn:aws:s3:::{stem}-{hub}-{region}",)),
            Statement("ManageFunctions", FUNCTION_ACTIONS, (f"arn:aws:lambda:{region}:{hub}:function:{stem}",)),
            Statement(
                "ManageLayers",
                LAYER_ACTIONS,
                tuple(f"arn:aws:lambda:{region}:{hub}:layer:{stem}{version}" for version in ("", ":*")),
            ),
            Statement("ManageAlarms", ALARM_ACTIONS, (f"arn:aws:cloudwatch:{region}:{hub}:alarm:{stem}",)),
            # Without a resource: it also tells whether a composite alarm has the name (CloudWatch API Reference).
            Statement("FindAlarms", ("cloudwatch:DescribeAlarms",)),
            Statement("ManageQueues", QUEUE_ACTIONS, (f"arn:aws:sqs:{region}:{hub}:{stem}",)),
            Statement("ManageTopics", TOPIC_ACTIONS, (f"arn:aws:sns:{region}:{hub}:{stem}",)),
            Statement("ManageSubscriptions", SUBSCRIPTION_ACTIONS),
            Statement("ManageRules", RULE_ACTIONS, (f"arn:aws:events:{region}:{hub}:rule/{stem}",)),
            # Also where no product asks for one any more: the last one's has to be removed.
            Statement(
                "ManageSchedules", SCHEDULE_ACTIONS, (f"arn:aws:scheduler:{region}:{hub}:schedule/default/{stem}",)
            ),
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
                        "lifecycle-policy",
                    )
                ),
            ),
            Statement("FindVersions", VERSION_READ_ACTIONS),
            # A recipe may name components of AWS, of the Marketplace and of other accounts.
            Statement(
                "ReadComponents", ("imagebuilder:GetComponent",), (f"arn:aws:imagebuilder:{region}:*:component/*",)
            ),
            Statement(
                "StoreDocuments",
                DOCUMENT_ACTIONS,
                (f"arn:aws:s3:::{stem}-{hub}-{region}/{COMPONENTS_PREFIX}*",),
            ),
            Statement(
                "ManageSecurityGroups",
                SECURITY_GROUP_ACTIONS,
                tuple(
                    f"arn:aws:ec2:{region}:{hub}:{kind}/*" for kind in ("security-group", "security-group-rule", "vpc")
                ),
            ),
            Statement("ReadNetwork", NETWORK_READ_ACTIONS),
            Statement("ReadBaseImages", ("ssm:GetParameter",), _base_parameters(hub, region, plans)),
            # AWS asks whoever makes a distribution that names them (CloudFormation's schema of
            # AWS::ImageBuilder::DistributionConfiguration, permissions of its handlers).
            *launch_template_statements(plans, hub),
            *((Statement("ReadBucketDocuments", BUCKET_DOCUMENT_ACTIONS, documents),) if documents else ()),
            *role_statements(hub, plans),
            *_given_roles(hub, plans),
        )
    )


def _base_parameters(hub: str, region: str, plans: tuple[DistributionPlan, ...]) -> tuple[str, ...]:
    own = dict.fromkeys(plan.base_parameter for plan in plans if plan.base_parameter)
    return (
        f"arn:aws:ssm:{region}::parameter/aws/service/*",
        *(f"arn:aws:ssm:{region}:{hub}:parameter{name}" for name in own),
    )


def _given_roles(hub: str, plans: tuple[DistributionPlan, ...]) -> list[Statement]:
    """Handing existing roles of the hub to the service that each is for."""
    given = {
        ("PassGivenInstanceRoles", "ec2.amazonaws.com"): [plan.given_roles.instance for plan in plans],
        ("PassGivenExecutionRoles", "imagebuilder.amazonaws.com"): [plan.given_roles.execution for plan in plans],
    }
    return [
        Statement(
            sid,
            ("iam:PassRole",),
            tuple(dict.fromkeys(role_arn(hub, role) for role in roles if role)),
            conditions={"StringEquals": {"iam:PassedToService": service}},
        )
        for (sid, service), roles in given.items()
        if any(roles)
    ]
