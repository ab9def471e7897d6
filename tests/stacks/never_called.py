"""What is granted and not called in the recorded run, and why it is granted all the same.

Names of pages are AWS's. "AWS's provider" is terraform-provider-aws, with which the program runs on AWS; that of the
local cloud makes fewer calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from model.names import DISTRIBUTION_ROLE, role_arn
from tests.stacks.permissions.documents import HUB, PRODUCT

PRODUCTION, TEST = "222222222222", "333333333333"


class Why(StrEnum):
    """Why something is granted that the run does not call."""

    RETENTION = "only a product with a retention has a lifecycle policy; one that no longer has it still removes it"

    LET_GO = "a product is let go with it (docs/letting-go.md), as tests/stacks/test_lifecycle.py does with another one"
    LARGE_DOCUMENTS = "only a component whose document is too large for a call goes through the bucket"
    CHANGE = "only a change of what is deployed calls it, and the run deploys everything once"
    TAGS = "AWS asks it of whoever tags what they create; the local cloud asks for the creation alone"
    PROVIDER = "AWS's provider reads it of the resource, whatever the program sets"
    GRANT_TO_READ = 'the function\'s tags are told only to who may list them (Lambda API Reference, "GetFunction")'
    SERVICE_ROLE = (
        "Image Builder asks for it beside iam:CreateServiceLinkedRole (managed policy AWSImageBuilderFullAccess)"
    )
    COMPONENT_KEY = (
        "who makes a component under a key needs it (Service Authorization Reference, EC2 Image Builder, "
        "CreateComponent); the local cloud uses the component's key when it builds"
    )
    FUNCTION_KEY = (
        'who puts a key on a function needs it (Lambda Developer Guide, "Securing Lambda environment variables"); '
        "the local cloud uses the function's key when it runs"
    )
    IMAGE_BUILDER = (
        "Image Builder's own role may do it (managed policy AWSServiceRoleForImageBuilder); local builds need less"
    )
    DISTRIBUTION = (
        'the key policy that AWS demands for the role says so (Image Builder User Guide, "Set up cross-account AMI '
        'distribution"); the local distribution only copies'
    )
    SEED = "seed 001 names it for users of the image key; a launch under the image's own key makes do without"
    ENCRYPTED_VOLUMES = (
        'EBS asks for it where the key changes (EBS User Guide, "Requirements for Amazon EBS encryption")'
    )
    ENCRYPTED_TOPIC = (
        'AWS writes kms:GenerateDataKey* (SNS Developer Guide, "Enable compatibility between event sources from AWS '
        'services and encrypted topics")'
    )
    LOGS = (
        'CloudWatch Logs encrypts with it (CloudWatch Logs User Guide, "Encrypt log data"); the local cloud keeps logs '
        "as they are"
    )
    TRACES = "the local cloud has no X-Ray"
    INSTANCES = "nothing runs on instances that are launched here, so none asks for its role's credentials"
    OTHER_PRODUCT = (
        "it is for the Windows example's roles, which are not deployed here; the same statement serves others"
    )
    KEPT_IN_HUB = "`make access --live` reads with it in the hub, for the hardened bases, which the run does not deploy"
    SCHEDULE = "a product whose file states a schedule has one made; ledger states none"
    NO_INTERNET = (
        "a product in a subnet without a way to the internet has its VPC's endpoints looked up; ledger has one"
    )
    NOTHING_ATTACHED = "`make access --live` reads managed policies with it, and no consumer role there has one"


@dataclass(frozen=True)
class NeverCalled:
    """Actions of a statement that are not called; without any, all of its actions. `holder` may have wildcards."""

    holder: str
    sid: str
    why: Why
    actions: tuple[str, ...]


def never(holder: str, sid: str, why: Why, *actions: str) -> NeverCalled:
    """An entry; actions as policies write them."""
    return NeverCalled(holder, sid, why, actions)


def made_roles(holder: str, sid: str) -> tuple[NeverCalled, ...]:
    """A statement on roles that the program makes."""
    return (
        never(holder, sid, Why.LET_GO, "iam:DeleteRole", "iam:DeleteRolePolicy"),
        never(holder, sid, Why.CHANGE, "iam:UntagRole", "iam:UpdateAssumeRolePolicy"),
        never(holder, sid, Why.CHANGE, "iam:UpdateRole", "iam:UpdateRoleDescription"),
        never(holder, sid, Why.TAGS, "iam:TagRole"),
    )


def made_profiles(holder: str, sid: str) -> tuple[NeverCalled, ...]:
    """A statement on instance profiles that the program makes."""
    return (
        never(holder, sid, Why.LET_GO, "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"),
        never(holder, sid, Why.CHANGE, "iam:UntagInstanceProfile"),
        never(holder, sid, Why.TAGS, "iam:TagInstanceProfile"),
    )


def image_key_users(holder: str, sid: str) -> tuple[NeverCalled, ...]:
    """A statement for roles that launch."""
    return (
        never(holder, sid, Why.SEED, "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair*"),
        never(holder, sid, Why.ENCRYPTED_VOLUMES, "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"),
    )


DEPLOYMENT = role_arn(HUB, "golden-ami-deployment")
DEPLOYMENT_IN_PRODUCTION = role_arn(PRODUCTION, "golden-ami-deployment")
DEPLOYMENT_IN_TEST = role_arn(TEST, "golden-ami-deployment")
DEPLOYMENT_IN_TARGETS = role_arn("*", "golden-ami-deployment")
EXECUTION = role_arn(HUB, f"golden-ami-{PRODUCT}-execution")
FUNCTIONS = role_arn(HUB, f"golden-ami-{PRODUCT}-*")
DISTRIBUTION = role_arn("*", DISTRIBUTION_ROLE)
INSTANCES = role_arn(PRODUCTION, "ledger-instances")
CONSUMERS = role_arn("*", "*ledger-*")
DATA_KEY = f"arn:aws:kms:*:{HUB}:key/*"

OF_HUB_DEPLOYMENT = (
    never(DEPLOYMENT, "AttachInstancePolicies", Why.LET_GO, "iam:DetachRolePolicy"),
    never(DEPLOYMENT, "CreateImageBuilderServiceRole", Why.SERVICE_ROLE, "iam:GetRole"),
    never(DEPLOYMENT, "ManageAlarms", Why.LET_GO, "cloudwatch:DeleteAlarms"),
    never(DEPLOYMENT, "ManageAlarms", Why.CHANGE, "cloudwatch:UntagResource"),
    never(DEPLOYMENT, "ManageAlarms", Why.TAGS, "cloudwatch:TagResource"),
    never(DEPLOYMENT, "ManageAliases", Why.LET_GO, "kms:DeleteAlias"),
    never(DEPLOYMENT, "ManageAliases", Why.CHANGE, "kms:UpdateAlias"),
    never(DEPLOYMENT, "ManageBuckets", Why.LET_GO, "s3:DeleteBucket", "s3:DeleteBucketPolicy"),
    never(DEPLOYMENT, "ManageBuckets", Why.CHANGE, "s3:UntagResource"),
    never(DEPLOYMENT, "ManageBuckets", Why.TAGS, "s3:TagResource"),
    never(DEPLOYMENT, "ManageBuckets", Why.PROVIDER, "s3:GetAccelerateConfiguration", "s3:GetBucketAcl"),
    never(DEPLOYMENT, "ManageBuckets", Why.PROVIDER, "s3:GetBucketCORS", "s3:GetBucketLocation", "s3:GetBucketLogging"),
    never(DEPLOYMENT, "ManageBuckets", Why.PROVIDER, "s3:GetBucketRequestPayment", "s3:GetBucketWebsite"),
    never(DEPLOYMENT, "ManageBuckets", Why.PROVIDER, "s3:GetReplicationConfiguration", "s3:ListTagsForResource"),
    never(DEPLOYMENT, "ManageFunctions", Why.LET_GO, "lambda:DeleteFunction", "lambda:DeleteFunctionEventInvokeConfig"),
    never(DEPLOYMENT, "ManageFunctions", Why.LET_GO, "lambda:RemovePermission"),
    never(DEPLOYMENT, "ManageFunctions", Why.CHANGE, "lambda:UntagResource"),
    never(DEPLOYMENT, "ManageFunctions", Why.CHANGE, "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
    never(DEPLOYMENT, "ManageFunctions", Why.TAGS, "lambda:TagResource"),
    never(DEPLOYMENT, "ManageFunctions", Why.GRANT_TO_READ, "lambda:ListTags"),
    never(DEPLOYMENT, "ManageFunctions", Why.PROVIDER, "lambda:GetFunctionCodeSigningConfig"),
    never(DEPLOYMENT, "ManageFunctions", Why.PROVIDER, "lambda:ListVersionsByFunction"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.LET_GO, "imagebuilder:DeleteComponent"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.LET_GO, "imagebuilder:DeleteDistributionConfiguration"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.LET_GO, "imagebuilder:DeleteImagePipeline"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.LET_GO, "imagebuilder:DeleteImageRecipe"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.LET_GO, "imagebuilder:DeleteInfrastructureConfiguration"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.CHANGE, "imagebuilder:UntagResource"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.CHANGE, "imagebuilder:UpdateDistributionConfiguration"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.CHANGE, "imagebuilder:UpdateImagePipeline"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.CHANGE, "imagebuilder:UpdateInfrastructureConfiguration"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.RETENTION, "imagebuilder:CreateLifecyclePolicy"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.RETENTION, "imagebuilder:DeleteLifecyclePolicy"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.RETENTION, "imagebuilder:GetLifecyclePolicy"),
    never(DEPLOYMENT, "ManageImageBuilder", Why.RETENTION, "imagebuilder:UpdateLifecyclePolicy"),
    *made_profiles(DEPLOYMENT, "ManageInstanceProfiles"),
    never(DEPLOYMENT, "ManageKeys", Why.LET_GO, "kms:CancelKeyDeletion", "kms:RevokeGrant", "kms:ScheduleKeyDeletion"),
    never(DEPLOYMENT, "ManageKeys", Why.CHANGE, "kms:DisableKeyRotation", "kms:PutKeyPolicy"),
    never(DEPLOYMENT, "ManageKeys", Why.CHANGE, "kms:UntagResource", "kms:UpdateKeyDescription"),
    never(DEPLOYMENT, "ManageKeys", Why.TAGS, "kms:TagResource"),
    never(DEPLOYMENT, "ManageKeys", Why.FUNCTION_KEY, "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"),
    never(DEPLOYMENT, "ManageKeys", Why.COMPONENT_KEY, "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"),
    never(DEPLOYMENT, "ManageLayers", Why.LET_GO, "lambda:DeleteLayerVersion"),
    never(DEPLOYMENT, "ManageLogGroups", Why.LET_GO, "logs:DeleteLogGroup"),
    never(DEPLOYMENT, "ManageLogGroups", Why.CHANGE, "logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
    never(DEPLOYMENT, "ManageLogGroups", Why.CHANGE, "logs:DeleteRetentionPolicy", "logs:UntagResource"),
    never(DEPLOYMENT, "ManageLogGroups", Why.TAGS, "logs:TagResource"),
    never(DEPLOYMENT, "ManageQueues", Why.LET_GO, "sqs:DeleteQueue"),
    never(DEPLOYMENT, "ManageQueues", Why.CHANGE, "sqs:UntagQueue"),
    never(DEPLOYMENT, "ManageQueues", Why.TAGS, "sqs:TagQueue"),
    never(DEPLOYMENT, "ManageSchedules", Why.SCHEDULE),
    *made_roles(DEPLOYMENT, "ManageRoles"),
    never(DEPLOYMENT, "ManageRoles", Why.LET_GO, "iam:ListInstanceProfilesForRole"),
    never(DEPLOYMENT, "ManageRules", Why.LET_GO, "events:DeleteRule", "events:RemoveTargets"),
    never(DEPLOYMENT, "ManageRules", Why.CHANGE, "events:UntagResource"),
    never(DEPLOYMENT, "ManageRules", Why.TAGS, "events:TagResource"),
    never(DEPLOYMENT, "ManageSecurityGroups", Why.LET_GO, "ec2:DeleteSecurityGroup"),
    never(DEPLOYMENT, "ManageSecurityGroups", Why.CHANGE, "ec2:DeleteTags", "ec2:ModifySecurityGroupRules"),
    never(DEPLOYMENT, "ManageSecurityGroups", Why.TAGS, "ec2:CreateTags"),
    never(DEPLOYMENT, "ManageTopics", Why.LET_GO, "sns:DeleteTopic"),
    never(DEPLOYMENT, "ManageTopics", Why.CHANGE, "sns:UntagResource"),
    never(DEPLOYMENT, "ManageTopics", Why.TAGS, "sns:TagResource"),
    never(DEPLOYMENT, "ManageSubscriptions", Why.LET_GO, "sns:Unsubscribe"),
    never(DEPLOYMENT, "ManageSubscriptions", Why.CHANGE, "sns:SetSubscriptionAttributes"),
    never(DEPLOYMENT, "StoreDocuments", Why.LARGE_DOCUMENTS),
    never(DEPLOYMENT, "ManageBuckets", Why.LARGE_DOCUMENTS, "s3:ListBucketVersions"),
    never(DEPLOYMENT, "ReadAttachedPolicies", Why.KEPT_IN_HUB, "iam:GetPolicy", "iam:GetPolicyVersion"),
    never(DEPLOYMENT, "ReadChannels", Why.KEPT_IN_HUB, "ssm:GetParameter"),
    never(DEPLOYMENT, "ReadImages", Why.KEPT_IN_HUB, "ec2:DescribeSnapshots"),
    never(DEPLOYMENT, "ReadNetwork", Why.LET_GO, "ec2:DescribeNetworkInterfaces"),
    never(DEPLOYMENT, "ReadNetwork", Why.NO_INTERNET, "ec2:DescribeVpcEndpoints"),
)

OF_TARGETS_DEPLOYMENT = (
    never(DEPLOYMENT_IN_TARGETS, "AddPolicyToRoles", Why.LET_GO, "iam:DeleteRolePolicy"),
    never(DEPLOYMENT_IN_TARGETS, "AttachDistributionPolicy", Why.LET_GO, "iam:DetachRolePolicy"),
    never(DEPLOYMENT_IN_TARGETS, "AttachLifecyclePolicy", Why.LET_GO, "iam:DetachRolePolicy"),
    never(DEPLOYMENT_IN_PRODUCTION, "KeepAutoScalingGrants", Why.LET_GO, "kms:RevokeGrant"),
    *made_profiles(DEPLOYMENT_IN_PRODUCTION, "ManageConsumerProfiles"),
    never(DEPLOYMENT_IN_TEST, "ManageConsumerProfiles", Why.OTHER_PRODUCT),
    *made_roles(DEPLOYMENT_IN_PRODUCTION, "ManageConsumerRoles"),
    never(DEPLOYMENT_IN_TEST, "ManageConsumerRoles", Why.OTHER_PRODUCT),
    *made_roles(DEPLOYMENT_IN_TARGETS, "ManageDistributionRole"),
    never(DEPLOYMENT_IN_TARGETS, "ManageDistributionRole", Why.LET_GO, "iam:ListInstanceProfilesForRole"),
    *made_roles(DEPLOYMENT_IN_TARGETS, "ManageLifecycleRole"),
    never(DEPLOYMENT_IN_TARGETS, "ManageLifecycleRole", Why.LET_GO, "iam:ListInstanceProfilesForRole"),
    never(DEPLOYMENT_IN_TEST, "PassConsumerRoles", Why.OTHER_PRODUCT, "iam:PassRole"),
    never(DEPLOYMENT_IN_TEST, "ReadAttachedPolicies", Why.NOTHING_ATTACHED, "iam:GetPolicy", "iam:GetPolicyVersion"),
)

OF_BUILDS = (
    never(EXECUTION, "CopyImages", Why.IMAGE_BUILDER, "ec2:CopyImage"),
    never(EXECUTION, "EndBuildInstances", Why.IMAGE_BUILDER, "ec2:StartInstances"),
    never(EXECUTION, "ReadBuildState", Why.IMAGE_BUILDER, "ec2:DescribeInstanceStatus", "ec2:DescribeSnapshots"),
    never(EXECUTION, "ReadBuildState", Why.IMAGE_BUILDER, "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeSubnets"),
    never(EXECUTION, "ReadBuildState", Why.IMAGE_BUILDER, "ec2:DescribeTags", "ssm:DescribeInstanceInformation"),
    never(EXECUTION, "ReadBuildState", Why.IMAGE_BUILDER, "ssm:GetCommandInvocation", "ssm:ListCommandInvocations"),
    never(EXECUTION, "ReadBuildState", Why.IMAGE_BUILDER, "ssm:ListCommands"),
    never(EXECUTION, "UseImageKeys", Why.IMAGE_BUILDER, "kms:Encrypt", "kms:ReEncrypt*"),
    never(EXECUTION, "UseImageKeys", Why.SEED, "kms:GenerateDataKey", "kms:GenerateDataKeyPair*"),
    never(DISTRIBUTION, "GrantImageKeys", Why.DISTRIBUTION, "kms:ListGrants", "kms:RevokeGrant"),
    never(DISTRIBUTION, "UseImageKeys", Why.DISTRIBUTION, "kms:Encrypt", "kms:GenerateDataKey"),
    never(DISTRIBUTION, "UseImageKeys", Why.DISTRIBUTION, "kms:GenerateDataKeyPair*"),
    never(FUNCTIONS, "WriteTraces", Why.TRACES, "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
)

OF_CONSUMERS = (
    never(INSTANCES, "AssumedByInstances", Why.INSTANCES, "sts:AssumeRole"),
    *image_key_users(CONSUMERS, "UseImageKey"),
)

OF_DATA_KEY = (
    never(DATA_KEY, "UseByAlarm", Why.ENCRYPTED_TOPIC, "kms:GenerateDataKeyPair*"),
    never(DATA_KEY, "UseByAlarm", Why.ENCRYPTED_TOPIC, "kms:GenerateDataKeyWithoutPlaintext"),
    never(DATA_KEY, "UseByLogs", Why.LOGS, "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
    never(DATA_KEY, "UseByLogs", Why.LOGS, "kms:GenerateDataKey*", "kms:ReEncrypt*"),
)

NEVER_CALLED = (*OF_HUB_DEPLOYMENT, *OF_TARGETS_DEPLOYMENT, *OF_BUILDS, *OF_CONSUMERS, *OF_DATA_KEY)
