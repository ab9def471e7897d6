"""What names an image: launch templates and license configurations, each changed by whom policies allow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud.auto_scaling.scaling_world import shared_image
from tests.local.cloud.served_cloud import HOME, HUB, TARGET, ServedCloud, refusal, serving, statement

TAGGED = {"StringEquals": {"aws:ResourceTag/CreatedBy": "EC2 Image Builder"}}
IMAGE = "ami-0123456789abcdef0"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


def template(cloud: ServedCloud, **tags: str) -> str:
    """A new launch template of the target."""
    made = cloud.client("ec2", TARGET).create_launch_template(
        LaunchTemplateName=cloud.name("template"),
        LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "m5.large"},
        TagSpecifications=[
            {"ResourceType": "launch-template", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


def versions(cloud: ServedCloud, template_id: str) -> dict[int, dict[str, Any]]:
    ec2 = cloud.client("ec2", TARGET)
    found = ec2.describe_launch_template_versions(LaunchTemplateId=template_id)["LaunchTemplateVersions"]
    return {one["VersionNumber"]: one for one in found}


def test_a_version_is_made_of_another_one_and_becomes_the_default_one_when_told(cloud: ServedCloud) -> None:
    ec2, template_id = cloud.client("ec2", TARGET), template(cloud)
    for source, image in (("$Default", "ami-1"), ("$Latest", "ami-2"), ("2", "ami-3")):
        ec2.create_launch_template_version(
            LaunchTemplateId=template_id, SourceVersion=source, LaunchTemplateData={"ImageId": image}
        )
    found = versions(cloud, template_id)
    assert [found[number]["LaunchTemplateData"]["ImageId"] for number in (1, 2, 3, 4)] == [
        IMAGE,
        "ami-1",
        "ami-2",
        "ami-3",
    ]
    assert {one["LaunchTemplateData"]["InstanceType"] for one in found.values()} == {"m5.large"}
    ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion="3")
    assert [number for number, one in versions(cloud, template_id).items() if one["DefaultVersion"]] == [3]


def test_a_role_changes_templates_with_the_tag_that_its_policy_asks_for_and_no_others(cloud: ServedCloud) -> None:
    change = statement(["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"], Condition=TAGGED)
    role = cloud.role(TARGET, change, statement("ec2:DescribeLaunchTemplates"))
    ec2 = cloud.client("ec2", role)
    tagged, plain = template(cloud, CreatedBy="EC2 Image Builder"), template(cloud)
    ec2.create_launch_template_version(
        LaunchTemplateId=tagged, SourceVersion="1", LaunchTemplateData={"ImageId": "ami-1"}
    )
    ec2.modify_launch_template(LaunchTemplateId=tagged, DefaultVersion="2")
    for call in (
        lambda: ec2.create_launch_template_version(LaunchTemplateId=plain, LaunchTemplateData={"ImageId": "ami-1"}),
        lambda: ec2.modify_launch_template(LaunchTemplateId=plain, DefaultVersion="1"),
        lambda: ec2.delete_launch_template(LaunchTemplateId=tagged),
        lambda: ec2.describe_launch_template_versions(LaunchTemplateId=tagged),
    ):
        assert refusal(call)[0] == "UnauthorizedOperation"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("describe_launch_templates", {"LaunchTemplateIds": ["lt-1"]}, "InvalidLaunchTemplateId.NotFound"),
        (
            "create_launch_template_version",
            {"LaunchTemplateId": "lt-1", "LaunchTemplateData": {"ImageId": IMAGE}},
            "InvalidLaunchTemplateId.NotFound",
        ),
        ("delete_launch_template", {"LaunchTemplateName": "none"}, "InvalidLaunchTemplateName.NotFoundException"),
    ],
)
def test_a_template_that_is_not_there_is_told_in_ec2s_words(
    cloud: ServedCloud, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert refusal(lambda: getattr(cloud.client("ec2", TARGET), operation)(**parameters))[0] == code


def test_a_version_that_is_not_there_is_neither_source_nor_default(cloud: ServedCloud) -> None:
    ec2, template_id = cloud.client("ec2", TARGET), template(cloud)
    asked: dict[str, Any] = {
        "LaunchTemplateId": template_id,
        "SourceVersion": "7",
        "LaunchTemplateData": {"ImageId": IMAGE},
    }
    missing = "InvalidLaunchTemplateId.VersionNotFound"
    assert refusal(lambda: ec2.create_launch_template_version(**asked))[0] == missing
    assert refusal(lambda: ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion="7"))[0] == missing


def test_an_ami_of_the_account_is_associated_with_its_license_configurations(cloud: ServedCloud) -> None:
    licenses = cloud.client("license-manager")
    arn = licenses.create_license_configuration(Name="database", LicenseCountingType="vCPU")["LicenseConfigurationArn"]
    assert licenses.get_license_configuration(LicenseConfigurationArn=arn)["Name"] == "database"
    image = f"arn:aws:ec2:{HOME}::image/{shared_image(cloud, None, HUB)}"
    added: dict[str, Any] = {"AddLicenseSpecifications": [{"LicenseConfigurationArn": arn}]}
    allowed = statement("license-manager:UpdateLicenseSpecificationsForResource", arn)
    for client in (licenses, cloud.client("license-manager", cloud.role(HUB, allowed))):
        client.update_license_specifications_for_resource(ResourceArn=image, **added)
    found = licenses.list_license_specifications_for_resource(ResourceArn=image)["LicenseSpecifications"]
    assert found == [{"LicenseConfigurationArn": arn}]
    other = cloud.role(HUB, statement("license-manager:UpdateLicenseSpecificationsForResource", arn + "-other"))
    refused = cloud.client("license-manager", other)
    for client, resource, code in (
        (refused, image, "AccessDeniedException"),
        (licenses, f"arn:aws:ec2:{HOME}::image/{IMAGE}", "InvalidParameterValueException"),
        (cloud.client("license-manager", TARGET), image, "InvalidParameterValueException"),
    ):
        found = refusal(
            lambda client=client, resource=resource: client.update_license_specifications_for_resource(
                ResourceArn=resource, **added
            )
        )
        assert found[0] == code
