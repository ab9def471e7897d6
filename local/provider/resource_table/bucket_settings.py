"""What is put on an S3 bucket as a whole: each type is one Get, Put and Delete (Amazon S3 API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.declarations import declarations
from local.provider.difference import POLICY, SET, Comparison
from local.provider.errors import is_one_of
from local.provider.naming import SUFFIX_LENGTH
from local.provider.resource_type import Hook, ResourceType, Setting
from local.provider.waiting import message_has, retrying
from local.provider.work import Work

CONFLICT_TIMEOUT = 60.0
"""Seconds for which S3 refuses a change because another one of the same bucket goes on."""


def put(work: Work, operation: str, **parameters: Any) -> str:
    """Put a setting, again while S3 says that another change of the bucket is under way."""
    owner = work.inputs.get("expectedBucketOwner")
    retrying(
        lambda: work.call(operation, Bucket=work.inputs["bucket"], ExpectedBucketOwner=owner, **parameters),
        _passes,
        CONFLICT_TIMEOUT,
    )
    return str(work.inputs["bucket"])


def _passes(error: ClientError) -> bool:
    return is_one_of(error, ("OperationAborted", "ConditionalRequestConflict")) or message_has(
        "MalformedPolicy", "invalid principal"
    )(error)


def found(work: Work, operation: str, *absent: str) -> dict[str, Any] | None:
    """A setting as S3 answers it, None where S3 says by one of these codes that there is none."""
    try:
        return dict(work.call(operation, Bucket=_bucket(work)))
    except ClientError as error:
        if is_one_of(error, ("NoSuchBucket", *absent)):
            return None
        raise


def _bucket(work: Work) -> str:
    return work.id.partition(",")[0]


def with_bucket(work: Work, **properties: Any) -> dict[str, Any]:
    """A read setting with the bucket it belongs to."""
    return {"bucket": _bucket(work), "expectedBucketOwner": work.known("expectedBucketOwner"), **properties}


def setting_type(
    token: str,
    set_it: Hook,
    read: Hook,
    delete: Hook,
    properties: frozenset[str],
    comparison: Comparison | None = None,
    renames: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    local: frozenset[str] = frozenset(),
) -> ResourceType:
    """A row for one setting of a bucket: put to create and to update; the bucket replaces."""
    return ResourceType(
        token=token,
        service="s3",
        create=set_it,
        created_with=properties | {"bucket"} | ({"expectedBucketOwner"} & declarations()[token].inputs.keys()),
        identify=lambda work, answer: ",".join(
            str(work.inputs[name]) for name in ("bucket", "expectedBucketOwner") if work.inputs.get(name)
        ),
        read=read,
        settings=(Setting(properties, set_it),),
        delete=delete,
        local=local,
        missing=(
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "OwnershipControlsNotFoundError",
            "NoSuchLifecycleConfiguration",
        ),
        comparison=comparison or Comparison(),
        renames=renames or {},
        defaults=defaults or {},
        import_id=lambda resource_id: {"bucket": resource_id.partition(",")[0]},
    )


def _delete_with(operation: str) -> Hook:
    return lambda work: work.call(operation, Bucket=_bucket(work))


def _put_versioning(work: Work) -> str:
    wanted = work.inputs["versioningConfiguration"]
    configuration = {"Status": wanted.get("status"), "MFADelete": wanted.get("mfaDelete")}
    if configuration["Status"] == "Disabled":
        # S3 has no such status: a bucket that never was versioned stays as it is.
        return str(work.inputs["bucket"])
    sent = {name: value for name, value in configuration.items() if value}
    return put(work, "PutBucketVersioning", VersioningConfiguration=sent, MFA=work.inputs.get("mfa"))


def _read_versioning(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketVersioning")
    if answer is None:
        return None
    status = answer.get("Status") or "Disabled"
    configuration = {"status": status, "mfaDelete": answer.get("MFADelete")}
    return with_bucket(work, versioningConfiguration=configuration, mfa=work.known("mfa"))


def _suspend_versioning(work: Work) -> None:
    wanted = work.state.get("versioningConfiguration") or {}
    if wanted.get("status") != "Disabled":
        work.call("PutBucketVersioning", Bucket=_bucket(work), VersioningConfiguration={"Status": "Suspended"})


def _put_encryption(work: Work) -> str:
    member = "ServerSideEncryptionConfiguration.Rules"
    rules = work.mapped("PutBucketEncryption", member, "rules")
    return put(work, "PutBucketEncryption", ServerSideEncryptionConfiguration={"Rules": rules})


def _read_encryption(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError")
    return None if answer is None else with_bucket(work, **work.properties(answer["ServerSideEncryptionConfiguration"]))


PUBLIC_ACCESS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _put_public_access(work: Work) -> str:
    configuration = {f"{name[0].upper()}{name[1:]}": bool(work.inputs.get(name)) for name in PUBLIC_ACCESS}
    return put(work, "PutPublicAccessBlock", PublicAccessBlockConfiguration=configuration)


def _read_public_access(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration")
    if answer is None:
        return None
    return with_bucket(work, **work.properties(answer["PublicAccessBlockConfiguration"]))


def _delete_public_access(work: Work) -> None:
    if not work.known("skipDestroy"):
        work.call("DeletePublicAccessBlock", Bucket=_bucket(work))


def _put_ownership(work: Work) -> str:
    rule = {"ObjectOwnership": work.inputs["rule"]["objectOwnership"]}
    return put(work, "PutBucketOwnershipControls", OwnershipControls={"Rules": [rule]})


def _read_ownership(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketOwnershipControls", "OwnershipControlsNotFoundError")
    if answer is None:
        return None
    return with_bucket(work, **work.properties(answer["OwnershipControls"]))


def _put_policy(work: Work) -> str:
    return put(work, "PutBucketPolicy", Policy=work.inputs["policy"])


def _read_policy(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketPolicy", "NoSuchBucketPolicy")
    return None if answer is None else with_bucket(work, policy=answer["Policy"])


TARGETS = {
    "lambdaFunctions": ("LambdaFunctionConfigurations", "LambdaFunctionArn", "lambdaFunctionArn"),
    "queues": ("QueueConfigurations", "QueueArn", "queueArn"),
    "topics": ("TopicConfigurations", "TopicArn", "topicArn"),
}
"""Property to AWS's list, and the names of what is notified."""

NOTIFICATION_PROPERTIES = frozenset({*TARGETS, "eventbridge"})


def _notification(work: Work) -> dict[str, Any]:
    configuration: dict[str, Any] = {}
    for name, (member, arn, property_name) in TARGETS.items():
        items = [
            _notified(work, name, index, item, arn, property_name)
            for index, item in enumerate(work.inputs.get(name) or ())
        ]
        if items:
            configuration[member] = items
    if work.inputs.get("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    return configuration


def _notified(
    work: Work, name: str, index: int, item: Mapping[str, Any], arn: str, property_name: str
) -> dict[str, Any]:
    rules = [
        {"Name": rule, "Value": item[filter_name]}
        for rule, filter_name in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
        if item.get(filter_name)
    ]
    # A stable id, so that the same configuration put twice is the same.
    entry: dict[str, Any] = {
        "Id": item.get("id") or f"{name}-{index:0{SUFFIX_LENGTH}d}",
        arn: item[property_name],
        "Events": item["events"],
    }
    return {**entry, "Filter": {"Key": {"FilterRules": rules}}} if rules else entry


def _put_notification(work: Work) -> str:
    unverified = message_has("InvalidArgument", "validate the following destination")
    bucket = str(work.inputs["bucket"])
    retrying(
        lambda: work.call(
            "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=_notification(work)
        ),
        lambda error: unverified(error) or _passes(error),
        CONFLICT_TIMEOUT / 3,
    )
    return bucket


def _read_notification(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketNotificationConfiguration")
    if answer is None:
        return None
    properties: dict[str, Any] = {"eventbridge": "EventBridgeConfiguration" in answer}
    for name, (member, arn, property_name) in TARGETS.items():
        properties[name] = [
            {
                "id": item.get("Id"),
                property_name: item[arn],
                "events": item["Events"],
                **{
                    f"filter{rule['Name'].title()}": rule["Value"]
                    for rule in ((item.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
                },
            }
            for item in answer.get(member) or ()
        ]
    return with_bucket(work, **properties)


def _delete_notification(work: Work) -> None:
    work.call("PutBucketNotificationConfiguration", Bucket=_bucket(work), NotificationConfiguration={})


ROWS = (
    setting_type(
        "aws:s3/bucketVersioning:BucketVersioning",
        _put_versioning,
        _read_versioning,
        _suspend_versioning,
        frozenset({"versioningConfiguration", "mfa"}),
        Comparison(computed=frozenset({"versioningConfiguration.mfaDelete"})),
    ),
    setting_type(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        _put_encryption,
        _read_encryption,
        _delete_with("DeleteBucketEncryption"),
        frozenset({"rules"}),
        Comparison({"rules": SET}, frozenset({"rules.blockedEncryptionTypes"})),
        {
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "SSEAlgorithm",
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
        },
    ),
    setting_type(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        _put_public_access,
        _read_public_access,
        _delete_public_access,
        frozenset(PUBLIC_ACCESS),
        defaults={name: False for name in PUBLIC_ACCESS},
        local=frozenset({"skipDestroy"}),
    ),
    setting_type(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        _put_ownership,
        _read_ownership,
        _delete_with("DeleteBucketOwnershipControls"),
        frozenset({"rule"}),
    ),
    setting_type(
        "aws:s3/bucketPolicy:BucketPolicy",
        _put_policy,
        _read_policy,
        _delete_with("DeleteBucketPolicy"),
        frozenset({"policy"}),
        Comparison({"policy": POLICY}),
    ),
    setting_type(
        "aws:s3/bucketNotification:BucketNotification",
        _put_notification,
        _read_notification,
        _delete_notification,
        NOTIFICATION_PROPERTIES,
        Comparison(
            {
                **{name: SET for name in TARGETS},
                **{f"{name}.events": SET for name in TARGETS},
            },
            frozenset(f"{name}.id" for name in TARGETS),
        ),
        defaults={"eventbridge": False, **{name: [] for name in TARGETS}},
    ),
)
