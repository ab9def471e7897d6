"""A product that starts from the newest of its hub's own images, with further volumes and given roles."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stacks.engine_runs import AT_ONCE, held_versions, on_stack
from tests.stacks.waiting import until

pytestmark = pytest.mark.stack

HUB, TARGET = "111111111111", "333333333333"
REGIONS = ("us-east-1", "eu-west-1")
PUBLIC = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
PIPELINE = f"arn:aws:imagebuilder:us-east-1:{HUB}:image-pipeline/golden-ami-atlas"
VALUES: dict[str, Any] = {
    "name": "atlas",
    "description": "Hosts of the atlas",
    "operatingSystem": "linux",
    "baseImage": {"newest": {"owner": "self", "name": "atlas-base-*"}},
    "entryScript": "install.sh",
    "rootVolume": {"size": 12},
    "dataVolumes": [{"device": "/dev/sdf", "size": 20}, {"device": "/dev/sdg", "size": 125, "type": "st1"}],
    "instanceProfile": {"name": "atlas-builders", "role": "builders/atlas-builder"},
    "executionRole": "builders/atlas-runner",
    "distribution": [{"region": region, "accounts": ["workloads-test"]} for region in REGIONS],
}


@pytest.fixture(scope="module")
def atlas(world: Any) -> Generator[Any]:
    world.add_product("atlas", yaml.safe_dump({"config": {"golden-ami:product": VALUES}}, sort_keys=False))
    yield world
    (world.project / "stacks" / "Pulumi.atlas.yaml").unlink()


def publish(world: Any, name: str) -> str:
    """A base image of the hub's own: Amazon's with one more volume."""
    ec2 = world.client("ec2")
    public = world.client("ssm").get_parameter(Name=PUBLIC)["Parameter"]["Value"]
    further = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 10}}]
    launched = ec2.run_instances(
        ImageId=public, InstanceType="m5.large", MinCount=1, MaxCount=1, BlockDeviceMappings=further
    )
    (instance,) = launched["Instances"]

    def state() -> str:
        (found,) = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"]
        return found["Instances"][0]["State"]["Name"]

    until(lambda: state() == "running", "the instance runs")
    image = ec2.create_image(InstanceId=instance["InstanceId"], Name=name)["ImageId"]
    until(lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available", "the image is there")
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    return image


def recipe(world: Any) -> dict[str, Any]:
    builder = world.client("imagebuilder")
    arn = builder.get_image_pipeline(imagePipelineArn=PIPELINE)["imagePipeline"]["imageRecipeArn"]
    return builder.get_image_recipe(imageRecipeArn=arn)["imageRecipe"]


def test_a_newest_base_that_nobody_published_is_told_and_nothing_is_made(atlas: Any) -> None:
    said = on_stack(atlas, "atlas", "preview", code=1)
    assert "Pulumi.atlas.yaml:" in said
    assert "baseImage.newest: no AMI of self is called 'atlas-base-*' and for x86_64" in said
    assert "Traceback" not in said
    assert held_versions(atlas, "golden-ami-atlas") == set()


def test_a_newer_base_moves_the_recipe_and_every_volume_is_encrypted_under_its_regions_key(
    atlas: Any, tmp_path: Path
) -> None:
    first = publish(atlas, "atlas-base-1")
    on_stack(atlas, "atlas", "up", *AT_ONCE)
    before = recipe(atlas)
    assert before["parentImage"] == first
    assert before["tags"]["golden-ami:base-owner"] == HUB
    (tmp_path / "install.sh").write_text("echo atlas > /opt/atlas\n", encoding="utf-8")
    ended = atlas.image("atlas", tmp_path).build()
    assert ended.available
    for region in REGIONS:
        key = atlas.client("kms", HUB, region).describe_key(KeyId="alias/golden-ami/atlas/image")["KeyMetadata"]["Arn"]
        ec2 = atlas.client("ec2", TARGET, region)
        (image,) = ec2.describe_images(
            Owners=["self"], Filters=[{"Name": "tag:golden-ami:product", "Values": ["atlas"]}]
        )["Images"]
        devices = {each["DeviceName"]: each["Ebs"] for each in image["BlockDeviceMappings"]}
        sizes = {device: (ebs["VolumeSize"], ebs["VolumeType"]) for device, ebs in devices.items()}
        assert sizes == {"/dev/xvda": (12, "gp3"), "/dev/sdf": (20, "gp3"), "/dev/sdg": (125, "st1")}
        snapshots = ec2.describe_snapshots(SnapshotIds=[ebs["SnapshotId"] for ebs in devices.values()])["Snapshots"]
        assert [snapshot["KmsKeyId"] for snapshot in snapshots] == [key] * 3
    second = publish(atlas, "atlas-base-2")
    on_stack(atlas, "atlas", "up", *AT_ONCE)
    after = recipe(atlas)
    assert after["parentImage"] == second
    assert int(after["version"].partition(".")[0]) == int(before["version"].partition(".")[0]) + 1
    on_stack(atlas, "atlas", "preview", "--expect-no-changes")
