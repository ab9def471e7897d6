"""A product whose image the hub keeps and shares: launch templates, parameters and launches of other accounts."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from commands.access import access_report
from commands.access_accounts import DeploymentRoles
from model.launch_access import Answer
from tests.stacks.engine_runs import AT_ONCE, on_stack
from tests.stacks.world import subscribed

pytestmark = pytest.mark.stack

HUB, PRODUCTION, TEST = "111111111111", "222222222222", "333333333333"
HOME = "us-east-1"
PRODUCT = "gazette"
FURTHER = "/press/gazette/ami"
CREATED_BY = [{"Key": "CreatedBy", "Value": "EC2 Image Builder"}]


def template(world: Any, account: str) -> str:
    """A launch template that names no image yet, with the tag that AWS asks for."""
    made = world.client("ec2", account).create_launch_template(
        LaunchTemplateName=PRODUCT,
        LaunchTemplateData={"InstanceType": "m5.large"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": CREATED_BY}],
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


@pytest.fixture(scope="module")
def templates(world: Any) -> dict[str, str]:
    """A launch template in the hub and in an account that the image is shared with."""
    return {account: template(world, account) for account in (HUB, PRODUCTION)}


@pytest.fixture(scope="module")
def gazette(world: Any, templates: dict[str, str]) -> Generator[Any]:
    values = {
        "name": PRODUCT,
        "description": "Presses of the gazette",
        "operatingSystem": "linux",
        "baseImage": {"ssmParameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
        "entryScript": "install.sh",
        "distribution": [
            {
                "region": HOME,
                "share": {"accounts": ["workloads-production", "workloads-test"]},
                "launchTemplates": [
                    {"account": "hub", "id": templates[HUB]},
                    {"account": "workloads-production", "id": templates[PRODUCTION]},
                ],
                "parameters": [FURTHER],
                "name": "gazette-{{ imagebuilder:buildVersion }}",
                "description": "Kept by the hub",
            }
        ],
        "consumers": [
            {"account": "workloads-test", "role": "gazette-instances", "mode": "create"},
            {"account": "workloads-production", "role": "press/gazette-runtime", "mode": "existing"},
        ],
    }
    world.add_product(PRODUCT, yaml.safe_dump({"config": {"golden-ami:product": values}}, sort_keys=False))
    on_stack(world, PRODUCT, "up", *AT_ONCE)
    yield world
    (world.project / "stacks" / f"Pulumi.{PRODUCT}.yaml").unlink()


def default_image(world: Any, account: str, template_id: str) -> str:
    """The image of a launch template's default version."""
    found = world.client("ec2", account).describe_launch_template_versions(
        LaunchTemplateId=template_id, Versions=["$Default"]
    )["LaunchTemplateVersions"]
    return found[0]["LaunchTemplateData"]["ImageId"]


def values(world: Any, account: str) -> dict[str, tuple[str, str]]:
    """Value and data type of the parameters that name the image."""
    names = [f"/golden-ami/{PRODUCT}/stable", FURTHER]
    found = world.client("ssm", account).get_parameters(Names=names)["Parameters"]
    return {one["Name"]: (one["Value"], one["DataType"]) for one in found}


def predicted(world: Any) -> dict[str, set[Answer]]:
    """What `make access` says of the launches from what is deployed, by the account of the launcher."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.session.environment.items():
            patch.setenv(name, value)
        accounts = DeploymentRoles(boto3.Session(), world.session.files.landing_zone)
        report = access_report(PRODUCT, world.project, accounts)
    return {row.account: {cell.answer for cell in row.cells.values()} for row in report.rows}


def test_a_shared_image_is_named_in_three_accounts_and_launched_by_roles_of_two_others(
    gazette: Any, templates: dict[str, str], tmp_path: Path
) -> None:
    reports = subscribed(gazette, PRODUCT)
    (tmp_path / "install.sh").write_text("echo gazette > /opt/gazette\n", encoding="utf-8")
    image = gazette.image(PRODUCT, tmp_path)
    ended = image.build()
    assert [(copy.account, copy.region) for copy in ended.copies] == [(HUB, HOME)]
    ami = ended.copies[0].ami

    report = reports.receive("AVAILABLE")
    assert (report["unwritten"], report["untagged"]) == ({}, {})
    named = {f"/golden-ami/{PRODUCT}/stable": (ami, "aws:ec2:image"), FURTHER: (ami, "aws:ec2:image")}
    assert {account: values(gazette, account) for account in (HUB, PRODUCTION, TEST)} == dict.fromkeys(
        (HUB, PRODUCTION, TEST), named
    )
    assert {default_image(gazette, account, one) for account, one in templates.items()} == {ami}

    (seen,) = gazette.client("ec2", TEST).describe_images(ImageIds=[ami])["Images"]
    assert (seen["OwnerId"], seen["Description"], seen["Tags"]) == (HUB, "Kept by the hub", [])
    assert seen["Name"].startswith("gazette-")
    rows = {row.account: row for row in image.rows(ended)}
    assert {account: (row.role, row.launched) for account, row in rows.items()} == {
        HUB: ("", ""),
        PRODUCTION: ("press/gazette-runtime", "yes"),
        TEST: ("gazette-instances", "yes"),
    }
    assert {row.key.split(":")[4] for row in rows.values()} == {HUB}
    assert predicted(gazette) == {PRODUCTION: {Answer.YES}, TEST: {Answer.YES}}
