"""Policies of the functions and resources around a product's pipeline in the hub account."""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.names import (
    BUILDS_PREFIX,
    CREATED_BY_IMAGE_BUILDER,
    TAG_MANIFEST,
    TAG_PRODUCT,
    TAG_SCRIPT_VERSION,
    ProductNames,
    distribution_role_arn,
    role_arn,
)
from model.retention_policies import marking_statements, sweep_statements
from model.schedule_policies import dependency_statements
from model.upload_policies import bucket_statements

KEY_HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"


def service_trust(sid: str, service: str) -> PolicyDocument:
    """Trust for an AWS service that assumes roles without source keys.

    Lambda and EC2 only hand out a role that its account's administrator passed to them under `iam:PassRole`
    (IAM User Guide, "The confused deputy problem").
    """
    return trust_policy(Statement(sid, ("sts:AssumeRole",), principal={"Service": service}))


def start_function_policy(names: ProductNames, data_key_arn: str, dependencies: tuple[str, ...] = ()) -> PolicyDocument:
    """What the function that starts builds does: read the team's scripts, pin them, start the pipeline.

    `dependencies` are what it looks up before it builds by a schedule.
    """
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
            *dependency_statements(names, dependencies),
            Statement("ReportUploads", ("sns:Publish",), (names.topic_arn,)),
            *given_topic_key(names),
            *function_basics(names, names.start_function),
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
            *assume_distribution_roles("TagCopiesInTargets", plan.target_accounts),
            *_shared_parameters(names, plan),
            *(marking_statements(names, plan) if plan.retention else ()),
            Statement("PublishOutcome", ("sns:Publish",), (names.topic_arn,)),
            *given_topic_key(names),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
            *function_basics(names, names.report_function),
        )
    )


def sweep_function_policy(names: ProductNames, plan: DistributionPlan, data_key_arn: str) -> PolicyDocument:
    """What the function does that removes images which lifecycle policies do not see."""
    return PolicyDocument(
        (
            *sweep_statements(names, plan),
            *marking_statements(names, plan),
            Statement("PublishSweep", ("sns:Publish",), (names.topic_arn,)),
            *given_topic_key(names),
            Statement("UseDataKey", ("kms:Decrypt", "kms:GenerateDataKey"), (data_key_arn,)),
            *function_basics(names, names.sweep_function),
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
    """The topic takes the product's alarm beside what the hub's own identity policies allow, over TLS only."""
    return PolicyDocument(
        (
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


def queue_policy(names: ProductNames, swept: bool = False) -> PolicyDocument:
    """The dead-letter queue takes events that EventBridge could not deliver, and refuses plain HTTP.

    `swept` tells whether a rule calls the sweeping function too.
    """
    rules = (*names.rule_arns, names.sweep_rule_arn) if swept else names.rule_arns
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
                    "ArnEquals": {"aws:SourceArn": rules},
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


def assume_distribution_roles(sid: str, accounts: tuple[str, ...]) -> tuple[Statement, ...]:
    """The statement that lets a role of the hub work in other accounts; none where there are none."""
    roles = tuple(distribution_role_arn(account) for account in dict.fromkeys(accounts))
    return (Statement(sid, ("sts:AssumeRole",), roles),) if roles else ()


def _shared_parameters(names: ProductNames, plan: DistributionPlan) -> tuple[Statement, ...]:
    """Writing the parameters of accounts that the hub's own AMI is shared with; Image Builder does not do that."""
    if not plan.shared_accounts:
        return ()
    return (
        Statement("FindNewestImage", ("imagebuilder:ListImagePipelineImages",), (names.pipeline_arn,)),
        *assume_distribution_roles("WriteParametersOfShares", plan.shared_accounts),
    )


def given_topic_key(names: ProductNames) -> tuple[Statement, ...]:
    """What publishing to an encrypted topic takes of its publisher (SNS Developer Guide, "Key management")."""
    if names.given_topic is None:
        return ()
    return (Statement("UseTopicKey", ("kms:Decrypt", "kms:GenerateDataKey"), (names.given_topic.key_arn,)),)


def function_basics(names: ProductNames, function: str) -> tuple[Statement, ...]:
    """What every function does: write its log and traces, and keep what failed."""
    log_group = names.log_group_arn(names.log_group(function))
    return (
        Statement("WriteLog", ("logs:CreateLogStream", "logs:PutLogEvents"), (f"{log_group}:*",)),
        Statement("KeepFailedEvents", ("sqs:SendMessage",), (names.dead_letter_queue_arn,)),
        # X-Ray knows no resource level for these (Service Authorization Reference, AWS X-Ray).
        Statement("WriteTraces", ("xray:PutTraceSegments", "xray:PutTelemetryRecords")),
    )
