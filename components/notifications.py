"""Where a product's outcomes are reported."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.files import notifications as model
from model.hub_policies import topic_policy
from model.names import ProductNames


class NotificationsArgs(ComponentArgs):
    """Names, who is told, and the key that encrypts messages."""

    names: ProductNames
    notifications: model.Notifications
    data_key_arn: pulumi.Output[str]


class Notifications(pulumi.ComponentResource):
    """The topic on which a product's outcomes are reported, and its subscribers; nothing where a topic is given."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: NotificationsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:notifications:Notifications", name, None, opts)
        given = args.names.given_topic
        self.topic_arn = pulumi.Output.from_input(given.arn) if given else self._own(name, args)
        self.register_outputs({"topicArn": self.topic_arn})

    def _own(self, name: str, args: NotificationsArgs) -> pulumi.Output[str]:
        mine = ResourceOptions(parent=self)
        topic = aws.sns.Topic(f"{name}-outcomes", name=args.names.topic, kms_master_key_id=args.data_key_arn, opts=mine)
        aws.sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=topic_policy(args.names).json(), opts=mine)
        for subscriber in args.notifications.subscribers:
            aws.sns.TopicSubscription(
                f"{name}-{subscriber.address}",
                topic=topic.arn,
                protocol="email" if subscriber.email else "sqs",
                endpoint=subscriber.address,
                filter_policy=json.dumps(subscriber.filter_policy) if subscriber.filter_policy else None,
                filter_policy_scope="MessageBody" if subscriber.filter_policy else None,
                opts=mine,
            )
        return topic.arn
