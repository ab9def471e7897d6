"""Alarms on queues: they go off by what is in the queue, and reach topics that admit CloudWatch."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud.journal import FILE_NAME, RecordedCall, read
from tests.local.cloud.served_cloud import HOME, HUB, ServedCloud, document, serving, statement

BY_ALARMS = {"Service": "cloudwatch.amazonaws.com"}
USE = ["kms:GenerateDataKey", "kms:Decrypt"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[ServedCloud]:
    with serving(directory) as served:
        yield served


class Watched:
    """A queue with an alarm on its messages, and a topic that hands on to another queue."""

    def __init__(self, cloud: ServedCloud, *admitted: Any, key: str | None = None) -> None:
        self._sqs, self._alarms, sns = cloud.client("sqs"), cloud.client("cloudwatch"), cloud.client("sns")
        self.name = cloud.name("watched")
        self.url = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        by_topics = document(statement("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}))
        heard = cloud.name("heard")
        self.heard = self._sqs.create_queue(QueueName=heard, Attributes={"Policy": by_topics})["QueueUrl"]
        attributes = {"KmsMasterKeyId": key} if key else {}
        self.topic = sns.create_topic(Name=cloud.name("topic"), Attributes=attributes)["TopicArn"]
        policy = document(*admitted) if admitted else document(statement("sns:Publish", Principal={"AWS": HUB}))
        sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy)
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{HOME}:{HUB}:{heard}")
        self._alarms.put_metric_alarm(
            AlarmName=self.name,
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": self.name}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[self.topic],
        )

    def over_tls_only(self) -> None:
        """Refuse the queue to whoever comes without TLS."""
        condition = {"Bool": {"aws:SecureTransport": "false"}}
        policy = document(statement("sqs:*", Effect="Deny", Principal="*", Condition=condition))
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def send(self) -> None:
        self._sqs.send_message(QueueUrl=self.url, MessageBody="one")

    def empty(self) -> None:
        self._sqs.purge_queue(QueueUrl=self.url)

    @property
    def state(self) -> str:
        return self._alarms.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]["StateValue"]

    def told(self, seconds: int) -> list[dict[str, Any]]:
        found = self._sqs.receive_message(QueueUrl=self.heard, WaitTimeSeconds=seconds).get("Messages", [])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


def decided(directory: Path, resource: str) -> list[RecordedCall]:
    return [
        call
        for call in read(directory / FILE_NAME)
        if call.resource == resource and call.principal == BY_ALARMS["Service"]
    ]


def test_an_alarm_goes_off_with_a_message_and_ends_without(cloud: ServedCloud, directory: Path) -> None:
    key = cloud.key(statement(USE, Principal=BY_ALARMS))
    watched = Watched(cloud, statement("sns:Publish", Principal=BY_ALARMS), key=key)
    watched.over_tls_only()
    other = Watched(cloud, statement("sns:Publish", Principal=BY_ALARMS))
    assert watched.state == "OK"
    watched.send()
    [told] = watched.told(10)
    assert (told["AlarmName"], told["NewStateValue"]) == (watched.name, "ALARM")
    assert watched.state == "ALARM"
    assert other.state == "OK"
    assert [call.action for call in decided(directory, watched.topic)] == ["sns:Publish"]
    assert [call.action for call in decided(directory, key)] == USE
    watched.empty()
    assert watched.state == "OK"


@pytest.mark.parametrize("missing", ["topic policy", "key policy"])
def test_an_alarm_reaches_no_topic_that_does_not_admit_cloudwatch(
    cloud: ServedCloud, directory: Path, missing: str
) -> None:
    admitted = [statement("sns:Publish", Principal=BY_ALARMS)] if missing != "topic policy" else []
    key = cloud.key(*([statement(USE, Principal=BY_ALARMS)] if missing != "key policy" else []))
    watched = Watched(cloud, *admitted, key=key)
    watched.send()
    assert watched.state == "ALARM"
    assert watched.told(1) == []
    refused = decided(directory, watched.topic if missing == "topic policy" else key)
    assert [call.decision for call in refused] == ["AccessDeniedException"]


def test_a_condition_on_the_alarm_decides(cloud: ServedCloud) -> None:
    for account, heard in ((HUB, 1), ("999999999999", 0)):
        only = {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{HOME}:{account}:alarm:*"}}
        watched = Watched(cloud, statement("sns:Publish", Principal=BY_ALARMS, Condition=only))
        watched.send()
        assert len(watched.told(5 if heard else 1)) == heard
