"""A product whose image the hub keeps and shares: launch templates, parameters and launches of other accounts."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import yaml

from commands.access import access_report
from commands.access_accounts import DeploymentRoles
from commands.follow import EndedImage
from local.customised_image import CustomisedImage
from model.launch_access import Answer
from model.names import DISTRIBUTION_ROLE
from runtime.functions.pipeline_runs import ENDED
from tests.stacks.engine_runs import AT_ONCE, on_stack
from tests.stacks.waiting import until
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


@dataclass
class Shared:
    """The product's first image."""

    world: Any
    image: CustomisedImage
    ended: EndedImage
    report: dict[str, Any]

    @property
    def ami(self) -> str:
        return self.ended.copies[0].ami


@pytest.fixture(scope="module")
def shared(gazette: Any, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    reports = subscribed(gazette, PRODUCT)
    scripts = tmp_path_factory.mktemp("scripts")
    (scripts / "install.sh").write_text("echo gazette > /opt/gazette\n", encoding="utf-8")
    image = gazette.image(PRODUCT, scripts)
    return Shared(gazette, image, image.build(), reports.receive("AVAILABLE"))


def test_a_shared_image_is_named_in_three_accounts_by_templates_and_parameters(
    shared: Shared, templates: dict[str, str]
) -> None:
    world, ami = shared.world, shared.ami
    assert [(copy.account, copy.region) for copy in shared.ended.copies] == [(HUB, HOME)]
    assert (shared.report["unwritten"], shared.report["untagged"]) == ({}, {})
    named = {f"/golden-ami/{PRODUCT}/stable": (ami, "aws:ec2:image"), FURTHER: (ami, "aws:ec2:image")}
    for account in (HUB, PRODUCTION, TEST):
        assert values(world, account) == named
    assert {default_image(world, account, one) for account, one in templates.items()} == {ami}
    (seen,) = world.client("ec2", TEST).describe_images(ImageIds=[ami])["Images"]
    assert (seen["OwnerId"], seen["Description"], seen["Tags"]) == (HUB, "Kept by the hub", [])
    assert seen["Name"].startswith("gazette-")


def test_a_second_preview_finds_nothing_to_change(shared: Shared) -> None:
    on_stack(shared.world, PRODUCT, "preview", "--expect-no-changes")


def test_roles_of_two_other_accounts_launch_from_a_shared_image_as_is_predicted(shared: Shared) -> None:
    rows = {row.account: row for row in shared.image.rows(shared.ended)}
    assert {account: (row.role, row.launched) for account, row in rows.items()} == {
        HUB: ("", ""),
        PRODUCTION: ("press/gazette-runtime", "yes"),
        TEST: ("gazette-instances", "yes"),
    }
    assert {row.key.split(":")[4] for row in rows.values()} == {HUB}
    assert predicted(shared.world) == {PRODUCTION: {Answer.YES}, TEST: {Answer.YES}}


@contextmanager
def without(world: Any, account: str, role: str, policy: str, sid: str) -> Generator[None]:
    """A role's inline policy without one of its statements."""
    iam = world.client("iam", account)
    where = {"RoleName": role, "PolicyName": policy}
    document = iam.get_role_policy(**where)["PolicyDocument"]
    kept = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(document["Statement"]) - 1
    iam.put_role_policy(**where, PolicyDocument=json.dumps({**document, "Statement": kept}))
    try:
        yield
    finally:
        iam.put_role_policy(**where, PolicyDocument=json.dumps(document))


EXTENSION = (TEST, DISTRIBUTION_ROLE, f"golden-ami-{PRODUCT}-distribution")
REPORT = (HUB, f"golden-ami-{PRODUCT}-report-outcome", "work")


def reported(shared: Shared) -> str:
    """What the report function says of the image's event once more; empty where it did all its work."""
    event = json.dumps({"resources": [shared.ended.arn]}).encode()
    answer = shared.world.client("lambda").invoke(FunctionName=REPORT[1], Payload=event)
    said = answer["Payload"].read().decode()
    return said if answer.get("FunctionError") else ""


@pytest.mark.parametrize(
    ("place", "sid", "action"),
    [
        (EXTENSION, "ReadParametersOfShares", "ssm:GetParameter"),
        (EXTENSION, "WriteParameters", "ssm:PutParameter"),
        (REPORT, "WriteParametersOfShares", "sts:AssumeRole"),
        (REPORT, "FindNewestImage", "imagebuilder:ListImagePipelineImages"),
    ],
)
def test_without_a_statement_a_parameter_stays_unwritten_and_aws_says_why(
    shared: Shared, place: tuple[str, str, str], sid: str, action: str
) -> None:
    ssm = shared.world.client("ssm", TEST)
    ssm.delete_parameter(Name=FURTHER)
    with without(shared.world, *place, sid):
        assert action in reported(shared)
        assert FURTHER not in values(shared.world, TEST)
    assert reported(shared) == ""
    assert values(shared.world, TEST)[FURTHER] == (shared.ami, "aws:ec2:image")


def test_a_template_whose_account_refuses_fails_the_image_and_a_retry_completes_it(
    shared: Shared, templates: dict[str, str]
) -> None:
    world = shared.world
    builder = world.client("imagebuilder")
    place = (PRODUCTION, DISTRIBUTION_ROLE, f"golden-ami-{PRODUCT}-distribution")
    pipeline = world.session.files.names(PRODUCT).pipeline_arn

    def ended(arn: str) -> dict[str, Any]:
        return until(lambda: _ended(builder.get_image(imageBuildVersionArn=arn)["image"]), f"the end of {arn}")

    with without(world, *place, "UpdateLaunchTemplates"):
        arn = builder.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"]
        state = ended(arn)["state"]
        assert state["status"] == "FAILED"
        assert "ec2:CreateLaunchTemplateVersion" in state["reason"]
        assert default_image(world, PRODUCTION, templates[PRODUCTION]) == shared.ami
    builder.retry_image(imageBuildVersionArn=arn)
    image = ended(arn)
    assert image["state"]["status"] == "AVAILABLE"
    newest = image["outputResources"]["amis"][0]["image"]
    assert default_image(world, PRODUCTION, templates[PRODUCTION]) == newest
    # An event of the first image that comes once more now does not go back to it.
    assert reported(shared) == ""
    assert values(world, TEST)[FURTHER][0] == newest


def _ended(image: dict[str, Any]) -> dict[str, Any] | None:
    return image if image["state"]["status"] in ENDED else None
