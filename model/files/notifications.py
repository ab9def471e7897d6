"""Who is told how builds end: a topic that is there already, or one of the product's own with its subscribers.

Source: seed 002, sns_topic: the notification of every ended pipeline goes there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.fields import FileModel, Inconsistency, refuse, stated_twice

TopicArn = Annotated[str, StringConstraints(pattern=r"^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")]
QueueArn = Annotated[str, StringConstraints(pattern=r"^arn:aws:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$")]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$")]
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]


class Occasion(StrEnum):
    """What a subscriber wants to hear of."""

    SUCCESS = "success"
    FAILURE = "failure"

    @property
    def filter_policies(self) -> list[dict[str, Any]]:
        """Which bodies of messages are of the kind; a failure is also an alarm for events that were lost."""
        if self is Occasion.SUCCESS:
            return [{"status": ["AVAILABLE"]}]
        return [
            {"status": ["FAILED", "CANCELLED", "REFUSED", "SWEEP_FAILED", "SCAN_FAILED"]},
            {"NewStateValue": ["ALARM"]},
        ]


class Subscriber(FileModel):
    """One address that messages go to.

    Source: SNS API Reference, Subscribe; SNS Developer Guide, "Payload-based filtering".
    """

    email: EmailAddress | None = None
    """Mailbox; SNS asks it for a confirmation first."""
    queue: QueueArn | None = None
    """ARN of an SQS queue whose own policy admits the topic."""
    when: Annotated[tuple[Occasion, ...], Field(min_length=1)] | None = None
    """`success`, `failure` or both; left out, everything, also what became of uploads before a build."""

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        if (self.email is None) == (self.queue is None):
            raise ValueError("state exactly one of email and queue")
        return self

    @property
    def address(self) -> str:
        """Where messages go, as a file states it."""
        return self.email or self.queue or ""

    @property
    def filter_policy(self) -> dict[str, Any] | None:
        """SNS's filter on the body; None for everything (SNS Developer Guide, "Payload-based filtering")."""
        if self.when is None:
            return None
        policies = [policy for occasion in dict.fromkeys(self.when) for policy in occasion.filter_policies]
        return policies[0] if len(policies) == 1 else {"$or": policies}


class Notifications(FileModel):
    """Where outcomes are reported.

    Source: seed 002, sns_topic.
    """

    topic: TopicArn | None = None
    """ARN of a topic that is there already and whose policy admits the hub; left out, the product gets its own."""
    topic_key: KeyArn | None = None
    """ARN of the key that encrypts that topic, whose policy admits the hub's functions."""
    subscribers: tuple[Subscriber, ...] = ()
    """Who gets the messages of the product's own topic."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems: list[Inconsistency] = []
        if self.topic is None and self.topic_key is not None:
            problems.append(Inconsistency(("topicKey",), "is for a given topic only; state topic, or remove it"))
        if self.topic is not None and self.topic_key is None:
            problems.append(Inconsistency(("topicKey",), "is missing: a topic has to be encrypted; add its key's ARN"))
        if self.topic is not None and self.subscribers:
            message = "are for the product's own topic; subscribe them at the given one, or remove topic"
            problems.append(Inconsistency(("subscribers",), message))
        addresses = [subscriber.address for subscriber in self.subscribers]
        problems += stated_twice(("subscribers",), addresses)
        refuse(problems)
        return self
