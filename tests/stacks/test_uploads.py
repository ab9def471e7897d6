"""What becomes of uploads on a deployed product: built once, overtaken, refused, and told apart in every account."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.people import SCRIPT_AUTHOR
from model.names import TAG_MANIFEST, TAG_PRODUCT, TAG_SCRIPT_VERSION
from tests.stacks.world import Deployed, World

pytestmark = pytest.mark.stack

BUCKET = "golden-ami-ledger-111111111111-us-east-1"
TEAM = "arn:aws:iam::222222222222:role/ledger-team"


@contextmanager
def held_lock(world: World) -> Generator[None]:
    """Keep the product's functions waiting, as one of them does while it decides."""
    functions = world.client("s3")
    name = "golden-ami-ledger-start-build"
    lock = {"Bucket": BUCKET, "Key": "builds/lock.json"}
    with allowed_to_write_builds(world):
        functions.put_object(**lock, Body=json.dumps({"holder": name, "expires": time.time() + 300}).encode())
        try:
            yield
        finally:
            functions.delete_object(**lock)


@contextmanager
def allowed_to_write_builds(world: World) -> Generator[None]:
    """Only the start function may write below `builds/`: let the account's root do so for a while."""
    s3 = world.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    others = [entry for entry in policy["Statement"] if entry["Sid"] != "RefuseForeignBuilds"]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({**policy, "Statement": others}))
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def team(world: World) -> Any:
    """S3 as the team's role of another account."""
    return world.session.person(SCRIPT_AUTHOR, "222222222222").assume(TEAM, "upload").s3("us-east-1")


def test_an_ami_and_its_snapshot_in_any_account_tell_which_script_they_came_from(
    world: World, ledger_image: Deployed
) -> None:
    arn = ledger_image.image.arn
    built = world.client("imagebuilder").get_image(imageBuildVersionArn=arn)["image"]["tags"]
    expected = {name: built[name] for name in (TAG_PRODUCT, TAG_SCRIPT_VERSION, TAG_MANIFEST)}
    hub = [("111111111111", "us-east-1", image["ImageId"]) for image in built_in_hub(world, arn)]
    copies = [(copy.account, copy.region, copy.ami) for copy in ledger_image.image.copies]
    assert (len(hub), len(copies)) == (1, 4)
    for account, region, ami in hub + copies:
        ec2 = world.client("ec2", account, region)
        (image,) = ec2.describe_images(ImageIds=[ami])["Images"]
        snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        (found,) = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
        for resource in (image, found):
            tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
            assert tags.items() >= expected.items(), resource


def test_the_team_of_another_account_writes_under_its_prefix_and_nowhere_else(
    world: World, ledger_image: Deployed
) -> None:
    s3 = team(world)
    for key in ("builds/current/files/install.sh", "install.sh"):
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"true")


def test_what_is_printed_for_a_team_is_what_its_role_has(world: World, ledger_image: Deployed) -> None:
    printed = world.stacks.outputs("ledger")["uploaderPolicy"]
    iam = world.client("iam", "222222222222")
    deployed = iam.get_role_policy(RoleName="ledger-team", PolicyName="golden-ami-ledger-upload")["PolicyDocument"]
    assert printed == deployed


def test_of_uploads_that_wait_the_newest_is_built_and_the_others_are_reported_as_superseded(
    world: World, ledger_image: Deployed, tmp_path: Path
) -> None:
    s3 = team(world)
    with held_lock(world):
        waiting = [
            s3.put_object(Bucket=BUCKET, Key="scripts/install.sh", Body=f"echo {number}\n".encode())["VersionId"]
            for number in range(3)
        ]
    told = ledger_image.reports.receive("SUPERSEDED")
    assert told["uploads"] == [
        {"path": "install.sh", "scriptVersionId": version, "supersededBy": waiting[2]} for version in waiting[:2]
    ]
    ledger_image.reports.receive("AVAILABLE", script=waiting[2])


def test_a_secret_is_refused_with_its_line_and_is_shown_nowhere(
    world: World, ledger_image: Deployed, tmp_path: Path
) -> None:
    images = world.client("imagebuilder")
    pipeline = world.session.files.names("ledger").pipeline_arn
    before = len(images.list_image_pipeline_images(imagePipelineArn=pipeline)["imageSummaryList"])
    secret = "ghp_" + "a1B2" * 9
    s3 = team(world)
    s3.put_object(Bucket=BUCKET, Key="scripts/install.sh", Body=f"set -e\nexport TOKEN={secret}\n".encode())
    told = ledger_image.reports.receive("REFUSED")
    assert {(found["path"], found["line"]) for found in told["findings"]} == {("install.sh", 2)}
    log = log_of(world, "start-build")
    assert secret not in json.dumps(told) + log
    assert len(images.list_image_pipeline_images(imagePipelineArn=pipeline)["imageSummaryList"]) == before
    # What comes after it is built again.
    clean = s3.put_object(Bucket=BUCKET, Key="scripts/install.sh", Body=b"echo clean\n")
    ledger_image.reports.receive("AVAILABLE", script=clean["VersionId"])


def test_the_functions_log_in_lines_that_a_query_can_read_with_their_trace(
    world: World, ledger_image: Deployed
) -> None:
    lines = [json.loads(line) for line in log_of(world, "start-build").splitlines() if line.startswith("{")]
    done = [line for line in lines if line.get("message") == "reconciled"]
    assert done
    for line in done:
        assert (line["level"], line["service"], line["product"]) == ("INFO", "golden-ami", "ledger")
        assert line["function_request_id"]
        assert line["xray_trace_id"]


def built_in_hub(world: World, image_arn: str) -> list[Any]:
    """The AMI of a build itself."""
    filters = [{"Name": "tag:Ec2ImageBuilderArn", "Values": [image_arn]}]
    return world.client("ec2").describe_images(Owners=["self"], Filters=filters)["Images"]


def log_of(world: World, function: str) -> str:
    """All that a function wrote."""
    group = f"/aws/lambda/golden-ami-ledger-{function}"
    pages = world.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return "\n".join(event["message"] for page in pages for event in page["events"])
