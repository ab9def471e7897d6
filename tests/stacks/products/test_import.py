"""The seed's examples of AWS's golden AMI sample, put together: imported, previewed and built on the local cloud."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands.importing import Import, Request, import_configuration
from tests.sample.configurations import ACCOUNTS, DOCUMENTS, SAMPLE, Project, whole
from tests.stacks.engine_runs import on_stack
from tests.stacks.world import World, prepared

pytestmark = pytest.mark.stack

HUB = "111111111111"
PRODUCT = "imported"
BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
BUCKET = "golden-ami-component-nk"


def configuration() -> dict[str, Any]:
    """The seed's examples without the scan, which needs Inspector in the hub: `test_scans.py` turns it on."""
    return {**whole(), "inspector_validation": False}


@dataclass
class Imported:
    """The product that the configuration became, on the local cloud."""

    world: World
    done: Import

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe that the pipeline builds from."""
        builder = self.world.client("imagebuilder")
        arn = f"arn:aws:imagebuilder:us-east-1:{HUB}:image-pipeline/golden-ami-{PRODUCT}"
        recipe = builder.get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]["imageRecipeArn"]
        return builder.get_image_recipe(imageRecipeArn=recipe)["imageRecipe"]


@pytest.fixture(scope="module")
def imported(world: World, tmp_path_factory: pytest.TempPathFactory) -> Generator[Imported]:
    """The imported product, deployed; its base is a parameter of the hub's own, as in the seed."""
    ssm = world.client("ssm")
    image = ssm.get_parameter(Name=BASE)["Parameter"]["Value"]
    ssm.put_parameter(Name="/golden/ami", Value=image, Type="String", DataType="aws:ec2:image")
    sample = Project.made(tmp_path_factory.mktemp("sample"))
    sample.config.write_text(json.dumps(configuration()), encoding="utf-8")
    done = import_configuration(Request(world.project, PRODUCT, sample.config, accounts=ACCOUNTS))
    done.write()
    file = world.project / "stacks" / f"Pulumi.{PRODUCT}.yaml"
    world.add_product(PRODUCT, file.read_text(encoding="utf-8"))
    world.up(PRODUCT)
    yield Imported(world, done)
    file.unlink()
    shutil.rmtree(world.project / "stacks" / PRODUCT)
    # The hub's deployment role is as it was.
    world.session = prepared(world.project, world.session.folder, world.session.report, world.session.cloud)


def test_the_seeds_configuration_builds_an_image_in_its_accounts(imported: Imported, tmp_path: Path) -> None:
    world, recipe = imported.world, imported.recipe
    assert (recipe["parentImage"], recipe["version"]) == ("ssm:/golden/ami", "3.1.6")
    assert [entry["componentArn"].split("/")[1].removeprefix("golden-ami-") for entry in recipe["components"]] == [
        "imported-update-os",
        "imported-build1",
        "update-linux",
        "imported-build2",
        "imported-install-scripts",
        "imported-clean-up",
        "imported-test2",
        "reboot-test-linux",
        "imported-test-boots-again",
    ]
    (tmp_path / "install.sh").write_text("echo installed\n", encoding="utf-8")
    ended = world.image(PRODUCT, tmp_path).build()
    assert ended.available, ended.reason
    assert {(copy.account, copy.region) for copy in ended.copies} >= {
        ("222222222222", "us-east-1"),
        ("333333333333", "us-east-1"),
    }
    for copy in ended.copies:
        (image,) = world.client("ec2", copy.account).describe_images(ImageIds=[copy.ami])["Images"]
        tags = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
        assert tags["Name"].startswith("golden-ami-nk-amf-dev-2")
        assert (tags["cnf_name"], tags["golden_ami"]) == ("amf", "true")
        (volume,) = [mapping["Ebs"] for mapping in image["BlockDeviceMappings"]]
        assert (volume["VolumeSize"], volume["VolumeType"], volume["Encrypted"]) == (3072, "gp2", True)
        assert volume["DeleteOnTermination"] is False


def test_the_same_documents_in_a_bucket_change_nothing_and_an_unsafe_bucket_is_refused(
    imported: Imported, tmp_path: Path
) -> None:
    world = imported.world
    config: dict[str, Any] = {**configuration(), "ami_component_bucket_create": False}
    # A document of the bucket is called after its key, a copied one after its step.
    config["Component_Config"]["Test"][0]["file"] = f"{DOCUMENTS}/test2.yaml"
    done = Project.made(tmp_path).imported(config, product=PRODUCT)
    world.add_product(PRODUCT, done.files[Path("stacks", f"Pulumi.{PRODUCT}.yaml")])
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET)

    def upload() -> None:
        for name, source in (("build1", "build1"), ("build2", "build2"), ("test2", "test1")):
            content = (SAMPLE / DOCUMENTS / f"{source}.yaml").read_bytes()
            s3.put_object(Bucket=BUCKET, Key=f"{DOCUMENTS}/{name}.yaml", Body=content)

    upload()
    said = on_stack(world, PRODUCT, "preview", code=1)
    assert f"components.build.0.bucketDocument: is kept without versions in {BUCKET}" in said
    # S3 has encrypted by itself since 2023; older objects, and a bucket here, may lack it.
    assert f"components.test.0.bucketDocument: is not encrypted in {BUCKET}" in said
    assert "Traceback" not in said
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    upload()
    assert "unchanged" in on_stack(world, PRODUCT, "preview", "--expect-no-changes")
