"""SQS queues and their policies (Amazon SQS API reference, SetQueueAttributes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.difference import JSON, POLICY, Comparison
from local.provider.errors import is_one_of
from local.provider.naming import AutoName
from local.provider.resource_table.attributes import changed, from_attributes, to_attributes
from local.provider.resource_type import ResourceType, Setting, Tagging
from local.provider.waiting import message_has, retrying, until
from local.provider.work import Work

DELETION_TIMEOUT = 90.0
"""Seconds after a queue's deletion in which its name cannot be used again (60, by the API reference), and some."""

PROPAGATION_TIMEOUT = 60.0
"""Seconds in which changed attributes are the same wherever they are asked for (API reference: up to 60)."""

MISSING = ("NonExistentQueue", "QueueDoesNotExist")

ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}

DEFAULTS = {
    "delaySeconds": 0,
    "fifoQueue": False,
    "contentBasedDeduplication": False,
    "messageRetentionSeconds": 345600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}

COMPARISON = Comparison(
    {"policy": POLICY, "redrivePolicy": JSON, "redriveAllowPolicy": JSON},
    frozenset(
        {
            "policy",
            "kmsDataKeyReusePeriodSeconds",
            "maxMessageSize",
            "sqsManagedSseEnabled",
            "deduplicationScope",
            "fifoThroughputLimit",
        }
    ),
)


def _create(work: Work) -> str:
    attributes = to_attributes(work.inputs, ATTRIBUTES)
    if not work.inputs["fifoQueue"]:
        # SQS takes these for FIFO queues only.
        attributes = {name: value for name, value in attributes.items() if name not in FIFO_ATTRIBUTES}
    answer = retrying(
        lambda: work.call(
            "CreateQueue",
            QueueName=work.inputs["name"],
            Attributes=attributes,
            tags=work.inputs["tags"] or None,
        ),
        lambda error: is_one_of(error, ("QueueDeletedRecently",)),
        DELETION_TIMEOUT,
    )
    return str(answer["QueueUrl"])


FIFO_ATTRIBUTES = frozenset({"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})


def _attributes(work: Work) -> dict[str, str] | None:
    try:
        return dict(work.call("GetQueueAttributes", QueueUrl=work.id, AttributeNames=["All"])["Attributes"])
    except ClientError as error:
        if is_one_of(error, MISSING):
            return None
        raise


def _read(work: Work) -> dict[str, Any] | None:
    attributes = _attributes(work)
    if attributes is None:
        return None
    return {
        **from_attributes(work, attributes, ATTRIBUTES),
        "arn": attributes["QueueArn"],
        "name": attributes["QueueArn"].rpartition(":")[2],
        "url": work.id,
        "fifoQueue": attributes.get("FifoQueue") == "true",
        "contentBasedDeduplication": attributes.get("ContentBasedDeduplication") == "true",
        "tags": work.call("ListQueueTags", QueueUrl=work.id).get("Tags") or {},
    }


def _update(work: Work) -> None:
    attributes = changed(work, {name: value for name, value in ATTRIBUTES.items() if value not in ("FifoQueue",)})
    if attributes:
        work.call("SetQueueAttributes", QueueUrl=work.id, Attributes=attributes)


def _delete(work: Work) -> None:
    work.call("DeleteQueue", QueueUrl=work.id)
    until(lambda: _attributes(work) is None, f"queue {work.id} to be gone", DELETION_TIMEOUT)


def _put_policy(work: Work) -> str:
    url = str(work.inputs["queueUrl"])
    retrying(
        lambda: work.call("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": work.inputs["policy"]}),
        message_has("InvalidAttributeValue", "policy"),
        PROPAGATION_TIMEOUT / 3,
    )

    def is_set() -> bool:
        answer = work.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"]).get("Attributes") or {}
        return COMPARISON.same(work.inputs["policy"], answer.get("Policy"), "policy")

    until(is_set, f"the policy of queue {url}", PROPAGATION_TIMEOUT)
    return url


def _read_policy(work: Work) -> dict[str, Any] | None:
    attributes = _attributes(work)
    if attributes is None or not attributes.get("Policy"):
        return None
    return {"queueUrl": work.id, "policy": attributes["Policy"]}


def _check(inputs: Mapping[str, Any]) -> dict[str, str]:
    name = inputs.get("name")
    if inputs.get("fifoQueue") and name is not None and not str(name).endswith(".fifo"):
        return {"name": f"name of a FIFO queue must end with '.fifo', not {name!r}"}
    return {}


ROWS = (
    ResourceType(
        token="aws:sqs/queue:Queue",
        service="sqs",
        create=_create,
        created_with=frozenset({*ATTRIBUTES, "name"}),
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(frozenset(ATTRIBUTES) - {"fifoQueue"}, _update),),
        delete=_delete,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagQueue", QueueUrl=work.id, Tags=dict(new)),
            untag=lambda work, keys: work.call("UntagQueue", QueueUrl=work.id, TagKeys=keys),
        ),
        unread=frozenset({"namePrefix"}),
        missing=MISSING,
        defaults=DEFAULTS,
        auto_name=AutoName(maximum=80, suffix=".fifo"),
        key=frozenset({"name"}),
        comparison=COMPARISON,
        check=_check,
    ),
    ResourceType(
        token="aws:sqs/queuePolicy:QueuePolicy",
        service="sqs",
        create=_put_policy,
        created_with=frozenset({"queueUrl", "policy"}),
        identify=lambda work, answer: str(answer),
        read=_read_policy,
        settings=(Setting(frozenset({"policy"}), _put_policy),),
        delete=lambda work: work.call("SetQueueAttributes", QueueUrl=work.id, Attributes={"Policy": ""}),
        missing=MISSING,
        key=frozenset({"queueUrl"}),
        comparison=Comparison({"policy": POLICY}),
        import_id=lambda resource_id: {"queueUrl": resource_id},
    ),
)
