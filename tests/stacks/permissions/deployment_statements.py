"""What each statement of the deployment roles is for: without it a call of the program's deployment is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from model.names import DISTRIBUTION_ROLE, LIFECYCLE_ROLE
from tests.stacks.permissions import deployment_calls as calls
from tests.stacks.permissions.classification import Purpose
from tests.stacks.permissions.deployment_calls import ROLE, Call
from tests.stacks.permissions.documents import HUB, DeployedDocument, Document
from tests.stacks.world import World

PRODUCTION, TEST = "222222222222", "333333333333"
ACCOUNTS = (HUB, PRODUCTION, TEST)
POLICY = "own"
"""The inline policy with which the local accounts' roles are handed over (local/account_setup.py)."""


@dataclass(frozen=True)
class Administered:
    """A statement for the administration of an account, and a call that is refused without it, for `action`."""

    account: str
    sid: str
    call: Call
    action: str
    purpose: Purpose = Purpose.ADMINISTRATION
    trust: bool = False

    @property
    def document(self) -> str:
        """The name of its document."""
        return f"{'trust' if self.trust else 'policy'} of deployment in {self.account}"

    def __str__(self) -> str:
        return f"{self.document}: {self.sid}"


def deployment_documents(world: World) -> Mapping[str, DeployedDocument]:
    """The deployment roles' policies and trusts, by a name that says what they are."""
    found: dict[str, DeployedDocument] = {}
    for account in ACCOUNTS:
        found[f"policy of deployment in {account}"] = _policy(world, account)
        found[f"trust of deployment in {account}"] = _trust(world, account)
    return found


def _policy(world: World, account: str) -> DeployedDocument:
    iam = world.client("iam", account)

    def write(document: Document) -> None:
        iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(document))

    return DeployedDocument(lambda: iam.get_role_policy(RoleName=ROLE, PolicyName=POLICY)["PolicyDocument"], write)


def _trust(world: World, account: str) -> DeployedDocument:
    iam = world.client("iam", account)

    def write(document: Document) -> None:
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(document))

    return DeployedDocument(lambda: iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"], write)


def _reads(account: str) -> tuple[Administered, ...]:
    """What telling who may launch takes in each account that holds images."""
    return (
        Administered(account, "ReadChannels", calls.read_channel, "ssm:GetParameter"),
        Administered(account, "ReadImages", calls.read_images, "ec2:DescribeImages"),
        Administered(account, "ReadAttachedPolicies", calls.read_attached_policy, "iam:GetPolicy"),
    )


def _target(account: str, created: str, existing: str, policy: str) -> tuple[Administered, ...]:
    """What both targets' roles hold; `created` and `existing` are consumer or team roles, `policy` the latter's."""
    read_distribution_role = calls.read_role(DISTRIBUTION_ROLE)
    added = calls.read_role_policy(existing, policy)
    return (
        Administered(account, "DeployFromHub", calls.assume, "sts:AssumeRole", trust=True),
        Administered(account, "ManageDistributionRole", read_distribution_role, "iam:GetRole"),
        Administered(account, "AttachDistributionPolicy", calls.attach_distribution_policy, "iam:AttachRolePolicy"),
        Administered(account, "ManageLifecycleRole", calls.read_role(LIFECYCLE_ROLE), "iam:GetRole"),
        Administered(account, "AttachLifecyclePolicy", calls.attach_lifecycle_policy, "iam:AttachRolePolicy"),
        Administered(account, "ManageConsumerRoles", calls.read_role(created), "iam:GetRole"),
        Administered(account, "ManageConsumerProfiles", calls.read_profile(created), "iam:GetInstanceProfile"),
        Administered(account, "PassConsumerRoles", calls.hand_role_to_profile(created), "iam:PassRole"),
        Administered(account, "AddPolicyToRoles", added, "iam:GetRolePolicy"),
        *_reads(account),
    )


ADMINISTERED: tuple[Administered, ...] = (
    Administered(HUB, "DeployFromHub", calls.assume, "sts:AssumeRole", trust=True),
    Administered(HUB, "ManageRoles", calls.read_hub_role, "iam:GetRole"),
    Administered(HUB, "AttachInstancePolicies", calls.attach_instance_policy, "iam:AttachRolePolicy"),
    Administered(HUB, "ManageInstanceProfiles", calls.read_hub_profile, "iam:GetInstanceProfile"),
    Administered(HUB, "PassRoles", calls.hand_role_to_function, "iam:PassRole"),
    Administered(HUB, "CreateImageBuilderServiceRole", calls.make_first_pipeline, "iam:CreateServiceLinkedRole"),
    Administered(HUB, "CreateKeys", calls.find_aliases, "kms:ListAliases"),
    Administered(HUB, "ManageKeys", calls.read_key, "kms:GetKeyPolicy"),
    Administered(HUB, "ManageAliases", calls.keep_alias, "kms:UpdateAlias"),
    Administered(HUB, "ManageBuckets", calls.read_bucket, "s3:GetBucketPolicy"),
    Administered(HUB, "ManageFunctions", calls.read_function, "lambda:GetFunction"),
    Administered(HUB, "ManageLayers", calls.read_layer, "lambda:GetLayerVersion"),
    Administered(HUB, "ManageAlarms", calls.read_alarm_tags, "cloudwatch:ListTagsForResource"),
    Administered(HUB, "FindAlarms", calls.find_alarm, "cloudwatch:DescribeAlarms"),
    Administered(HUB, "ManageQueues", calls.read_queue, "sqs:GetQueueAttributes"),
    Administered(HUB, "ManageTopics", calls.read_topic, "sns:GetTopicAttributes"),
    Administered(HUB, "ManageRules", calls.read_rule, "events:DescribeRule"),
    Administered(HUB, "ManageSchedules", calls.read_schedule, "scheduler:GetSchedule"),
    Administered(HUB, "ManageLogGroups", calls.read_log_group_tags, "logs:ListTagsForResource"),
    Administered(HUB, "FindLogGroups", calls.find_log_group, "logs:DescribeLogGroups"),
    Administered(HUB, "ManageImageBuilder", calls.read_pipeline, "imagebuilder:GetImagePipeline"),
    Administered(HUB, "FindVersions", calls.find_versions, "imagebuilder:ListComponents"),
    Administered(HUB, "ReadComponents", calls.read_managed_component, "imagebuilder:GetComponent"),
    Administered(HUB, "StoreDocuments", calls.store_document, "s3:PutObject"),
    Administered(HUB, "ManageSubscriptions", calls.read_subscription, "sns:GetSubscriptionAttributes"),
    Administered(HUB, "ManageSecurityGroups", calls.make_security_group, "ec2:CreateSecurityGroup"),
    Administered(HUB, "ReadNetwork", calls.read_subnet, "ec2:DescribeSubnets"),
    Administered(HUB, "ReadBaseImages", calls.read_base_image, "ssm:GetParameter"),
    *_reads(HUB),
    *_target(PRODUCTION, "ledger-instances", "ledger-team", "golden-ami-ledger-upload"),
    Administered(PRODUCTION, "GrantToAutoScaling", calls.grant_to_auto_scaling, "kms:CreateGrant"),
    Administered(PRODUCTION, "KeepAutoScalingGrants", calls.read_grants, "kms:ListGrants"),
    Administered(PRODUCTION, "ReadAutoScalingRole", calls.read_role("AWSServiceRoleForAutoScaling"), "iam:GetRole"),
    *_target(TEST, "payroll-instances", "ledger-runtime", "golden-ami-ledger-image-key"),
    Administered(TEST, "ReadConsumerRoles", calls.read_role("ledger-runtime"), "iam:GetRole"),
)

RECORDED: tuple[tuple[str, str], ...] = ()
"""Statements by document and Sid on which the local cloud does not decide."""
