"""What an image starts from: the parent of the recipe, and the processors that run it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from model.files.base_image import Architecture, BaseImage, architecture_of
from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile, validate_product
from model.files.problems import FileError
from model.files.product import Product

AMAZON_LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
EKS = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended"


def base_image(parameter: str) -> BaseImage:
    return BaseImage.model_validate({"ssmParameter": parameter})


@pytest.mark.parametrize(
    ("parameter", "parent"),
    [
        (f"{AMAZON_LINUX}x86_64", f"ssm:{AMAZON_LINUX}x86_64"),
        (EKS, f"ssm:{EKS}/image_id"),
        (f"{EKS}/image_id", f"ssm:{EKS}/image_id"),
        (
            "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended",
            "ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
        ),
        ("/golden/base/recommended", "ssm:/golden/base/recommended"),
    ],
)
def test_a_parameter_is_passed_on_and_one_that_holds_json_by_the_id_in_it(parameter: str, parent: str) -> None:
    assert base_image(parameter).parent_image == parent


def test_an_ami_is_its_own_parent() -> None:
    assert BaseImage.model_validate({"amiId": "ami-0123456789abcdef0"}).parent_image == "ami-0123456789abcdef0"


@pytest.mark.parametrize(
    ("parameter", "architecture"),
    [
        (f"{AMAZON_LINUX}x86_64", Architecture.X86_64),
        (f"{AMAZON_LINUX}arm64", Architecture.ARM64),
        ("/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", Architecture.X86_64),
        (EKS, Architecture.X86_64),
        ("/aws/service/eks/optimized-ami/1.30/amazon-linux-2-arm64/recommended", Architecture.ARM64),
        ("/golden/base", None),
        ("/golden/charm64", None),
    ],
)
def test_a_parameter_s_name_may_tell_the_architecture(parameter: str, architecture: Architecture | None) -> None:
    assert base_image(parameter).architecture is architecture


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        *((arm, Architecture.ARM64) for arm in ("a1.large", "t4g.small", "m6gd.large", "c7gn.xlarge", "im4gn.large")),
        *((arm, Architecture.ARM64) for arm in ("is4gen.large", "g5g.xlarge", "hpc7g.4xlarge", "p6e-gb200.36xlarge")),
        *((x86, Architecture.X86_64) for x86 in ("m5.large", "g4dn.xlarge", "gr6.4xlarge", "m7i-flex.large")),
        *((x86, Architecture.X86_64) for x86 in ("u-6tb1.metal", "x2iedn.xlarge", "trn1.2xlarge", "p6-b200.48xlarge")),
        *((mac, None) for mac in ("mac1.metal", "mac2-m2.metal")),
    ],
)
def test_an_instance_type_s_name_tells_its_processors(instance_type: str, architecture: Architecture | None) -> None:
    assert architecture_of(instance_type) is architecture


def problems(landing_zone: LandingZone, **changed: Any) -> list[str]:
    """What is told of a product's file, without its place."""
    values: dict[str, Any] = {
        "name": "journal",
        "description": "Hosts of journal",
        "operatingSystem": "linux",
        "baseImage": {"ssmParameter": f"{AMAZON_LINUX}x86_64"},
        "entryScript": "install.sh",
        "subnet": "subnet-00000001",
        **changed,
    }
    text = yaml.safe_dump({"config": {PRODUCT_KEY: values}})
    try:
        validate_product(values, landing_zone, StackFile.parse(text, "stacks/Pulumi.journal.yaml"))
    except FileError as error:
        return [f"{problem.field}: {problem.message}" for problem in error.problems]
    return []


def test_types_that_the_base_image_cannot_use_are_told_each_by_its_place(landing_zone: LandingZone) -> None:
    assert problems(landing_zone, instanceTypes=["m5.large", "t4g.small", "mac1.metal"]) == [
        "instanceTypes.1: 't4g.small' has arm64 processors, and the base image is for x86_64; "
        "choose another type, or another base image",
        "instanceTypes.2: 'mac1.metal' is a Mac, which runs neither Linux nor Windows; choose another type",
    ]
    arm = {"ssmParameter": f"{AMAZON_LINUX}arm64"}
    assert problems(landing_zone, baseImage=arm, instanceTypes=["m7g.large"]) == []
    assert len(problems(landing_zone, baseImage=arm, instanceTypes=["m5.large"])) == 1


def test_where_nothing_tells_what_a_base_image_is_for_any_type_is_taken(landing_zone: LandingZone) -> None:
    own = {"ssmParameter": "/golden/base"}
    assert problems(landing_zone, baseImage=own, instanceTypes=["m5.large", "t4g.small"]) == []


def test_windows_runs_on_x86_64_only(landing_zone: LandingZone) -> None:
    windows = {
        "operatingSystem": "windows",
        "entryScript": "install.ps1",
        "baseImage": {"ssmParameter": "/golden/base"},
    }
    assert problems(landing_zone, **windows, instanceTypes=["m5.large"]) == []
    (told,) = problems(landing_zone, **windows, instanceTypes=["t4g.small"])
    assert told.startswith("instanceTypes.0: 't4g.small' has arm64 processors, and the base image is for x86_64")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [(f"{AMAZON_LINUX}x86_64", ("m5.large",)), (f"{AMAZON_LINUX}arm64", ("m7g.large",)), ("/own/image", ("m5.large",))],
)
def test_without_a_choice_a_build_runs_on_what_the_base_image_runs_on(
    ledger: Product, parameter: str, expected: tuple[str, ...]
) -> None:
    assert ledger.model_copy(update={"base_image": base_image(parameter)}).build_instance_types == expected


def newest(landing_zone: LandingZone, **stated: Any) -> list[str]:
    return problems(landing_zone, baseImage={"newest": {"owner": "amazon", "name": "al2023-ami-2023.*", **stated}})


def test_the_newest_ami_has_an_owner_and_a_name(landing_zone: LandingZone) -> None:
    for owner in ("137112412989", "amazon", "aws-marketplace", "self"):
        assert newest(landing_zone, owner=owner) == []
    assert newest(landing_zone, owner="anybody")[0].startswith("baseImage.newest.owner: must match")
    assert newest(landing_zone, name="al2023,*")[0].startswith("baseImage.newest.name: must match")
    assert problems(landing_zone, baseImage={"newest": {"name": "al2023-*"}}) == [
        "baseImage.newest.owner: is missing; add it"
    ]


@pytest.mark.parametrize(
    ("stated", "architecture"),
    [
        ({"name": "al2023-ami-2023.*-arm64"}, Architecture.ARM64),
        ({"name": "ubuntu-noble-24.04-amd64-server-*"}, Architecture.X86_64),
        ({"name": "base-*", "architecture": Architecture.ARM64}, Architecture.ARM64),
        ({"name": "base-*"}, Architecture.X86_64),
    ],
)
def test_the_newest_ami_is_for_the_processors_that_the_file_or_its_name_tells(
    stated: dict[str, Any], architecture: Architecture
) -> None:
    base = BaseImage.model_validate({"newest": {"owner": "self", **stated}})
    assert base.architecture is architecture


def test_processors_that_contradict_the_name_are_told(landing_zone: LandingZone) -> None:
    assert newest(landing_zone, name="al2023-*-x86_64", architecture="arm64") == [
        "baseImage.newest.architecture: is 'arm64', and the name is for x86_64; state one of them only"
    ]


def test_the_newest_ami_is_no_parent_before_it_was_looked_up() -> None:
    base = BaseImage.model_validate({"newest": {"owner": "self", "name": "base-*"}})
    with pytest.raises(ValueError, match="'base-\\*' was not looked up"):
        _ = base.parent_image
    assert base.found("ami-0123456789abcdef0").parent_image == "ami-0123456789abcdef0"
