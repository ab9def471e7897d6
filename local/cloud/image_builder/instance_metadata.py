"""What an instance's metadata service says of it, laid out as files for the sandbox's `curl`.

Source: EC2 User Guide, "Access instance metadata for an EC2 instance": tokens by PUT with a time to live, 401 without a
token where they are required, 404 for what there is not.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "metadata"
"""Beside the instance's file tree, laid out anew at each boot."""


def lay_out(folder: Path, instance: Mapping[str, Any], region: str) -> None:
    """Write the answers for an instance as EC2 describes it, below its folder."""
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    for path, value in _answers(instance, region).items():
        file = place / "meta-data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(value), encoding="utf-8")
    options: Mapping[str, Any] = instance.get("MetadataOptions") or {}
    (place / "tokens").write_text(str(options.get("HttpTokens", "optional")), encoding="utf-8")
    (place / "token").write_text(secrets.token_urlsafe(32), encoding="utf-8")


def _answers(instance: Mapping[str, Any], region: str) -> dict[str, Any]:
    found = {
        "instance-id": instance.get("InstanceId"),
        "ami-id": instance.get("ImageId"),
        "instance-type": instance.get("InstanceType"),
        "local-ipv4": instance.get("PrivateIpAddress"),
        "local-hostname": instance.get("PrivateDnsName"),
        "placement/availability-zone": (instance.get("Placement") or {}).get("AvailabilityZone"),
        "placement/region": region,
    }
    return {path: value for path, value in found.items() if value}
