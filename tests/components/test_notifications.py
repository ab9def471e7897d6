"""What being told of outcomes asks of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from model.files.landing_zone import LandingZone
from model.files.notifications import Notifications
from model.files.product import Product

TOPIC = "arn:aws:sns:us-east-1:111111111111:platform-builds"
KEY = "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555"
QUEUE = "arn:aws:sqs:us-east-1:111111111111:builds"

Build = Callable[[Product, LandingZone], Any]


def with_notifications(ledger: Product, **stated: Any) -> Product:
    notifications = Notifications.model_validate_json(json.dumps(stated))
    return ledger.model_copy(update={"notifications": notifications})


def test_subscribers_of_the_own_topic_get_what_they_ask_for(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    stated = [{"email": "team@example.com", "when": ["success"]}, {"queue": QUEUE}]
    resources = product_resources(with_notifications(ledger, subscribers=stated), landing_zone)
    email, queue = sorted(
        (each.inputs for each in resources.of_type("TopicSubscription")), key=lambda inputs: inputs["protocol"]
    )
    assert (email["protocol"], email["endpoint"]) == ("email", "team@example.com")
    assert json.loads(email["filterPolicy"]) == {"status": ["AVAILABLE"]}
    assert email["filterPolicyScope"] == "MessageBody"
    assert (queue["protocol"], queue["endpoint"]) == ("sqs", QUEUE)
    assert "filterPolicy" not in queue
    resources.one("Topic")


def test_a_given_topic_is_used_instead_of_an_own_one(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(with_notifications(ledger, topic=TOPIC, topicKey=KEY), landing_zone)
    assert resources.of_type("Topic") == []
    assert resources.of_type("TopicPolicy") == []
    assert resources.one("MetricAlarm").inputs["alarmActions"] == [TOPIC]
    functions = resources.of_type("Function")
    assert {each.inputs["environment"]["variables"]["TOPIC_ARN"] for each in functions} == {TOPIC}
