"""A product that starts from another product's image."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.documents import PolicyDocument
from model.files.base_products import check_base_product
from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, load_landing_zone, load_product, stack_path
from model.files.problems import FileError
from model.files.product import Product
from model.pipeline_policies import execution_policy

REPOSITORY = Path(__file__).parents[3]


class Project:
    """A folder of stack files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stacks").mkdir()
        shutil.copy(stack_path(REPOSITORY, "landing-zone"), folder / "stacks")
        self.landing_zone = load_landing_zone(stack_path(folder, "landing-zone"))

    def product(self, name: str, base: dict[str, Any] | None = None, **changed: Any) -> None:
        values: dict[str, Any] = {
            "name": name,
            "description": f"Hosts of {name}",
            "operatingSystem": "linux",
            "baseImage": base or {"amiId": "ami-0123456789abcdef0"},
            "entryScript": "install.sh",
            **changed,
        }
        text = yaml.safe_dump({"config": {PRODUCT_KEY: values}}, sort_keys=False)
        stack_path(self.folder, name).write_text(text, encoding="utf-8")

    def check(self, name: str) -> None:
        product = load_product(stack_path(self.folder, name), self.landing_zone)
        check_base_product(product, self.landing_zone, self.folder)

    def told(self, name: str) -> str:
        with pytest.raises(FileError) as raised:
            self.check(name)
        return str(raised.value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_chain_of_products_may_start_from_each_other(project: Project) -> None:
    project.product("base")
    project.product("middle", {"product": "base"}, distribution=[{"region": "us-east-1"}, {"region": "eu-west-1"}])
    project.product("top", {"product": "middle"})
    project.check("top")
    product = load_product(stack_path(project.folder, "top"), project.landing_zone)
    assert product.base_image.parent_image == "ssm:/golden-ami/middle/stable"


def test_a_product_that_is_not_there_is_told_with_its_line(project: Project) -> None:
    project.product("top", {"product": "base"})
    told = project.told("top")
    assert "Pulumi.top.yaml:7: baseImage.product: there is no product 'base'" in told


def test_what_the_bases_own_file_says_of_its_image_is_held_against_the_product(project: Project) -> None:
    arm = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    volumes = [{"device": "/dev/sdf", "size": 20}]
    ubuntu = {"device": "/dev/sda1", "size": 40}
    project.product("base", {"ssmParameter": arm}, rootVolume=ubuntu, dataVolumes=volumes)
    project.product("top", {"product": "base"}, rootVolume={"device": "/dev/sda1"}, instanceTypes=["m5.large"])
    told = project.told("top")
    assert "instanceTypes.0: 'm5.large' with x86_64 processors, and the base image base is for arm64" in told
    assert "rootVolume.size: is 30 GiB, and the snapshot of the base image base has 40 GiB; state 40 or more" in told
    assert "dataVolumes: has no '/dev/sdf', which the base image base brings with 20 GiB" in told
    project.product("top", {"product": "base"}, rootVolume=ubuntu, dataVolumes=volumes, instanceTypes=["m7g.large"])
    project.check("top")


def test_products_that_start_from_each_other_in_a_circle_are_told(project: Project) -> None:
    project.product("one", {"product": "two"})
    project.product("two", {"product": "one"})
    assert "'one' starts from 'two' starts from 'one': start one of them from elsewhere" in project.told("one")


def test_a_base_for_another_system_is_told(project: Project) -> None:
    project.product("base", operatingSystem="windows", entryScript="install.ps1")
    project.product("top", {"product": "base"})
    assert "'base' is for Windows, and this product for Linux; choose another product" in project.told("top")


@pytest.mark.parametrize(
    "distribution",
    [
        [{"region": "us-east-1", "accounts": ["workloads-test"]}],
        [{"region": "eu-west-1"}],
    ],
)
def test_a_base_that_leaves_no_image_where_it_is_needed_is_told(project: Project, distribution: Any) -> None:
    project.product("base", distribution=distribution)
    project.product("top", {"product": "base"})
    assert "'base' leaves no image in the hub's us-east-1; give its distribution an entry" in project.told("top")


def test_two_sources_of_a_base_are_refused(project: Project) -> None:
    project.product("top", {"product": "base", "ssmParameter": "/base"})
    with pytest.raises(FileError, match="state exactly one of ssmParameter, amiId, product and newest"):
        project.check("top")


def statements(policy: PolicyDocument) -> dict[str, Any]:
    return {entry["Sid"]: entry for entry in policy.as_dict()["Statement"]}


def test_the_pipeline_uses_the_bases_key_by_its_alias_and_no_other(project: Project) -> None:
    project.product("base")
    project.product("top", {"product": "base"})
    product = load_product(stack_path(project.folder, "top"), project.landing_zone)
    names, plan = product.names(project.landing_zone), product.plan(project.landing_zone)
    keys = ("arn:aws:kms:us-east-1:111111111111:key/own",)
    found = statements(execution_policy(names, plan, keys, product.base_image.product))
    for sid in ("UseBaseImageKey", "GrantBaseImageKey"):
        aliases = found[sid]["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"]
        assert aliases == "alias/golden-ami/base/image"
        assert found[sid]["Resource"] == "arn:aws:kms:us-east-1:111111111111:key/*"
    assert found["GrantBaseImageKey"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    assert "UseBaseImageKey" not in statements(execution_policy(names, plan, keys))


@pytest.mark.parametrize(
    ("parameter", "base", "read"),
    [
        (None, None, []),
        ("/team/base", None, ["arn:aws:ssm:us-east-1:111111111111:parameter/team/base"]),
        (None, "ledger", ["arn:aws:ssm:us-east-1:111111111111:parameter/golden-ami/ledger/stable"]),
    ],
)
def test_of_the_hubs_parameters_only_what_names_the_base_image_is_read(
    ledger: Product, landing_zone: LandingZone, parameter: str | None, base: str | None, read: list[str]
) -> None:
    plan = replace(ledger.plan(landing_zone), base_parameter=parameter)
    policy = execution_policy(ledger.names(landing_zone), plan, ("arn:aws:kms:us-east-1:111111111111:key/0",), base)
    public = "arn:aws:ssm:us-east-1::parameter/aws/service/*"
    assert statements(policy)["ReadBaseImage"]["Resource"] == ([public, *read] if read else public)
