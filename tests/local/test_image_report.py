from __future__ import annotations

from typing import Any

from local.image_report import key_of, recorded

IMAGE = "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.2.3/4"


class Logs:
    """CloudWatch Logs with one group; pages hold two events."""

    def __init__(self, *messages: str) -> None:
        self._events = [{"message": message} for message in messages]
        self.asked: dict[str, str] = {}

    def get_paginator(self, _operation: str) -> Logs:
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        self.asked = asked
        return [{"events": self._events[start : start + 2]} for start in range(0, len(self._events), 2)]


def test_the_record_is_read_from_the_stream_of_that_build() -> None:
    logs: Any = Logs(
        "Step Install: 2 commands recorded and not executed",
        "  indented output of the script itself",
        "2 commands on i-1 were recorded and not executed:",
        "  sudo dnf install java (executed as root)",
        "  dnf install java",
        "  systemctl enable ledger",
        "Image ami-1 of i-1",
        "  more indented output",
    )
    group = "/aws/imagebuilder/golden-ami-ledger"
    assert recorded(IMAGE, group, logs) == ["dnf install java", "systemctl enable ledger"]
    assert logs.asked == {"logGroupName": "/aws/imagebuilder/golden-ami-ledger", "logStreamNamePrefix": "1.2.3/4"}


class Images:
    """EC2 with one image of two volumes."""

    def __init__(self, *snapshots: dict[str, Any]) -> None:
        self._snapshots = snapshots

    def describe_images(self, *, ImageIds: list[str]) -> dict[str, Any]:
        mappings = [{"Ebs": {"SnapshotId": f"snap-{number}"}} for number in range(len(self._snapshots))]
        return {"Images": [{"ImageId": ImageIds[0], "BlockDeviceMappings": [*mappings, {"VirtualName": "ephemeral0"}]}]}

    def describe_snapshots(self, *, SnapshotIds: list[str]) -> dict[str, Any]:
        assert SnapshotIds == [f"snap-{number}" for number in range(len(self._snapshots))]
        return {"Snapshots": list(self._snapshots)}


def test_the_key_is_that_of_the_images_snapshots() -> None:
    ec2: Any = Images({"Encrypted": True, "KmsKeyId": "arn:key"}, {"Encrypted": True, "KmsKeyId": "arn:key"})
    assert key_of("ami-1", ec2) == "arn:key"


def test_one_volume_without_encryption_is_not_hidden_by_the_others() -> None:
    ec2: Any = Images({"Encrypted": True, "KmsKeyId": "arn:key"}, {"Encrypted": False})
    assert "NOT ENCRYPTED" in key_of("ami-1", ec2)
