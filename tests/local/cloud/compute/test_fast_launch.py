"""Fast launch of Windows images, with what the execution role of a product may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from model.distribution import DistributionPlan, RegionTarget
from model.names import ProductNames
from model.pipeline_policies import execution_policy
from tests.local.cloud.served_cloud import HOME, HUB, Role, ServedCloud, refusal, serving
from tests.stacks.waiting import until

WINDOWS = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"
LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
PLAN = DistributionPlan(HUB, HOME, (RegionTarget(HOME, ()),), (), fast_launch=True)
NAMES = ProductNames("desktop", HUB, HOME)
CREATED_BY = [{"Key": "CreatedBy", "Value": "EC2 Image Builder"}]


@dataclass
class Desktop:
    """A hub with a key and images under it that Image Builder made."""

    cloud: ServedCloud
    key: str

    def image(self, parameter: str) -> str:
        ec2 = self.cloud.client("ec2")
        base = self.cloud.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
        device = ec2.describe_images(ImageIds=[base])["Images"][0]["RootDeviceName"]
        mapping = {"DeviceName": device, "Ebs": {"Encrypted": True, "KmsKeyId": self.key}}
        launch: Any = {"ImageId": base, "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1}
        instance = ec2.run_instances(**launch, BlockDeviceMappings=[mapping])["Instances"][0]["InstanceId"]

        def runs() -> bool:
            found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
            return found["State"]["Name"] == "running"

        until(runs, "the instance runs")
        tags = [{"ResourceType": "image", "Tags": CREATED_BY}]
        made = ec2.create_image(InstanceId=instance, Name=self.cloud.name("image"), TagSpecifications=tags)
        return made["ImageId"]

    def role(self, without: str = "") -> Role:
        policy = execution_policy(NAMES, PLAN, (self.key,)).as_dict()
        return self.cloud.role(HUB, *(each for each in policy["Statement"] if each["Sid"] != without))


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with serving(tmp_path_factory.mktemp("cloud")) as cloud:
        yield Desktop(cloud, cloud.key())


@pytest.mark.parametrize(
    ("without", "action"),
    [
        ("EnableFastLaunch", "ec2:EnableFastLaunch"),
        ("CreateFastLaunchRole", "iam:CreateServiceLinkedRole"),
        ("GrantImageKeys", "kms:CreateGrant"),
    ],
)
def test_without_a_statement_of_its_own_the_execution_role_cannot_enable_it(
    desktop: Desktop, without: str, action: str
) -> None:
    image = desktop.image(WINDOWS)
    ec2 = desktop.cloud.client("ec2", desktop.role(without))
    _, message = refusal(lambda: ec2.enable_fast_launch(ImageId=image, MaxParallelLaunches=6))
    assert action in message
    assert desktop.cloud.client("ec2").describe_fast_launch_images(ImageIds=[image])["FastLaunchImages"] == []
    if without == "GrantImageKeys":
        # What AWS makes for the account stays, so the next test needs no right to make it.
        desktop.cloud.client("iam").get_role(RoleName="AWSServiceRoleForEC2FastLaunch")


def test_enabled_by_the_execution_role_it_is_told_until_it_is_disabled(desktop: Desktop) -> None:
    image, ec2 = desktop.image(WINDOWS), desktop.cloud.client("ec2")
    snapshots = {"TargetResourceCount": 2}
    answer = desktop.cloud.client("ec2", desktop.role()).enable_fast_launch(
        ImageId=image, MaxParallelLaunches=7, SnapshotConfiguration=snapshots
    )
    assert (answer["State"], answer["OwnerId"]) == ("enabling", HUB)

    def enabled() -> Any:
        wanted = [{"Name": "state", "Values": ["enabled"]}]
        return ec2.describe_fast_launch_images(ImageIds=[image], Filters=wanted)["FastLaunchImages"]

    (shown,) = until(enabled, "the snapshots are ready")
    assert (shown["ImageId"], shown["MaxParallelLaunches"], shown["SnapshotConfiguration"]) == (image, 7, snapshots)
    grants = desktop.cloud.client("kms").list_grants(KeyId=desktop.key)["Grants"]
    assert any(grant["GranteePrincipal"].endswith("/AWSServiceRoleForEC2FastLaunch") for grant in grants)
    assert ec2.disable_fast_launch(ImageId=image)["State"] == "disabling"
    assert ec2.describe_fast_launch_images()["FastLaunchImages"] == []
    assert refusal(lambda: ec2.disable_fast_launch(ImageId=image))[0] == "InvalidRequest"


def test_it_is_for_windows_with_six_launches_at_least_and_a_template_that_is_there(desktop: Desktop) -> None:
    ec2, windows = desktop.cloud.client("ec2"), desktop.image(WINDOWS)
    linux = desktop.image(LINUX)
    assert "Windows" in refusal(lambda: ec2.enable_fast_launch(ImageId=linux))[1]
    code, message = refusal(lambda: ec2.enable_fast_launch(ImageId=windows, MaxParallelLaunches=5))
    assert (code, "6 or greater" in message) == ("InvalidParameterValue", True)
    template = {"LaunchTemplateId": "lt-00000000000000000", "Version": "1"}
    code, _ = refusal(lambda: ec2.enable_fast_launch(ImageId=windows, LaunchTemplate=template))
    assert code.startswith("InvalidLaunchTemplateId")
