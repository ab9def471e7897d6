"""Where a product's outcomes are reported."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.hub_policies import topic_policy
from model.names import ProductNames


class NotificationsArgs(ComponentArgs):
    """Names, and the key that encrypts messages."""

    names: ProductNames
    data_key_arn: pulumi.Output[str]


class Notifications(pulumi.ComponentResource):
    """The topic on which a product's outcomes are reported."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: NotificationsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:notifications:Notifications", name, None, opts)
        mine = ResourceOptions(parent=self)
        topic = aws.sns.Topic(f"{name}-outcomes", name=args.names.topic, kms_master_key_id=args.data_key_arn, opts=mine)
        aws.sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=topic_policy(args.names).json(), opts=mine)
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": self.topic_arn})
