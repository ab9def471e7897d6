"""Reports of how builds end, and what the copies say of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from runtime.functions.outcome import UntaggedCopiesError, UnwrittenParametersError, read_outcome, report
from runtime.functions.provenance import Provenance
from runtime.functions.reports import Topic
from tests.runtime.fakes import FakeTopic, refusal

IMAGE = "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1"
TAGS = {"golden-ami:script-version-id": "v7", "golden-ami:manifest-sha256": "abc"}
AMIS = [
    {"accountId": "222222222222", "region": "us-east-1", "image": "ami-2", "name": "x"},
    {"accountId": "333333333333", "region": "eu-west-1", "image": "ami-3", "name": "x"},
]


@dataclass
class FakeImages:
    image: dict[str, Any]

    def get_image(self, *, imageBuildVersionArn: str) -> dict[str, Any]:
        assert imageBuildVersionArn == IMAGE
        return {"image": self.image}


@dataclass
class FakeEc2:
    """Each image has one snapshot of its number; tags are kept by resource."""

    tags: dict[str, dict[str, str]]
    account: str
    refusing: tuple[str, ...]

    def describe_images(
        self, *, ImageIds: list[str] | None = None, Owners: list[str] | None = None, Filters: Any = None
    ) -> dict[str, Any]:
        if ImageIds is None:
            assert (self.account, Owners) == ("111111111111", ["self"])
            assert Filters == [{"Name": "tag:Ec2ImageBuilderArn", "Values": [IMAGE]}]
            return {"Images": [{"ImageId": "ami-1"}]}
        (ami,) = ImageIds
        devices = [{"Ebs": {"SnapshotId": ami.replace("ami", "snap")}}, {"VirtualName": "ephemeral0"}]
        return {"Images": [{"ImageId": ami, "BlockDeviceMappings": devices}]}

    def create_tags(self, *, Resources: list[str], Tags: list[dict[str, str]]) -> None:
        if self.account in self.refusing:
            raise refusal("UnauthorizedOperation")
        for resource in Resources:
            self.tags[resource] = {tag["Key"]: tag["Value"] for tag in Tags}


@dataclass
class FakeShares:
    refused: dict[str, str] = field(default_factory=dict[str, str])
    times: int = 0

    def write(self) -> dict[str, str]:
        self.times += 1
        return self.refused


@dataclass
class Accounts:
    refusing: tuple[str, ...] = ()
    shared_images: Any = field(default_factory=FakeShares)
    tags: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    topic: FakeTopic = field(default_factory=FakeTopic)

    def report(self, **image: Any) -> dict[str, Any]:
        """Report an image's end; returns the message."""
        outcome = read_outcome(IMAGE, cast(Any, FakeImages(image)))
        clients = Provenance(lambda account, _region: cast(Any, FakeEc2(self.tags, account, self.refusing)))
        try:
            report(outcome, "ledger", clients, self.shared_images, Topic("topic", "ledger", cast(Any, self.topic)))
        finally:
            (message,) = self.topic.messages
        return message


def test_success_tells_product_script_version_and_every_ami() -> None:
    message = Accounts().report(state={"status": "AVAILABLE"}, tags=TAGS, outputResources={"amis": AMIS})
    assert message == {
        "topic": "topic",
        "subject": "golden-ami ledger: image available",
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
        "untagged": {},
        "unwritten": {},
    }


def test_failure_tells_the_reason_and_no_ami_that_does_not_exist() -> None:
    found = Accounts().report(
        state={"status": "FAILED", "reason": "exit code 1"},
        tags=TAGS,
        outputResources={"amis": [{"accountId": "222222222222", "region": "us-east-1"}]},
    )
    assert (found["status"], found["reason"], found["amis"]) == ("FAILED", "exit code 1", [])


def test_every_ami_and_snapshot_in_every_account_says_which_script_it_came_from() -> None:
    accounts = Accounts()
    accounts.report(state={"status": "AVAILABLE"}, tags=TAGS, outputResources={"amis": AMIS})
    said = {**TAGS, "golden-ami:product": "ledger"}
    # The build's own AMI too, which the image does not list.
    assert accounts.tags == dict.fromkeys(("ami-1", "snap-1", "ami-2", "snap-2", "ami-3", "snap-3"), said)


def test_a_copy_that_cannot_be_tagged_keeps_no_other_from_it_and_is_reported_and_tried_again() -> None:
    accounts = Accounts(refusing=("222222222222",))
    with pytest.raises(UntaggedCopiesError, match="ami-2: UnauthorizedOperation"):
        accounts.report(state={"status": "AVAILABLE"}, tags=TAGS, outputResources={"amis": AMIS})
    assert set(accounts.tags) == {"ami-1", "snap-1", "ami-3", "snap-3"}
    assert list(accounts.topic.messages[0]["untagged"]) == ["ami-2"]


def test_an_image_that_nobody_uploaded_a_script_for_gets_no_tags() -> None:
    accounts = Accounts()
    accounts.report(state={"status": "AVAILABLE"}, outputResources={"amis": AMIS})
    assert accounts.tags == {}


SHARED = {
    "outputResources": {"amis": [{"accountId": "111111111111", "region": "us-east-1", "image": "ami-1"}]},
    "distributionConfiguration": {
        "distributions": [
            {
                "region": "us-east-1",
                "amiDistributionConfiguration": {"launchPermission": {"userIds": ["222222222222"]}},
                "ssmParameterConfigurations": [{"parameterName": "/golden-ami/ledger/stable"}],
            }
        ]
    },
}


@pytest.mark.parametrize(("status", "times"), [("AVAILABLE", 1), ("FAILED", 0), ("CANCELLED", 0)])
def test_the_parameters_of_shares_are_written_when_an_image_is_available(status: str, times: int) -> None:
    accounts = Accounts()
    accounts.report(state={"status": status}, tags=TAGS, **SHARED)
    assert accounts.shared_images.times == times


def test_an_image_that_is_shared_with_nobody_needs_no_parameter_of_ours() -> None:
    accounts = Accounts()
    accounts.report(state={"status": "AVAILABLE"}, tags=TAGS, outputResources={"amis": AMIS})
    assert accounts.shared_images.times == 0


def test_a_parameter_that_cannot_be_written_is_reported_and_tried_again() -> None:
    accounts = Accounts(shared_images=FakeShares({"222222222222 us-east-1": "AccessDenied: no"}))
    with pytest.raises(UnwrittenParametersError, match="222222222222 us-east-1: AccessDenied: no"):
        accounts.report(state={"status": "AVAILABLE"}, tags=TAGS, **SHARED)
    assert accounts.topic.messages[0]["unwritten"] == {"222222222222 us-east-1": "AccessDenied: no"}
