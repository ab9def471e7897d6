"""Reports of how builds end."""

import json
from typing import Any, cast

from runtime.functions.outcome import publish, read_outcome

IMAGE = "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1"


class FakeImages:
    def __init__(self, image: dict[str, Any]) -> None:
        self._image = image

    def get_image(self, *, imageBuildVersionArn: str) -> dict[str, Any]:
        assert imageBuildVersionArn == IMAGE
        return {"image": self._image}


class FakeTopic:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.messages.append(message)


TAGS = {"golden-ami:script-version-id": "v7", "golden-ami:manifest-sha256": "abc"}


def report(image: dict[str, Any]) -> dict[str, Any]:
    topic = FakeTopic()
    outcome = read_outcome("ledger", IMAGE, cast(Any, FakeImages(image)))
    publish(outcome, "arn:aws:sns:us-east-1:111111111111:topic", cast(Any, topic))
    (message,) = topic.messages
    assert len(message["Subject"]) <= 100
    return {**json.loads(message["Message"]), "attribute": message["MessageAttributes"]["status"]["StringValue"]}


def test_success_tells_product_script_version_and_every_ami() -> None:
    amis = [
        {"accountId": "222222222222", "region": "us-east-1", "image": "ami-2", "name": "x"},
        {"accountId": "333333333333", "region": "eu-west-1", "image": "ami-3", "name": "x"},
    ]
    image = {"state": {"status": "AVAILABLE"}, "tags": TAGS, "outputResources": {"amis": amis}}
    assert report(image) == {
        "product": "ledger",
        "status": "AVAILABLE",
        "reason": None,
        "image": IMAGE,
        "scriptVersionId": "v7",
        "manifestSha256": "abc",
        "amis": [
            {"account": "222222222222", "region": "us-east-1", "id": "ami-2"},
            {"account": "333333333333", "region": "eu-west-1", "id": "ami-3"},
        ],
        "attribute": "AVAILABLE",
    }


def test_failure_tells_the_reason_and_no_ami_that_does_not_exist() -> None:
    image = {
        "state": {"status": "FAILED", "reason": "exit code 1"},
        "tags": TAGS,
        "outputResources": {"amis": [{"accountId": "222222222222", "region": "us-east-1"}]},
    }
    found = report(image)
    assert (found["status"], found["reason"], found["amis"]) == ("FAILED", "exit code 1", [])
