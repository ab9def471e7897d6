"""More rules for S3's buckets: what is logged, forgotten and copied, and what nobody is ever granted."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import Severity

from .documents import Statement, forbid, values
from .rule import Resource, resource_rule, stack_rule
from .s3 import BUCKET, POLICY, require_of_buckets
from .values import Finding, Findings, entries, is_given, look_up, require

LOGGING = ("aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketLoggingV2:BucketLoggingV2")
LIFECYCLE = (
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
REPLICATION = ("aws:s3/bucketReplicationConfig:BucketReplicationConfig",)
ACL = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")

PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
"""Canned lists that admit everybody, or everybody with any AWS account."""

PUBLIC_GROUPS = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")

_NARROWING = ("prefix", "tag", "and", "objectSizeGreaterThan", "objectSizeLessThan")
_UNRELATED = ("s3:getobject", "s3:putbucketpolicy", "s3:deletebucket")
"""A pattern that allows all of these names nothing in particular."""


@resource_rule("s3-bucket-require-protection", Severity.HIGH, ("golden-ami",), BUCKET)
def require_protection(bucket: Resource) -> Findings:
    """Every bucket is protected: the engine refuses to delete it, and AWS to delete it with what is in it."""
    if not bucket.protected:
        yield Finding("the bucket may be deleted by an update; set protect=True in its options.")
    yield from require(
        look_up(bucket.properties, "forceDestroy"),
        lambda value: not value,
        "the bucket would be deleted with its objects; leave force_destroy out.",
    )


@stack_rule("s3-bucket-require-access-log", Severity.MEDIUM, ("CKV_AWS_18", "S3.9", "AWS-0089"))
def require_access_log(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket logs who reads and writes it."""
    yield from require_of_buckets(
        resources,
        LOGGING,
        lambda logging: require(
            look_up(logging.properties, "targetBucket"), is_given, "logs go nowhere; set target_bucket."
        ),
        "the bucket has no BucketLogging; add one with a target_bucket.",
    )


@stack_rule("s3-bucket-require-lifecycle", Severity.LOW, ("CKV2_AWS_61", "S3.13"))
def require_lifecycle(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket has an enabled lifecycle rule."""
    yield from require_of_buckets(
        resources,
        LIFECYCLE,
        lambda lifecycle: _require_one(
            lifecycle, _is_enabled, 'no lifecycle rule is enabled; set status to "Enabled" in one of rules.'
        ),
        "the bucket has no BucketLifecycleConfiguration; add one with an enabled rule.",
    )


@stack_rule("s3-bucket-require-upload-abort", Severity.LOW, ("CKV_AWS_300",))
def require_upload_abort(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket drops uploads that were never finished, wherever in it they are."""
    yield from require_of_buckets(
        resources,
        LIFECYCLE,
        lambda lifecycle: _require_one(
            lifecycle,
            _aborts_uploads,
            "unfinished uploads stay for good; add an enabled rule to rules, without a filter, "
            "that sets abort_incomplete_multipart_upload.days_after_initiation.",
        ),
        "the bucket has no BucketLifecycleConfiguration; add one that aborts incomplete multipart uploads.",
    )


@stack_rule("s3-bucket-require-replication", Severity.LOW, ("CKV_AWS_144", "S3.7"))
def require_replication(resources: tuple[Resource, ...]) -> Findings:
    """Every bucket copies its objects to another one."""
    yield from require_of_buckets(
        resources,
        REPLICATION,
        lambda replication: _require_one(
            replication,
            _replicates,
            'objects are not copied; set status to "Enabled" and destination.bucket in one of rules.',
        ),
        "the bucket has no BucketReplicationConfig; add one to a bucket in another Region.",
    )


@resource_rule("s3-policy-forbid-wildcard-action", Severity.HIGH, ("S3.6",), POLICY)
def forbid_wildcard_action(policy: Resource) -> Findings:
    """No bucket policy allows every action."""
    yield from forbid(
        look_up(policy.properties, "policy"),
        _allows_everything,
        "every action is allowed; name the actions in Action of policy.",
    )


@resource_rule(
    "s3-acl-forbid-public-grants",
    Severity.CRITICAL,
    ("CKV_AWS_20", "CKV_AWS_57", "CKV_AWS_375", "CKV2_AWS_43", "S3.2", "S3.3", "AWS-0092"),
    ACL,
)
def forbid_public_grants(resource: Resource) -> Findings:
    """No access control list of a bucket admits everybody, or everybody with any AWS account."""
    yield from require(
        look_up(resource.properties, "acl"),
        lambda value: value not in PUBLIC_ACLS,
        'the list admits everybody; set acl to "private".',
    )
    for grant in entries(look_up(resource.properties, "accessControlPolicy", "grants")):
        yield from require(
            look_up(grant, "grantee", "uri"),
            lambda value: not str(value).endswith(PUBLIC_GROUPS),
            "a grant admits everybody; set grantee.id to an account in access_control_policy.grants.",
        )


def _require_one(settings: Resource, check: Callable[[Any], Findings], message: str) -> Findings:
    """A finding unless some rule of the settings passes the check; pending where one may yet turn out to."""
    judged = [list(check(rule)) for rule in entries(look_up(settings.properties, "rules"))]
    if all(judged):
        yield Finding(message, pending=any(all(finding.pending for finding in found) for found in judged))


def _is_enabled(rule: Any) -> Findings:
    yield from require(look_up(rule, "status"), lambda value: value == "Enabled", "the rule is off.")


def _aborts_uploads(rule: Any) -> Findings:
    yield from _is_enabled(rule)
    yield from require(
        look_up(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation"),
        lambda days: isinstance(days, int | float) and days >= 1,
        "the rule aborts no uploads.",
    )
    narrowing = look_up(rule, "filter")
    for value in (look_up(rule, "prefix"), *(look_up(narrowing, name) for name in _NARROWING)):
        yield from require(value, lambda stated: not stated, "the rule covers a part of the bucket.")


def _replicates(rule: Any) -> Findings:
    yield from _is_enabled(rule)
    yield from require(look_up(rule, "destination", "bucket"), is_given, "the rule copies nowhere.")


def _allows_everything(statement: Statement) -> bool:
    patterns = [str(action).lower() for action in values(statement.get("Action"))]
    wild = any(all(fnmatchcase(action, pattern) for action in _UNRELATED) for pattern in patterns)
    return statement.get("Effect") == "Allow" and (wild or "NotAction" in statement)
