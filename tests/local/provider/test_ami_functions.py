"""Looking up an AMI, as pulumi-aws's function does."""

from __future__ import annotations

from typing import Any

import pytest

from local.provider.errors import ProviderError
from local.provider.requests import Provider
from tests.local.provider.conftest import FakeSessions

GET_AMI = "aws:ec2/getAmi:getAmi"


def image(number: int, date: str, **more: Any) -> dict[str, Any]:
    return {"ImageId": f"ami-0000000{number}", "Name": f"base-{number}", "CreationDate": date, **more}


OLD, NEW = image(1, "2026-01-31T00:00:00.000Z"), image(2, "2026-02-01T00:00:00.000Z")


def test_the_newest_of_all_pages_is_told(provider: Provider, sessions: FakeSessions) -> None:
    pages: dict[str | None, Any] = {None: {"Images": [NEW], "NextToken": "more"}, "more": {"Images": [OLD]}}
    sessions.operations["DescribeImages"] = lambda NextToken=None, **_: pages[NextToken]
    filters = [{"name": "name", "values": ["base-*"]}]
    found = provider.invoke(GET_AMI, {"owners": ["amazon"], "filters": filters, "mostRecent": True})
    assert (found["imageId"], found["id"], found["name"]) == ("ami-00000002", "ami-00000002", "base-2")
    asked = sessions.called("DescribeImages")[0]
    assert asked == {
        "Owners": ["amazon"],
        "Filters": [{"Name": "name", "Values": ["base-*"]}],
        "IncludeDeprecated": False,
    }


def test_its_devices_are_told_as_text_with_the_roots_snapshot(provider: Provider, sessions: FakeSessions) -> None:
    ebs = {"SnapshotId": "snap-1", "VolumeSize": 8, "Encrypted": True}
    devices = [
        {"DeviceName": "/dev/xvda", "Ebs": ebs},
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
    ]
    shown = image(1, "2026-01-31T00:00:00.000Z", RootDeviceName="/dev/xvda", BlockDeviceMappings=devices)
    sessions.operations["DescribeImages"] = lambda **_: {"Images": [{**shown, "Tags": [{"Key": "a", "Value": "b"}]}]}
    found = provider.invoke(GET_AMI, {"filters": [{"name": "image-id", "values": ["ami-00000001"]}]})
    root, ephemeral = found["blockDeviceMappings"]
    assert (root["ebs"]["volume_size"], root["ebs"]["encrypted"], root["ebs"]["iops"]) == ("8", "true", "0")
    assert (ephemeral["ebs"], ephemeral["virtualName"]) == ({}, "ephemeral0")
    assert (found["rootDeviceName"], found["rootSnapshotId"], found["platform"]) == ("/dev/xvda", "snap-1", "")
    assert found["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("images", "arguments", "message"),
    [
        ([], {"owners": ["self"]}, "Your query returned no results"),
        ([OLD, NEW], {"owners": ["self"]}, "Your query returned more than one result"),
        ([OLD], {"mostRecent": True}, "Most Recent Image Not Filtered"),
        ([OLD], {"owners": ["self"], "nameRegex": "^other"}, "Your query returned no results"),
    ],
)
def test_what_is_not_one_image_is_refused_as_pulumi_aws_does(
    provider: Provider, sessions: FakeSessions, images: list[Any], arguments: dict[str, Any], message: str
) -> None:
    sessions.operations["DescribeImages"] = lambda **_: {"Images": images}
    with pytest.raises(ProviderError, match=message):
        provider.invoke(GET_AMI, arguments)
