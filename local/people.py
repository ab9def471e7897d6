"""The people who work in the local accounts, each with no more than their job takes.

On AWS they come from the organisation's own identity provider; here an IAM user stands for each. The accounts' root
keys make them, as a root user makes the first identities of a new account, and are used for nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.environment import AccessKey
from model.documents import PolicyDocument, Statement
from model.names import SCRIPTS_PREFIX, ProductNames, channel_parameter_arn
from runtime.functions.aws_errors import code_of

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

    from model.distribution import DistributionPlan

PLATFORM_ENGINEER = "platform-engineer"
"""Deploys: assumes the deployment roles, from the hub."""

PRODUCT_ENGINEER = "product-engineer"
"""Uploads scripts and follows builds, in the hub."""

SCRIPT_AUTHOR = "script-author"
"""Uploads scripts with the team's role, in that role's account."""

APPLICATION_OPERATOR = "application-operator"
"""Assumes consumer roles and looks after instances, in an account that holds images."""


@dataclass(frozen=True)
class Person:
    """An IAM user with one inline policy."""

    account: str
    name: str
    policy: PolicyDocument

    @property
    def label(self) -> str:
        """What the person is called across accounts."""
        return f"{self.name}@{self.account}"


def platform_engineer(hub: str, deployment_roles: tuple[str, ...]) -> Person:
    """Somebody of the platform team: may assume the deployment roles, and nothing else."""
    statement = Statement("AssumeDeploymentRoles", ("sts:AssumeRole",), deployment_roles)
    return Person(hub, PLATFORM_ENGINEER, PolicyDocument((statement,)))


def product_engineer(names: tuple[ProductNames, ...]) -> Person:
    """Somebody of the product teams: uploads to the buckets, reads versions back, follows the builds."""
    hub, region = names[0].account, names[0].region
    return Person(
        hub,
        PRODUCT_ENGINEER,
        PolicyDocument(
            (
                Statement(
                    "UploadScripts",
                    ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
                    tuple(f"{each.bucket_arn}/{SCRIPTS_PREFIX}*" for each in names),
                ),
                Statement(
                    "ListScripts",
                    ("s3:ListBucket", "s3:ListBucketVersions"),
                    tuple(each.bucket_arn for each in names),
                ),
                Statement(
                    "EncryptScripts",
                    ("kms:Decrypt", "kms:GenerateDataKey"),
                    (f"arn:aws:kms:{region}:{hub}:key/*",),
                    conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
                ),
                Statement(
                    "FollowBuilds",
                    ("imagebuilder:GetImage", "imagebuilder:ListImagePipelineImages"),
                    tuple(arn for each in names for arn in (each.pipeline_arn, each.image_arn_pattern)),
                ),
                Statement(
                    "StartBuilds",
                    ("lambda:InvokeFunction",),
                    tuple(each.function_arn(each.start_function) for each in names),
                ),
                Statement(
                    "ReadBuildLogs",
                    ("logs:FilterLogEvents", "logs:DescribeLogStreams", "logs:GetLogEvents"),
                    tuple(
                        arn
                        for each in names
                        for group in (each.build_log_group, each.log_group(each.start_function))
                        for arn in (each.log_group_arn(group), f"{each.log_group_arn(group)}:*")
                    ),
                ),
            )
        ),
    )


def script_author(account: str, uploaders: tuple[str, ...]) -> Person:
    """Somebody of a product's team: may assume the roles that upload (their ARNs), and nothing else."""
    return Person(
        account, SCRIPT_AUTHOR, PolicyDocument((Statement("AssumeUploaders", ("sts:AssumeRole",), uploaders),))
    )


def application_operator(account: str, plans: dict[str, DistributionPlan]) -> Person:
    """Somebody who runs applications in an account; `plans` holds the products by name."""
    consumers = tuple(
        dict.fromkeys(
            consumer.arn for plan in plans.values() for consumer in plan.consumers if consumer.account == account
        )
    )
    parameters = tuple(
        channel_parameter_arn(product, account, region)
        for product, plan in plans.items()
        for region in plan.regions_of(account)
    )
    statements = [
        # Describe actions know no resource level (Service Authorization Reference, Amazon EC2).
        Statement("LookAfterInstances", ("ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSnapshots")),
        Statement("EndInstances", ("ec2:TerminateInstances",), (f"arn:aws:ec2:*:{account}:instance/*",)),
    ]
    if consumers:
        statements.append(Statement("AssumeConsumerRoles", ("sts:AssumeRole",), consumers))
    if parameters:
        statements.append(Statement("ReadChannels", ("ssm:GetParameters",), parameters))
    return Person(account, APPLICATION_OPERATOR, PolicyDocument(tuple(statements)))


def hire(person: Person, iam: IAMClient, key: AccessKey | None) -> AccessKey:
    """Make a person's user, or bring its policy up to date; returns its access key.

    `iam` speaks with the account's root credentials, `key` is the one that is known from before.
    """
    known = True
    try:
        iam.get_user(UserName=person.name)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        known = False
        iam.create_user(UserName=person.name)
    iam.put_user_policy(UserName=person.name, PolicyName="work", PolicyDocument=json.dumps(person.policy.as_dict()))
    if known and key is not None:
        return key
    made = iam.create_access_key(UserName=person.name)["AccessKey"]
    return AccessKey(made["AccessKeyId"], made["SecretAccessKey"])
