"""What a product starts from, looked up before anything is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi_aws as aws
import pytest
from pulumi.runtime import mocks

from components.base_image import resolved
from model.files.base_image import BaseImage
from model.files.loading import StackFile
from model.files.problems import FileError
from model.files.product import Product
from tests.components.conftest import Recorder, run

AMAZON_LINUX = "al2023-ami-2023.*-x86_64"
FOUND = "ami-0123456789abcdef0"
OWNER = "137112412989"
FILE = StackFile("stacks/Pulumi.ledger.yaml", {}, None)

Resolve = Callable[[dict[str, Any]], tuple[Product, list[mocks.MockCallArgs]]]


class Hub(Recorder):
    """A hub that holds parameters and AMIs by their ids, and the one that is the newest of its owner."""

    def __init__(self, parameters: Mapping[str, str], images: Mapping[str, Any], newest: str | None) -> None:
        super().__init__()
        self.parameters, self.images, self.newest = parameters, images, newest
        self.asked: list[mocks.MockCallArgs] = []

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.asked.append(args)
        if args.token == "aws:ssm/getParameter:getParameter":
            value = self.parameters.get(args.args["name"])
            return ({"value": value}, []) if value else ({}, [("name", "ParameterNotFound")])
        filters = {entry["name"]: entry["values"] for entry in args.args["filters"]}
        ami_id = filters.get("image-id", [self.newest])[0]
        if ami_id not in self.images:
            return {}, [("filters", "Your query returned no results.")]
        return {"imageId": ami_id, **self.images[ami_id]}, []


def image(**facts: Any) -> dict[str, Any]:
    devices = [{"deviceName": "/dev/xvda", "ebs": {"volume_size": "8"}}, {"deviceName": "/dev/sdb", "ebs": {}}]
    known = {"architecture": "x86_64", "platform": "", "rootDeviceName": "/dev/xvda", "blockDeviceMappings": devices}
    return {**known, "ownerId": OWNER, "imageOwnerAlias": "", **facts}


@pytest.fixture
def hub(ledger: Product) -> Callable[..., Resolve]:
    """Resolves ledger with another base against what a hub holds."""

    def holding(
        parameters: Mapping[str, str] | None = None,
        images: Mapping[str, Any] | None = None,
        newest: str | None = None,
    ) -> Resolve:
        def resolve(base: dict[str, Any]) -> tuple[Product, list[mocks.MockCallArgs]]:
            product = ledger.model_copy(update={"base_image": BaseImage.model_validate(base)})
            found: list[Product] = []
            told: list[FileError] = []

            def program() -> None:
                try:
                    found.append(resolved(product, aws.Provider("hub", region="us-east-1"), FILE))
                except FileError as error:
                    told.append(error)

            recorder = run(program, Hub(parameters or {}, images or {}, newest))
            if told:
                raise told[0]
            assert isinstance(recorder, Hub)
            return found[0], recorder.asked

        return resolve

    return holding


def test_the_newest_ami_of_its_owner_becomes_the_recipes_parent(hub: Callable[..., Resolve]) -> None:
    base = {"newest": {"owner": "137112412989", "name": AMAZON_LINUX}}
    product, (asked,) = hub(images={FOUND: image()}, newest=FOUND)(base)
    assert product.base_image.parent_image == FOUND
    assert asked.args["owners"] == ["137112412989"]
    assert asked.args["mostRecent"] is True
    assert {entry["name"]: entry["values"] for entry in asked.args["filters"]} == {
        "name": [AMAZON_LINUX],
        "architecture": ["x86_64"],
        "state": ["available"],
    }


def test_where_no_ami_fits_that_is_told_with_the_field_and_what_was_looked_for(hub: Callable[..., Resolve]) -> None:
    with pytest.raises(FileError) as raised:
        hub()({"newest": {"owner": "self", "name": AMAZON_LINUX}})
    told = str(raised.value)
    assert told.startswith("stacks/Pulumi.ledger.yaml: baseImage.newest: no AMI of self is called 'al2023-ami-2023.*")
    assert "and for x86_64" in told
    assert "Your query returned no results." in told
    assert told.endswith("correct owner, name or architecture")


def test_an_ami_that_is_not_there_is_told(hub: Callable[..., Resolve]) -> None:
    with pytest.raises(FileError, match=f"baseImage.amiId: the hub's build Region shows no AMI {FOUND}"):
        hub()({"amiId": FOUND})


@pytest.mark.parametrize(
    ("base", "parameter"),
    [
        ({"ssmParameter": "/own/base"}, "/own/base"),
        ({"ssmParameter": "/aws/service/eks/x/recommended"}, "/aws/service/eks/x/recommended/image_id"),
        ({"product": "hardened-linux"}, "/golden-ami/hardened-linux/stable"),
        ({"amiId": FOUND}, None),
        ({"newest": {"owner": "amazon", "name": AMAZON_LINUX}}, None),
    ],
)
def test_whatever_the_base_its_facts_are_held_against_the_file(
    hub: Callable[..., Resolve], base: dict[str, Any], parameter: str | None
) -> None:
    holding = {"parameters": {parameter: FOUND} if parameter else {}, "newest": FOUND}
    assert hub(images={FOUND: image()}, **holding)(base)[0].base_image.parent_image
    with pytest.raises(FileError, match=f"rootVolume.device: .* the base image {FOUND} boots from '/dev/sda1'"):
        hub(images={FOUND: image(rootDeviceName="/dev/sda1")}, **holding)(base)


@pytest.mark.parametrize(
    ("facts", "owner"),
    [
        ({}, OWNER),
        ({"imageOwnerAlias": "amazon"}, "amazon"),
        ({"imageOwnerAlias": "aws-marketplace"}, "aws-marketplace"),
        ({"imageOwnerAlias": "self"}, OWNER),
    ],
)
@pytest.mark.parametrize("base", [{"amiId": FOUND}, {"newest": {"owner": "self", "name": AMAZON_LINUX}}])
def test_whose_an_ami_is_comes_from_ec2(
    hub: Callable[..., Resolve], base: dict[str, Any], facts: dict[str, Any], owner: str
) -> None:
    product, _ = hub(images={FOUND: image(**facts)}, newest=FOUND)(base)
    assert product.base_image.owner == owner


def test_whose_a_parameters_ami_is_now_says_nothing_of_the_next(hub: Callable[..., Resolve]) -> None:
    product, _ = hub(parameters={"/own/base": FOUND}, images={FOUND: image()})({"ssmParameter": "/own/base"})
    assert (product.base_image.owner, product.base_image.parent_image) == ("", "ssm:/own/base")


@pytest.mark.parametrize("base", [{"amiId": FOUND}, {"ssmParameter": "/own/base"}, {"newest": {"owner": "amazon"}}])
def test_no_ami_is_looked_up_among_everybodys_by_its_name(hub: Callable[..., Resolve], base: dict[str, Any]) -> None:
    if "newest" in base:
        base = {"newest": {**base["newest"], "name": AMAZON_LINUX}}
    _, asked = hub(parameters={"/own/base": FOUND}, images={FOUND: image()}, newest=FOUND)(base)
    (sought,) = [each.args for each in asked if each.token == "aws:ec2/getAmi:getAmi"]
    assert sought.get("owners") == ["amazon"] or [each["name"] for each in sought["filters"]] == ["image-id"]


def test_a_parameter_that_is_not_there_yet_leaves_the_product_as_it_is(hub: Callable[..., Resolve]) -> None:
    product, asked = hub()({"product": "hardened-linux"})
    assert product.base_image.parent_image == "ssm:/golden-ami/hardened-linux/stable"
    assert [each.token for each in asked] == ["aws:ssm/getParameter:getParameter"]


@pytest.mark.parametrize(
    ("value", "message"),
    [("latest", "/own/base holds 'latest', which is no AMI id"), (FOUND, f"/own/base holds {FOUND}: the hub's build")],
)
def test_a_parameter_that_holds_no_ami_is_told(hub: Callable[..., Resolve], value: str, message: str) -> None:
    with pytest.raises(FileError) as raised:
        hub(parameters={"/own/base": value})({"ssmParameter": "/own/base"})
    assert f"baseImage.ssmParameter: {message}" in str(raised.value)
