"""What became of an image: the closing table, and what its build recorded without executing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_logs import CloudWatchLogsClient

RECORDED = "recorded and not executed:"
"""How a build's log closes the line that heads an instance's record; the record follows, two columns in."""

AS_ROOT = "(executed as root)"
"""How the record marks a `sudo`, which only leads to the command on the next line."""


@dataclass(frozen=True)
class Row:
    """One copy of the image and one role that launches from it; `role` is empty where nobody does."""

    account: str
    account_name: str
    region: str
    ami: str
    key: str
    parameter: str
    role: str
    launched: str


def table(product: str, rows: list[Row]) -> Table:
    """The closing table."""
    made = Table(title=f"Image of {product}", title_justify="left", show_lines=False)
    for heading in ("account", "Region", "AMI", "encrypted with", "parameter", "consumer role", "launched"):
        made.add_column(heading, overflow="fold")
    for row in rows:
        launched = f"[red]{row.launched}[/]" if row.launched.startswith("no") else row.launched
        account = f"{row.account}\n{row.account_name}"
        made.add_row(account, row.region, row.ami, row.key, row.parameter, row.role or "none", launched)
    return made


def key_of(ami: str, ec2: EC2Client) -> str:
    """ARN of the key that encrypts an AMI's snapshots; says so where one is not encrypted."""
    image = ec2.describe_images(ImageIds=[ami])["Images"][0]
    mappings = image.get("BlockDeviceMappings", [])
    snapshots = [mapping.get("Ebs", {}).get("SnapshotId", "") for mapping in mappings]
    found = ec2.describe_snapshots(SnapshotIds=[snapshot for snapshot in snapshots if snapshot])["Snapshots"]
    keys = {snapshot.get("KmsKeyId", "") if snapshot.get("Encrypted") else "NOT ENCRYPTED" for snapshot in found}
    return "\n".join(sorted(keys)) or "NOT ENCRYPTED"


def recorded(image_arn: str, group: str, logs: CloudWatchLogsClient) -> list[str]:
    """Commands that the build of an image recorded and did not execute, each once, in order."""
    # Image Builder names a stream `<version>/<build>` (Image Builder User Guide, "Monitor with CloudWatch Logs").
    stream = "/".join(image_arn.split("/")[-2:])
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNamePrefix=stream)
    lines = "\n".join(event.get("message", "").rstrip() for page in pages for event in page.get("events", []))
    found: dict[str, None] = {}
    within = False
    for line in lines.splitlines():
        if line.endswith(RECORDED):
            within = True
        elif within and line.startswith("  "):
            if not line.endswith(AS_ROOT):
                found[line.strip()] = None
        else:
            within = False
    return list(found)
