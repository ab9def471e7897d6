"""SNS topics and their policies (Amazon SNS API reference, SetTopicAttributes)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.provider import tags
from local.provider.difference import JSON, POLICY, Comparison
from local.provider.naming import AutoName
from local.provider.resource_table.attributes import changed, from_attributes, to_attributes
from local.provider.resource_type import PROPAGATION_TIMEOUT, ResourceType, Setting, Tagging
from local.provider.waiting import message_has, retrying
from local.provider.work import Work

FEEDBACK = {
    f"{protocol}{outcome}": f"{service}{attribute}"
    for protocol, service in (
        ("application", "Application"),
        ("firehose", "Firehose"),
        ("http", "HTTP"),
        ("lambda", "Lambda"),
        ("sqs", "SQS"),
    )
    for outcome, attribute in (
        ("FailureFeedbackRoleArn", "FailureFeedbackRoleArn"),
        ("SuccessFeedbackRoleArn", "SuccessFeedbackRoleArn"),
        ("SuccessFeedbackSampleRate", "SuccessFeedbackSampleRate"),
    )
}

ATTRIBUTES = {
    **FEEDBACK,
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maximumMessageSize": "MaximumMessageSize",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}

SETTABLE = {name: attribute for name, attribute in ATTRIBUTES.items() if name != "fifoTopic"}

AT_CREATION = frozenset(
    {
        "archivePolicy",
        "contentBasedDeduplication",
        "deliveryPolicy",
        "displayName",
        "fifoThroughputScope",
        "fifoTopic",
        "kmsMasterKeyId",
        "maximumMessageSize",
        "policy",
        "signatureVersion",
        "tracingConfig",
    }
)
"""What CreateTopic takes; the rest is set afterwards."""

PRINCIPAL_NOT_YET_KNOWN = message_has("InvalidParameter", "policy", "principal")

LATER = frozenset(ATTRIBUTES) - AT_CREATION


def _create(work: Work) -> str:
    attributes = to_attributes({name: work.inputs.get(name) for name in AT_CREATION}, ATTRIBUTES)
    if not work.inputs["fifoTopic"]:
        # SNS takes these for FIFO topics only.
        for name in ("FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope"):
            attributes.pop(name, None)
    answer = retrying(
        lambda: work.call(
            "CreateTopic",
            Name=work.inputs["name"],
            Attributes=attributes,
            Tags=tags.to_list(work.inputs["tags"]) or None,
        ),
        PRINCIPAL_NOT_YET_KNOWN,
        PROPAGATION_TIMEOUT,
    )
    return str(answer["TopicArn"])


def _read(work: Work) -> dict[str, Any]:
    attributes = work.call("GetTopicAttributes", TopicArn=work.id)["Attributes"]
    listed = work.call("ListTagsForResource", ResourceArn=work.id).get("Tags") or ()
    return {
        **from_attributes(work, attributes, ATTRIBUTES),
        "arn": work.id,
        "name": work.id.rpartition(":")[2],
        "owner": attributes.get("Owner") or work.id.split(":")[4],
        "beginningArchiveTime": attributes.get("BeginningArchiveTime", ""),
        "fifoTopic": attributes.get("FifoTopic") == "true",
        "contentBasedDeduplication": attributes.get("ContentBasedDeduplication") == "true",
        "tags": tags.from_list(listed),
    }


def _update(work: Work) -> None:
    for name, value in changed(work, SETTABLE).items():
        set_attribute(work, work.id, name, value)


def set_attribute(work: Work, arn: str, name: str, value: str) -> None:
    """Set one attribute of a topic."""
    retrying(
        lambda: work.call("SetTopicAttributes", TopicArn=arn, AttributeName=name, AttributeValue=value),
        PRINCIPAL_NOT_YET_KNOWN,
        PROPAGATION_TIMEOUT,
    )


def _put_policy(work: Work) -> str:
    arn = str(work.inputs["arn"])
    set_attribute(work, arn, "Policy", str(work.inputs["policy"]))
    return arn


def _read_policy(work: Work) -> dict[str, Any] | None:
    attributes = work.call("GetTopicAttributes", TopicArn=work.id)["Attributes"]
    if not attributes.get("Policy"):
        return None
    owner = attributes.get("Owner") or work.id.split(":")[4]
    return {"arn": work.id, "owner": owner, "policy": attributes["Policy"]}


def _restore_policy(work: Work) -> None:
    """A topic is never without a policy: deleting it puts SNS's own back."""
    owner = work.id.split(":")[4]
    set_attribute(work, work.id, "Policy", json.dumps(default_policy(work.id, owner)))


def default_policy(arn: str, owner: str) -> dict[str, Any]:
    """The policy that SNS gives a new topic (Amazon SNS developer guide, "Access control")."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "SNS:GetTopicAttributes",
                    "SNS:SetTopicAttributes",
                    "SNS:AddPermission",
                    "SNS:RemovePermission",
                    "SNS:DeleteTopic",
                    "SNS:Subscribe",
                    "SNS:ListSubscriptionsByTopic",
                    "SNS:Publish",
                ],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
            }
        ],
    }


def _check(inputs: Mapping[str, Any]) -> dict[str, str]:
    name = inputs.get("name")
    if inputs.get("fifoTopic") and name is not None and not str(name).endswith(".fifo"):
        return {"name": f"name of a FIFO topic must end with '.fifo', not {name!r}"}
    return {}


ROWS = (
    ResourceType(
        token="aws:sns/topic:Topic",
        service="sns",
        create=_create,
        created_with=AT_CREATION | {"name"},
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(
            Setting(LATER, _update, after_create=True),
            Setting(AT_CREATION - {"fifoTopic"}, _update),
        ),
        delete=lambda work: work.call("DeleteTopic", TopicArn=work.id),
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", ResourceArn=work.id, Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagResource", ResourceArn=work.id, TagKeys=keys),
        ),
        unread=frozenset({"namePrefix"}),
        missing=("NotFound", "NotFoundException"),
        defaults={"fifoTopic": False, "contentBasedDeduplication": False},
        auto_name=AutoName(maximum=256, suffix=".fifo"),
        key=frozenset({"name"}),
        comparison=Comparison(
            {"policy": POLICY, "deliveryPolicy": JSON, "archivePolicy": JSON},
            frozenset(
                {"policy", "tracingConfig", "signatureVersion", "fifoThroughputScope", "maximumMessageSize", *FEEDBACK}
            ),
        ),
        check=_check,
    ),
    ResourceType(
        token="aws:sns/topicPolicy:TopicPolicy",
        service="sns",
        create=_put_policy,
        created_with=frozenset({"arn", "policy"}),
        identify=lambda work, answer: str(answer),
        read=_read_policy,
        settings=(Setting(frozenset({"policy"}), _put_policy),),
        delete=_restore_policy,
        missing=("NotFound", "NotFoundException"),
        key=frozenset({"arn"}),
        comparison=Comparison({"policy": POLICY}),
        import_id=lambda resource_id: {"arn": resource_id},
    ),
)
