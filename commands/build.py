"""`make build PRODUCT=ledger`: build a product's newest uploads by hand, and follow the build."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from rich.console import Console
from rich.table import Table

from commands.follow import EndedImage, Follower
from commands.project import INTERRUPTED, PROJECT, CommandError, product_of, told_plainly
from model.files.landing_zone import LandingZone
from model.names import ProductNames

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient

LOG_LINES = 20
"""Lines of a failed build's log that are shown."""


@dataclass(frozen=True)
class Builder:
    """Asks a product's start function for a build."""

    names: ProductNames
    functions: LambdaClient

    def start(self, retry: bool = False) -> str:
        """Ask for a build; returns the image to follow, which is the running one where a build runs already.

        `retry` asks for the last build's failed distribution instead. Raises `CommandError` where nothing was started.
        """
        request = {"source": "retry"} if retry else {"source": "manual", "requestId": str(uuid.uuid4())}
        function = self.names.start_function
        try:
            answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(request).encode())
        except self.functions.exceptions.ResourceNotFoundException:
            product = self.names.product
            raise CommandError(
                f"the function {function} is not there; deploy the product first: pulumi up --stack {product}"
            ) from None
        content: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
        if answer.get("FunctionError"):
            raise CommandError(f"{function} failed: {content.get('errorMessage', content)}")
        arn = content.get("imageBuildVersionArn")
        if not arn:
            raise CommandError(f"nothing was built: {content.get('reason') or content.get('outcome')}")
        return str(arn)


def copies_table(image: EndedImage, landing_zone: LandingZone) -> Table:
    """The AMI ids of an image, by account and Region."""
    table = Table("Account", "Name", "Region", "AMI")
    for copy in image.copies:
        table.add_row(copy.account, landing_zone.account_name(copy.account), copy.region, copy.ami)
    return table


def log_tail(names: ProductNames, image: EndedImage, logs: CloudWatchLogsClient) -> str:
    """The last lines of a build's log, and where the rest is."""
    group = names.build_log_group
    stream = "/".join(image.arn.rsplit("/", 2)[-2:])
    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LOG_LINES)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return f"no log was written to {group}, stream {stream}"
    lines = [event.get("message", "").rstrip() for event in events]
    return "\n".join([*lines, f"the whole log: group {group}, stream {stream}"])


def build(product: str, project: Path, session: boto3.Session, console: Console, retry: bool = False) -> int:
    """Build, or retry what failed of the last build, and follow; returns the exit code."""
    _, landing_zone, names = product_of(project, product)
    region = names.region
    arn = Builder(names, session.client("lambda", region_name=region)).start(retry)
    console.print(f"{product}: {arn}", highlight=False, soft_wrap=True)
    try:
        image = Follower(session.client("imagebuilder", region_name=region), console).follow(arn)
    except KeyboardInterrupt:
        console.print(
            "stopped following; the build goes on. To end it: "
            f"aws imagebuilder cancel-image-creation --image-build-version-arn {arn}",
            highlight=False,
            soft_wrap=True,
        )
        return INTERRUPTED
    if image.copies:
        console.print(copies_table(image, landing_zone))
    if image.available:
        return 0
    console.print(f"{image.status}: {image.reason or 'Image Builder gave no reason'}", style="red", markup=False)
    console.print(log_tail(names, image, session.client("logs", region_name=region)), markup=False, highlight=False)
    return 1


def main(
    product: Annotated[str, typer.Option(help="Product to build.")],
    retry: Annotated[bool, typer.Option("--retry", help="Repeat the last build's failed distribution.")] = False,
) -> None:
    """Build a product's newest uploads by hand, and follow the build."""
    console = Console(stderr=False)
    with told_plainly(Console(stderr=True)):
        sys.exit(build(product, PROJECT, boto3.Session(), console, retry))


if __name__ == "__main__":
    typer.run(main)
