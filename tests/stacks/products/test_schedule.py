"""A product that its schedule builds again, and who is told of it, as the cloud's clock is moved."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
import yaml

from local.clock import forward
from model.names import TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION
from tests.stacks.engine_runs import AT_ONCE, on_stack
from tests.stacks.waiting import until
from tests.stacks.world import World

pytestmark = pytest.mark.stack

HUB, REGION = "111111111111", "us-east-1"
BASE = "/platform/almanac/base"
PUBLIC = (
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/image_id",
)
"""Two base images of Amazon's, the second one standing for a newer one."""

UP_TO_DATE = "the last build was made from the newest base image, components and recipe"


class Mailbox:
    """A queue of the hub to which a topic may send."""

    def __init__(self, world: World, name: str) -> None:
        self._sqs = world.client("sqs")
        self.arn = f"arn:aws:sqs:{REGION}:{HUB}:{name}"
        principal = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": self.arn}
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **principal}]}
        self._url = self._sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]

    def next(self) -> dict[str, Any]:
        """The next message; waits for it."""
        found = until(self._receive, f"a message in {self.arn}", timeout=120)
        return json.loads(json.loads(found["Body"])["Message"])

    def is_empty(self) -> bool:
        """Whether nothing has come."""
        return self._receive() is None

    def _receive(self) -> Any:
        messages = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=1).get("Messages")
        if not messages:
            return None
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=messages[0]["ReceiptHandle"])
        return messages[0]


class Almanac:
    """The product, its base image's parameter, and its subscribers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.builder = world.client("imagebuilder")
        self.success, self.failure = Mailbox(world, "almanac-success"), Mailbox(world, "almanac-failure")

    def deploy(self, **notifications: Any) -> None:
        values = {
            "name": "almanac",
            "description": "Hosts of the almanac",
            "operatingSystem": "linux",
            "baseImage": {"ssmParameter": BASE},
            "entryScript": "install.sh",
            "components": {"finish": [{"arn": f"arn:aws:imagebuilder:{REGION}:aws:component/update-linux/x.x.x"}]},
            "rootVolume": {"size": 30},
            "schedule": {"expression": "cron(30 3 * * ? *)", "timeZone": "Europe/Berlin"},
            "notifications": notifications,
        }
        file = yaml.safe_dump({"config": {"golden-ami:product": values}}, sort_keys=False)
        self.world.add_product("almanac", file)
        on_stack(self.world, "almanac", "up", *AT_ONCE)

    def move_base(self, public: str) -> str:
        ssm = self.world.client("ssm")
        image = ssm.get_parameter(Name=public)["Parameter"]["Value"]
        ssm.put_parameter(Name=BASE, Value=image, Type="String", Overwrite=True)
        return image

    def upload(self, script: str) -> None:
        s3 = self.world.client("s3")
        names = self.world.session.files.names("almanac")
        s3.put_object(Bucket=names.bucket, Key="scripts/install.sh", Body=script.encode())

    def a_day_later(self) -> None:
        forward(self.world.session.address, HUB, timedelta(days=1))

    def answers(self) -> list[dict[str, Any]]:
        """What the start function answered to the schedule and to others, as it wrote it down."""
        logs = self.world.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/golden-ami-almanac-start-build"
        )
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if '"reconciled"' in line]

    def images(self) -> list[dict[str, Any]]:
        arn = self.world.session.files.names("almanac").pipeline_arn
        return self.builder.list_image_pipeline_images(imagePipelineArn=arn)["imageSummaryList"]


@pytest.fixture(scope="module")
def almanac(world: World) -> Generator[Almanac]:
    made = Almanac(world)
    made.move_base(PUBLIC[0])
    subscribers = [
        {"queue": made.success.arn, "when": ["success"]},
        {"queue": made.failure.arn, "when": ["failure"]},
    ]
    made.deploy(subscribers=subscribers)
    yield made
    # Other tests move the clock too, and hold the deployment roles of the examples alone.
    world.client("scheduler").delete_schedule(Name="golden-ami-almanac-schedule")
    world.remove_product("almanac")


def test_the_schedule_builds_when_the_base_image_has_moved_and_not_before(almanac: Almanac) -> None:
    almanac.upload("echo almanac\n")
    first = almanac.success.next()
    assert first["status"] == "AVAILABLE"
    almanac.a_day_later()
    until(lambda: any(answer.get("reason") == UP_TO_DATE for answer in almanac.answers()), "an answer to the schedule")
    assert len(almanac.images()) == 1
    moved = almanac.move_base(PUBLIC[1])
    almanac.a_day_later()
    second = almanac.success.next()
    assert (second["status"], second["image"] != first["image"]) == ("AVAILABLE", True)
    assert second["scriptVersionId"] == first["scriptVersionId"]
    tags = almanac.builder.get_image(imageBuildVersionArn=second["image"])["image"]["tags"]
    assert {TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION} <= set(tags)
    (ami,) = almanac.world.client("ec2").describe_images(ImageIds=[second["amis"][0]["id"]])["Images"]
    assert ami["ImageId"] != moved
    assert almanac.failure.is_empty()


def test_a_failure_reaches_its_subscriber_alone(almanac: Almanac) -> None:
    almanac.upload("exit 3\n")
    assert almanac.failure.next()["status"] == "FAILED"
    assert almanac.success.is_empty()


def test_a_given_topic_is_told_instead_and_the_schedule_repeats_what_failed(almanac: Almanac) -> None:
    world, given = almanac.world, Mailbox(almanac.world, "almanac-given")
    key = world.client("kms").create_key(Policy=_key_policy())["KeyMetadata"]["Arn"]
    sns = world.client("sns")
    topic = sns.create_topic(Name="platform-builds", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=given.arn)
    almanac.deploy(topic=topic, topicKey=key)
    almanac.a_day_later()
    assert given.next()["status"] == "FAILED"
    assert almanac.failure.is_empty()


def _key_policy() -> str:
    """A key that leaves its use to the hub's identity policies."""
    principal = {"AWS": f"arn:aws:iam::{HUB}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
