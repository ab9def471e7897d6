"""SNS subscriptions (Amazon SNS API reference, Subscribe and SetSubscriptionAttributes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.difference import JSON, Comparison
from local.provider.resource_table.attributes import changed, from_attributes, to_attributes
from local.provider.resource_type import ResourceType, Setting
from local.provider.waiting import until
from local.provider.work import Work

SETTABLE = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "replayPolicy": "ReplayPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}

READ = {
    **SETTABLE,
    "confirmationWasAuthenticated": "ConfirmationWasAuthenticated",
    "endpoint": "Endpoint",
    "ownerId": "Owner",
    "pendingConfirmation": "PendingConfirmation",
    "protocol": "Protocol",
    "topic": "TopicArn",
}

PROTOCOLS = ("sqs", "sms", "lambda", "firehose", "application", "email", "email-json", "http", "https")

SECONDS_PER_MINUTE = 60


def _subscribe(work: Work) -> str:
    answer = work.call(
        "Subscribe",
        TopicArn=work.inputs["topic"],
        Protocol=work.inputs["protocol"],
        Endpoint=work.inputs["endpoint"],
        Attributes=to_attributes(work.inputs, SETTABLE) or None,
        ReturnSubscriptionArn=True,
    )
    arn = str(answer["SubscriptionArn"])
    if work.inputs["protocol"].startswith("http") and work.inputs["endpointAutoConfirms"]:
        timeout = work.inputs["confirmationTimeoutInMinutes"] * SECONDS_PER_MINUTE
        until(lambda: _attributes(work, arn).get("PendingConfirmation") == "false", f"confirmation of {arn}", timeout)
    return arn


def _attributes(work: Work, arn: str) -> dict[str, str]:
    return dict(work.call("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"])


def _read(work: Work) -> dict[str, Any]:
    attributes = _attributes(work, work.id)
    return {
        **from_attributes(work, attributes, READ),
        "arn": work.id,
        "confirmationWasAuthenticated": attributes.get("ConfirmationWasAuthenticated") == "true",
        "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
        "rawMessageDelivery": attributes.get("RawMessageDelivery") == "true",
    }


def _update(work: Work) -> None:
    found = changed(work, SETTABLE)
    # The scope decides how the policy is read, so it comes first.
    for name in sorted(found, key=lambda item: item != "FilterPolicyScope"):
        value = found[name] or ("{}" if name in ("FilterPolicy", "DeliveryPolicy", "RedrivePolicy") else "")
        work.call("SetSubscriptionAttributes", SubscriptionArn=work.id, AttributeName=name, AttributeValue=value)


def _check(inputs: Mapping[str, Any]) -> dict[str, str]:
    protocol = inputs.get("protocol")
    if protocol is not None and protocol not in PROTOCOLS:
        return {"protocol": f"protocol must be one of {', '.join(PROTOCOLS)}, not {protocol!r}"}
    return {}


ROWS = (
    ResourceType(
        token="aws:sns/topicSubscription:TopicSubscription",
        service="sns",
        create=_subscribe,
        created_with=frozenset({"topic", "protocol", "endpoint", *SETTABLE}),
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(frozenset(SETTABLE), _update),),
        delete=lambda work: work.call("Unsubscribe", SubscriptionArn=work.id),
        local=frozenset({"confirmationTimeoutInMinutes", "endpointAutoConfirms"}),
        missing=("NotFound", "NotFoundException"),
        defaults={"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False},
        key=frozenset({"topic", "protocol", "endpoint"}),
        comparison=Comparison(
            {"deliveryPolicy": JSON, "filterPolicy": JSON, "redrivePolicy": JSON, "replayPolicy": JSON},
            frozenset({"filterPolicyScope"}),
        ),
        check=_check,
    ),
)
