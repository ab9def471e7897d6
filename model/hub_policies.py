"""Policies of the roles and resources that a product has in the hub account."""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.key_policies import FOR_AWS_RESOURCES, USE_ACTIONS
from model.names import (
    BUILD_PREFIX,
    BUILDS_PREFIX,
    TAG_MANIFEST,
    TAG_PRODUCT,
    TAG_SCRIPT_VERSION,
    ProductNames,
    account_root_arn,
    channel_parameter_arn,
    distribution_role_arn,
    role_arn,
)
from model.upload_policies import bucket_statements

KEY_HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"

CREATED_BY_IMAGE_BUILDER = "EC2 Image Builder"
"""Value of the tag `CreatedBy` that Image Builder puts on what it makes (its service-linked role's policy)."""

INSTANCE_MANAGED_POLICIES = (
    "arn:aws:iam::aws:policy/EC2InstanceProfileForImageBuilder",
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
)
"""What Image Builder demands of a build instance's profile (Image Builder User Guide, "Prerequisites")."""


def service_trust(sid: str, service: str) -> PolicyDocument:
    """Trust for an AWS service that assumes roles without source keys.

    Lambda and EC2 only hand out a role that its account's administrator passed to them under `iam:PassRole`
    (IAM User Guide, "The confused deputy problem").
    """
    return trust_policy(Statement(sid, ("sts:AssumeRole",), principal={"Service": service}))


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
            Statement("CreateBuildLog", ("logs:CreateLogStream", "logs:PutLogEvents"), _log_streams(names)),
        )
    )


def execution_policy(names: ProductNames, plan: DistributionPlan, image_key_arns: tuple[str, ...]) -> PolicyDocument:
    """What Image Builder does in the hub for this pipeline, with its execution role instead of its service-linked one.

    A pipeline that writes SSM parameters outside `/imagebuilder/` needs such a role (Image Builder User Guide,
    "Prerequisites for SSM output parameters"). The statements follow the service-linked role's managed policy
    `AWSServiceRoleForImageBuilder`, narrowed to this product.
    """
    made_by_image_builder = {"StringEquals": {"aws:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER}}
    region, hub = names.region, names.account
    parameters = tuple(
        channel_parameter_arn(names.product, account, target.region)
        for target in plan.regions
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
            Statement("ReadBaseImage", ("ssm:GetParameter", "ssm:GetParameters"), _public_parameters(region, hub)),
            Statement(
                "UseImageKeys",
                USE_ACTIONS,
                image_key_arns,
            ),
            Statement("GrantImageKeys", ("kms:CreateGrant",), image_key_arns, conditions=FOR_AWS_RESOURCES),
            Statement("WriteBuildLog", ("logs:CreateLogStream", "logs:PutLogEvents"), _log_streams(names)),
            Statement("WriteChannels", ("ssm:PutParameter",), parameters),
            *_assume_distribution_roles("DistributeToTargets", plan),
        )
    )


def start_function_policy(names: ProductNames, data_key_arn: str) -> PolicyDocument:
    """What the function that starts builds does: read the team's scripts, pin them, start the pipeline."""
    return PolicyDocument(
        (
            # Without a condition on the prefix: S3 answers 404 for an object that is not there only to who may list.
            Statement("ListScripts", ("s3:ListBucket", "s3:ListBucketVersions"), (names.bucket_arn,)),
            Statement("ReadScripts", ("s3:GetObject", "s3:GetObjectVersion"), (f"{names.bucket_arn}/*",)),
            Statement("PinBuild", ("s3:PutObject", "s3:DeleteObject"), (f"{names.bucket_arn}/{BUILDS_PREFIX}*",)),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
            Statement(
                "StartPipeline",
                ("imagebuilder:StartImagePipelineExecution", "imagebuilder:ListImagePipelineImages"),
                (names.pipeline_arn,),
            ),
            Statement(
                "FollowImages",
                ("imagebuilder:GetImage", "imagebuilder:RetryImage", "imagebuilder:TagResource"),
                (names.image_arn_pattern,),
            ),
            Statement("ReportUploads", ("sns:Publish",), (names.topic_arn,)),
            *_function_basics(names, names.start_function),
        )
    )


def report_function_policy(names: ProductNames, plan: DistributionPlan, data_key_arn: str) -> PolicyDocument:
    """What the function that reports outcomes does: read the image, tag its copies, publish to the product's topic."""
    regions = plan.key_regions
    made_here = tuple(f"arn:aws:ec2:{region}::{kind}/*" for kind in ("image", "snapshot") for region in regions)
    return PolicyDocument(
        (
            Statement("ReadImages", ("imagebuilder:GetImage",), (names.image_arn_pattern,)),
            # Describe actions know no resource level (Service Authorization Reference, Amazon EC2).
            Statement("FindSnapshots", ("ec2:DescribeImages",)),
            Statement(
                "TagCopies",
                ("ec2:CreateTags",),
                made_here,
                conditions={
                    "StringEquals": {"ec2:ResourceTag/CreatedBy": CREATED_BY_IMAGE_BUILDER},
                    "ForAllValues:StringEquals": {"aws:TagKeys": (TAG_PRODUCT, TAG_MANIFEST, TAG_SCRIPT_VERSION)},
                },
            ),
            *_assume_distribution_roles("TagCopiesInTargets", plan),
            Statement("PublishOutcome", ("sns:Publish",), (names.topic_arn,)),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
            *_function_basics(names, names.report_function),
        )
    )


def bucket_policy(names: ProductNames, plan: DistributionPlan, data_key_arn: str) -> PolicyDocument:
    """The script bucket admits the team, and refuses plain HTTP, foreign keys, and builds that nobody pinned."""
    everything = (names.bucket_arn, f"{names.bucket_arn}/*")
    return PolicyDocument(
        (
            _tls_only("s3:*", everything),
            Statement(
                "RefuseOtherKeys",
                ("s3:PutObject",),
                (f"{names.bucket_arn}/*",),
                principal="*",
                effect="Deny",
                # Without the header S3 takes the bucket's own key; a negated operator alone would match that too.
                conditions={"StringNotEquals": {KEY_HEADER: data_key_arn}, "Null": {KEY_HEADER: "false"}},
            ),
            Statement(
                "RefuseForeignBuilds",
                ("s3:PutObject", "s3:DeleteObject"),
                (f"{names.bucket_arn}/{BUILDS_PREFIX}*",),
                principal="*",
                effect="Deny",
                conditions={
                    "ArnNotEquals": {"aws:PrincipalArn": role_arn(names.account, names.start_function)},
                },
            ),
            *bucket_statements(names, plan),
        )
    )


def topic_policy(names: ProductNames) -> PolicyDocument:
    """The topic serves the hub's own identity policies and the product's alarm, over TLS only."""
    return PolicyDocument(
        (
            Statement(
                "ServeAccount",
                ("sns:Publish", "sns:Subscribe", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"),
                (names.topic_arn,),
                principal={"AWS": account_root_arn(names.account)},
            ),
            Statement(
                "PublishByAlarm",
                ("sns:Publish",),
                (names.topic_arn,),
                principal={"Service": "cloudwatch.amazonaws.com"},
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account},
                    "ArnEquals": {"aws:SourceArn": names.dead_letter_alarm_arn},
                },
            ),
            _tls_only("sns:Publish", (names.topic_arn,)),
        )
    )


def queue_policy(names: ProductNames) -> PolicyDocument:
    """The dead-letter queue takes events that EventBridge could not deliver, and refuses plain HTTP."""
    queue = (names.dead_letter_queue_arn,)
    return PolicyDocument(
        (
            _tls_only("sqs:*", queue),
            Statement(
                "KeepUndeliveredEvents",
                ("sqs:SendMessage",),
                queue,
                principal={"Service": "events.amazonaws.com"},
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account},
                    "ArnEquals": {"aws:SourceArn": names.rule_arns},
                },
            ),
        )
    )


def _tls_only(action: str, resources: tuple[str, ...]) -> Statement:
    return Statement(
        "RefusePlainHttp",
        (action,),
        resources,
        principal="*",
        effect="Deny",
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def _assume_distribution_roles(sid: str, plan: DistributionPlan) -> tuple[Statement, ...]:
    roles = tuple(distribution_role_arn(account) for account in plan.target_accounts)
    return (Statement(sid, ("sts:AssumeRole",), roles),) if roles else ()


def _function_basics(names: ProductNames, function: str) -> tuple[Statement, ...]:
    log_group = names.log_group_arn(names.log_group(function))
    return (
        Statement("WriteLog", ("logs:CreateLogStream", "logs:PutLogEvents"), (f"{log_group}:*",)),
        Statement("KeepFailedEvents", ("sqs:SendMessage",), (names.dead_letter_queue_arn,)),
        # X-Ray knows no resource level for these (Service Authorization Reference, AWS X-Ray).
        Statement("WriteTraces", ("xray:PutTraceSegments", "xray:PutTelemetryRecords")),
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


def _log_streams(names: ProductNames) -> tuple[str]:
    return (f"{names.log_group_arn(names.build_log_group)}:*",)


def _public_parameters(region: str, hub: str) -> tuple[str, ...]:
    return (f"arn:aws:ssm:{region}::parameter/aws/service/*", f"arn:aws:ssm:{region}:{hub}:parameter/*")
