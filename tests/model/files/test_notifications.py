"""Who is told how builds end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from model.files.landing_zone import LandingZone
from model.files.notifications import Notifications, Subscriber
from model.files.product import Product
from model.hub_policies import report_function_policy, start_function_policy

TOPIC = "arn:aws:sns:us-east-1:111111111111:platform-builds"
KEY = "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555"
QUEUE = "arn:aws:sqs:us-east-1:111111111111:builds"
DATA_KEY = KEY.replace("1111-", "9999-")


def subscriber(**stated: Any) -> Subscriber:
    return Subscriber.model_validate_json(json.dumps(stated))


@pytest.mark.parametrize(
    ("when", "filter_policy"),
    [
        (None, None),
        (("success",), {"status": ["AVAILABLE"]}),
        (
            ("failure",),
            {
                "$or": [
                    {"status": ["FAILED", "CANCELLED", "REFUSED", "SWEEP_FAILED", "SCAN_FAILED"]},
                    {"NewStateValue": ["ALARM"]},
                ]
            },
        ),
        (
            ("success", "failure", "success"),
            {
                "$or": [
                    {"status": ["AVAILABLE"]},
                    {"status": ["FAILED", "CANCELLED", "REFUSED", "SWEEP_FAILED", "SCAN_FAILED"]},
                    {"NewStateValue": ["ALARM"]},
                ]
            },
        ),
    ],
)
def test_a_subscriber_hears_of_what_it_asks_for(when: Any, filter_policy: Any) -> None:
    assert subscriber(email="team@example.com", when=when).filter_policy == filter_policy


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"subscribers": [{}]}, "state exactly one of email and queue"),
        ({"subscribers": [{"email": "team@example.com", "queue": QUEUE}]}, "state exactly one of email and queue"),
        ({"subscribers": [{"email": "team"}]}, "String should match"),
        ({"subscribers": [{"queue": TOPIC}]}, "String should match"),
        ({"subscribers": [{"email": "a@example.com", "when": []}]}, "at least 1"),
        ({"subscribers": [{"email": "a@example.com"}] * 2}, "holds 'a@example.com' twice; keep one"),
        ({"topic": "platform-builds"}, "String should match"),
        ({"topic": TOPIC}, "is missing: a topic has to be encrypted; add its key's ARN"),
        ({"topicKey": KEY}, "is for a given topic only; state topic, or remove it"),
        ({"topic": TOPIC, "topicKey": KEY, "subscribers": [{"email": "a@example.com"}]}, "subscribe them at the given"),
    ],
)
def test_a_mistake_is_told(stated: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("(", r"\(")) as raised:
        Notifications.model_validate(stated, strict=False)
    assert raised.value.error_count() == 1


def test_functions_publish_to_a_given_topic_under_its_key(ledger: Product, landing_zone: LandingZone) -> None:
    given = ledger.model_copy(update={"notifications": Notifications.model_validate({"topic": TOPIC, "topicKey": KEY})})
    names, plan = given.names(landing_zone), given.plan(landing_zone)
    for policy in (start_function_policy(names, DATA_KEY), report_function_policy(names, plan, DATA_KEY)):
        allowed = {statement.sid: statement for statement in policy.statements}
        assert allowed["UseTopicKey"].resources == (KEY,)
        publishing = [statement for statement in policy.statements if statement.actions == ("sns:Publish",)]
        assert [statement.resources for statement in publishing] == [(TOPIC,)]


def test_functions_use_no_other_key_for_the_products_own_topic(ledger: Product, landing_zone: LandingZone) -> None:
    names = ledger.names(landing_zone)
    policy = start_function_policy(names, DATA_KEY)
    assert "UseTopicKey" not in {statement.sid for statement in policy.statements}
    assert names.topic_arn == "arn:aws:sns:us-east-1:111111111111:golden-ami-ledger-outcomes"
