"""Rules for S3: pulumi-aws keeps a bucket's settings in resources of their own, so these look at whole stacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from pulumi_policy import Severity

from .companions import Companions, companions, require_companion, require_statement
from .configuration import Configuration
from .documents import Statement, forbid, refuses_plain_http, values
from .iam import lists_everything
from .principals import bind_other_accounts, forbid_everybody, scope_accounts
from .rule import Resource, configured_resource_rule, resource_rule, stack_rule
from .values import Findings, entries, is_given, is_key_arn, is_known_list, is_true, look_up, require

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
SCRIPT_BUCKET = "golden-ami:scripts:ScriptBucket"
BUILDS = "builds/"
"""Where the start function pins what is built next."""

_KEY_HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"

KMS_ALGORITHMS = ("aws:kms", "aws:kms:dsse")

_BUCKETS = re.compile(r"\*|arn:aws[a-z-]*:s3:::[^/]+")
_OBJECTS = re.compile(r"\*|arn:aws[a-z-]*:s3:::[^/]+/\*")


@stack_rule("s3-bucket-require-customer-key", Severity.HIGH, ("CKV_AWS_145", "S3.17", "AWS-0132"))
def require_customer_key(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket encrypts new objects under a customer key by its full ARN."""
    yield from require_of_buckets(
        resources,
        ENCRYPTION,
        _under_customer_key,
        "the bucket has no BucketServerSideEncryptionConfiguration; add one with a customer key.",
    )


@stack_rule("s3-bucket-require-versioning", Severity.MEDIUM, ("CKV_AWS_21", "S3.14", "AWS-0090"))
def require_versioning(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket keeps the versions of its objects."""
    yield from require_of_buckets(
        resources,
        VERSIONING,
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
    yield from require_of_buckets(
        resources,
        PUBLIC_ACCESS_BLOCK,
        _blocks_everything,
        "the bucket has no BucketPublicAccessBlock; add one with all four settings.",
    )


@stack_rule("s3-bucket-disable-acls", Severity.MEDIUM, ("CKV2_AWS_65", "S3.12"))
def disable_acls(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket turns access control lists off: its policy alone says who may do what."""
    yield from require_of_buckets(
        resources,
        OWNERSHIP,
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
            _of_bucket(resources, POLICY, bucket),
            _refuses_plain_http,
            "no BucketPolicy denies s3:* on the bucket and its objects where aws:SecureTransport is false; add one.",
        )


@resource_rule(
    "s3-policy-forbid-public-principal", Severity.CRITICAL, ("CKV_AWS_70", "S3.2", "S3.3"), (*POLICY, *BUCKET)
)
def forbid_public_principal(resource: Resource) -> Findings:
    """No bucket policy admits everybody, unless aws:PrincipalOrgID binds the statement to an organisation."""
    yield from forbid_everybody(resource, optional=resource.type in BUCKET)


@configured_resource_rule(
    "s3-policy-scope-accounts", Severity.CRITICAL, ("CKV_AWS_70", "S3.6"), (*POLICY, *BUCKET), field="product.uploaders"
)
def scope_policy_accounts(policy: Resource, configuration: Configuration) -> Findings:
    """No bucket policy admits anybody outside the landing zone but named roles, such as a team's that uploads."""
    yield from scope_accounts(policy, "policy", configuration, guests=True)


@resource_rule("s3-policy-bind-roles", Severity.HIGH, ("S3.6",), (*POLICY, *BUCKET), field="product.uploaders")
def bind_policy_roles(policy: Resource) -> Findings:
    """A bucket policy that admits another account names the roles in it."""
    yield from bind_other_accounts(policy)


@resource_rule("s3-policy-bind-listing", Severity.LOW, ("S3.6",), (*POLICY, *BUCKET))
def bind_listing(policy: Resource) -> Findings:
    """A bucket policy that lets the bucket be listed says below which prefix."""
    document = look_up(policy.properties, "policy")
    if is_given(document):
        yield from forbid(document, lists_everything, "all of the bucket may be listed; add s3:prefix.")


@stack_rule("s3-bucket-require-own-key", Severity.HIGH, ("CKV_AWS_145", "S3.17"))
def require_own_key(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket's policy denies everybody to write under another key than the bucket's own."""
    for bucket in _buckets(resources):
        yield from require_statement(
            bucket,
            _of_bucket(resources, POLICY, bucket),
            _refuses_other_keys,
            f"no BucketPolicy denies s3:PutObject where {_KEY_HEADER} is another key's; add one.",
        )


@stack_rule("s3-bucket-require-one-builder", Severity.HIGH, ("golden-ami",))
def require_one_builder(resources: tuple[Resource, ...]) -> Findings:
    """In a product's script bucket nobody but one role writes what is built next."""
    owners = {resource.urn for resource in resources if resource.type == SCRIPT_BUCKET}
    for bucket in _buckets(resources):
        if bucket.parent in owners:
            yield from require_statement(
                bucket,
                _of_bucket(resources, POLICY, bucket),
                _refuses_foreign_builds,
                f"no BucketPolicy denies s3:PutObject below {BUILDS} to all but the role that pins builds; add one.",
            )


def _refuses_other_keys(statement: Statement) -> bool:
    expected = {"StringNotEquals", "Null"}
    conditions = statement.get("Condition")
    if not _denies_writing(statement) or not isinstance(conditions, dict):
        return False
    stated = cast(dict[str, Any], conditions)
    header = look_up(stated, "StringNotEquals", _KEY_HEADER)
    return (
        set(stated) == expected
        and stated["Null"] == {_KEY_HEADER: "false"}
        and all(is_key_arn(key) for key in values(header))
        and any(_OBJECTS.fullmatch(str(resource)) for resource in values(statement.get("Resource")))
    )


def _refuses_foreign_builds(statement: Statement) -> bool:
    builders = values(look_up(statement, "Condition", "ArnNotEquals", "aws:PrincipalArn"))
    below = any(str(resource).endswith(f"/{BUILDS}*") for resource in values(statement.get("Resource")))
    alone = len(builders) == 1 and "*" not in str(builders[0]) and len(statement["Condition"]) == 1
    return _denies_writing(statement) and below and alone


def _denies_writing(statement: Statement) -> bool:
    everybody = statement.get("Principal") == "*"
    return statement.get("Effect") == "Deny" and everybody and "s3:PutObject" in values(statement.get("Action"))


def require_of_buckets(
    resources: tuple[Resource, ...], types: tuple[str, ...], check: Callable[[Resource], Findings], missing: str
) -> Findings:
    """A finding for each bucket of a stack that has no setting of some types, or one that fails the check."""
    for bucket in _buckets(resources):
        yield from require_companion(bucket, _of_bucket(resources, types, bucket), check, missing)


def _of_bucket(resources: tuple[Resource, ...], types: tuple[str, ...], bucket: Resource) -> Companions:
    return companions(resources, types, "bucket", bucket, "bucket")


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
