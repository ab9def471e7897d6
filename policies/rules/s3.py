"""Rules for S3: pulumi-aws keeps a bucket's settings in resources of their own, so these look at whole stacks."""

from __future__ import annotations

import re

from pulumi_policy import Severity

from .companions import companions, require_companion, require_statement
from .documents import Statement, refuses_plain_http, values
from .principals import forbid_everybody
from .rule import Resource, resource_rule, stack_rule
from .values import Findings, entries, is_key_arn, is_known_list, is_true, look_up, require

BUCKET = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
VERSIONING = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
PUBLIC_ACCESS_BLOCK = ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",)
OWNERSHIP = ("aws:s3/bucketOwnershipControls:BucketOwnershipControls",)
POLICY = ("aws:s3/bucketPolicy:BucketPolicy",)

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
KMS_ALGORITHMS = ("aws:kms", "aws:kms:dsse")

_BUCKETS = re.compile(r"\*|arn:aws[a-z-]*:s3:::[^/]+")
_OBJECTS = re.compile(r"\*|arn:aws[a-z-]*:s3:::[^/]+/\*")


@stack_rule("s3-bucket-require-customer-key", Severity.HIGH, ("CKV_AWS_145", "S3.17", "AWS-0132"))
def require_customer_key(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket encrypts new objects under a customer key by its full ARN."""
    for bucket in _buckets(resources):
        yield from require_companion(
            bucket,
            companions(resources, ENCRYPTION, "bucket", bucket, "bucket"),
            _under_customer_key,
            "the bucket has no BucketServerSideEncryptionConfiguration; add one with a customer key.",
        )


@stack_rule("s3-bucket-require-versioning", Severity.MEDIUM, ("CKV_AWS_21", "S3.14", "AWS-0090"))
def require_versioning(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket keeps the versions of its objects."""
    for bucket in _buckets(resources):
        yield from require_companion(
            bucket,
            companions(resources, VERSIONING, "bucket", bucket, "bucket"),
            lambda versioning: require(
                look_up(versioning.properties, "versioningConfiguration", "status"),
                lambda value: value == "Enabled",
                'versions are not kept; set versioning_configuration.status to "Enabled".',
            ),
            "the bucket has no BucketVersioning; add one that is enabled.",
        )


@stack_rule(
    "s3-bucket-block-public-access",
    Severity.CRITICAL,
    ("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "CKV2_AWS_6", "S3.8"),
)
def block_public_access(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket blocks public access in all four ways."""
    for bucket in _buckets(resources):
        yield from require_companion(
            bucket,
            companions(resources, PUBLIC_ACCESS_BLOCK, "bucket", bucket, "bucket"),
            _blocks_everything,
            "the bucket has no BucketPublicAccessBlock; add one with all four settings.",
        )


@stack_rule("s3-bucket-disable-acls", Severity.MEDIUM, ("CKV2_AWS_65", "S3.12"))
def disable_acls(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket turns access control lists off: its policy alone says who may do what."""
    for bucket in _buckets(resources):
        yield from require_companion(
            bucket,
            companions(resources, OWNERSHIP, "bucket", bucket, "bucket"),
            lambda controls: require(
                look_up(controls.properties, "rule", "objectOwnership"),
                lambda value: value == "BucketOwnerEnforced",
                'access control lists count; set rule.object_ownership to "BucketOwnerEnforced".',
            ),
            'the bucket has no BucketOwnershipControls; add one with "BucketOwnerEnforced".',
        )


@stack_rule("s3-bucket-require-tls", Severity.HIGH, ("CKV_AWS_379", "S3.5"))
def require_tls(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket's policy denies everybody what comes without TLS, for the bucket and for its objects."""
    for bucket in _buckets(resources):
        yield from require_statement(
            bucket,
            companions(resources, POLICY, "bucket", bucket, "bucket"),
            _refuses_plain_http,
            "no BucketPolicy denies s3:* on the bucket and its objects where aws:SecureTransport is false; add one.",
        )


@resource_rule(
    "s3-policy-forbid-public-principal", Severity.CRITICAL, ("CKV_AWS_70", "S3.2", "S3.3"), (*POLICY, *BUCKET)
)
def forbid_public_principal(resource: Resource) -> Findings:
    """No bucket policy admits everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid_everybody(resource, optional=resource.type in BUCKET)


def _buckets(resources: tuple[Resource, ...]) -> list[Resource]:
    return [resource for resource in resources if resource.type in BUCKET]


def _under_customer_key(configuration: Resource) -> Findings:
    rules = look_up(configuration.properties, "rules")
    yield from require(rules, is_known_list, "the configuration has no rule.")
    for rule in entries(rules):
        default = look_up(rule, "applyServerSideEncryptionByDefault")
        yield from require(
            look_up(default, "sseAlgorithm"),
            lambda value: value in KMS_ALGORITHMS,
            'objects are not encrypted under a KMS key; set sse_algorithm to "aws:kms".',
        )
        yield from require(
            look_up(default, "kmsMasterKeyId"),
            is_key_arn,
            "no customer key is named; set kms_master_key_id to the full ARN of the product's data key.",
        )


def _blocks_everything(block: Resource) -> Findings:
    for name in BLOCKS:
        yield from require(look_up(block.properties, name), is_true, f"{name} is not set; set all four settings.")


def _refuses_plain_http(statement: Statement) -> bool:
    resources = [str(resource) for resource in values(statement.get("Resource"))]
    complete = all(any(pattern.fullmatch(resource) for resource in resources) for pattern in (_BUCKETS, _OBJECTS))
    return complete and refuses_plain_http(statement, {"*", "s3:*"})
