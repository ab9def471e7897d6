"""S3 buckets themselves; their settings are resource types of their own (Amazon S3 API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider import tags
from local.provider.errors import is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import ResourceType, Tagging
from local.provider.waiting import message_has, retrying
from local.provider.work import Work

CONFLICT_TIMEOUT = 60.0
"""Seconds for which S3 may answer that a bucket of that name is being made or deleted."""

NO_LOCATION = "us-east-1"
"""The Region whose buckets have an empty location constraint (CreateBucket, "LocationConstraint")."""

DELETED_AT_ONCE = 1000
"""Keys in one DeleteObjects."""


def _create(work: Work) -> str:
    name = str(work.inputs["bucket"])
    location = None if work.region == NO_LOCATION else {"LocationConstraint": work.region}
    retrying(
        lambda: work.call(
            "CreateBucket",
            Bucket=name,
            CreateBucketConfiguration=location,
            ObjectLockEnabledForBucket=work.inputs.get("objectLockEnabled"),
            ACL=work.inputs.get("acl"),
        ),
        message_has("OperationAborted"),
        CONFLICT_TIMEOUT,
    )
    return name


def _read(work: Work) -> dict[str, Any] | None:
    name = work.id
    try:
        head = work.call("HeadBucket", Bucket=name)
    except ClientError as error:
        # A HEAD has no body and so no code but the status.
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    region = head.get("BucketRegion") or work.region
    partition = "aws-cn" if region.startswith("cn-") else "aws"
    return {
        "bucket": name,
        "arn": f"arn:{partition}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "hostedZoneId": HOSTED_ZONES.get(region),
        "objectLockEnabled": _object_lock(work),
        "tags": _tags(work),
    }


def _object_lock(work: Work) -> bool:
    try:
        answer = work.call("GetObjectLockConfiguration", Bucket=work.id)
    except ClientError as error:
        if is_one_of(error, ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")):
            return False
        raise
    return (answer.get("ObjectLockConfiguration") or {}).get("ObjectLockEnabled") == "Enabled"


def _tags(work: Work) -> dict[str, str]:
    try:
        return tags.from_list(work.call("GetBucketTagging", Bucket=work.id)["TagSet"])
    except ClientError as error:
        if is_one_of(error, ("NoSuchTagSet",)):
            return {}
        raise


def _put_tags(work: Work, new: Mapping[str, str]) -> None:
    """S3 replaces all tags at once; AWS's own must be sent again."""
    kept = {key: value for key, value in _tags(work).items() if key.startswith(tags.RESERVED)}
    wanted = {**kept, **work.inputs["tags"]}
    work.call("PutBucketTagging", Bucket=work.id, Tagging={"TagSet": tags.to_list(wanted)})


def _remove_tags(work: Work, keys: list[str]) -> None:
    if work.inputs["tags"]:
        _put_tags(work, {})
    else:
        work.call("DeleteBucketTagging", Bucket=work.id)


def _delete(work: Work) -> None:
    if work.known("forceDestroy"):
        _empty(work)
    work.call("DeleteBucket", Bucket=work.id)


def _empty(work: Work) -> None:
    client = work.sessions.client("s3", work.region)
    for page in client.get_paginator("list_object_versions").paginate(Bucket=work.id):
        found = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        ]
        for start in range(0, len(found), DELETED_AT_ONCE):
            part = found[start : start + DELETED_AT_ONCE]
            client.delete_objects(Bucket=work.id, Delete={"Objects": part, "Quiet": True})


HOSTED_ZONES = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
    "ca-central-1": "Z1QDHH18159H29",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-north-1": "Z3BAZG2TWCNX0D",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-2": "Z3W03O7B5YMIYP",
    "ap-south-1": "Z11RGJOFQNVJUP",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "ap-southeast-2": "Z1WCIGYICN2BYD",
    "sa-east-1": "Z7KQH4QJS55SO",
}
"""Amazon S3's website zone of each Region (AWS General Reference, "Amazon S3 endpoints and quotas")."""

ROWS = (
    ResourceType(
        token="aws:s3/bucket:Bucket",
        service="s3",
        create=_create,
        created_with=frozenset({"bucket", "acl", "objectLockEnabled"}),
        identify=lambda work, answer: str(answer),
        read=_read,
        delete=_delete,
        tagging=Tagging(tag=_put_tags, untag=_remove_tags, created=False),
        local=frozenset({"forceDestroy"}),
        unread=frozenset({"bucketPrefix", "acl"}),
        missing=("NoSuchBucket", "404"),
        defaults={"forceDestroy": False, "objectLockEnabled": False},
        auto_name=AutoName("bucket", maximum=56, lower=True, prefix_property="bucketPrefix"),
        key=frozenset({"bucket"}),
        import_id=lambda resource_id: {"bucket": resource_id},
    ),
)
