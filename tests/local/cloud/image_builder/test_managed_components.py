"""Amazon's components: every account uses them by ARN, and nobody changes them."""

from __future__ import annotations

from typing import Any

import pytest

from local.cloud.call import ServiceError
from local.cloud.image_builder.managed_components import managed_components

STEM = "arn:aws:imagebuilder:us-east-1:aws:component"
ARNS = [record["arn"] for record in managed_components("us-east-1")]


@pytest.mark.parametrize("arn", ARNS)
def test_every_one_is_found_by_its_arn_with_what_a_recipe_needs_to_know(builder: Any, arn: str) -> None:
    component = builder.call("GetComponent", componentBuildVersionArn=arn)["component"]
    assert component["arn"] == arn
    assert component["owner"] == "Amazon"
    assert component["platform"] == ("Windows" if "windows" in arn else "Linux")
    assert component["type"] == ("TEST" if "test" in arn else "BUILD")
    assert len({entry.get("defaultValue", [None])[0] is None for entry in component.get("parameters", [])}) < 2


@pytest.mark.parametrize(
    ("reference", "version"),
    [("x.x.x", "1.0.2"), ("1.0.x", "1.0.2"), ("1.0.1", "1.0.1"), ("1.0.1/1", "1.0.1")],
)
def test_a_wildcard_means_the_newest_that_fits(builder: Any, reference: str, version: str) -> None:
    found = builder.call("GetComponent", componentBuildVersionArn=f"{STEM}/update-linux/{reference}")["component"]
    assert found["version"] == version


@pytest.mark.parametrize("reference", ["update-linux/1.0.9", "update-linux/1.0.2/2", "update-solaris/x.x.x"])
def test_one_that_amazon_does_not_have_is_not_found(builder: Any, reference: str) -> None:
    with pytest.raises(ServiceError) as caught:
        builder.call("GetComponent", componentBuildVersionArn=f"{STEM}/{reference}")
    assert caught.value.code == "ResourceNotFoundException"


def test_they_are_listed_by_their_owner_only(builder: Any) -> None:
    own = builder.component("install")
    listed = {
        owner: [entry["arn"] for entry in builder.call("ListComponents", owner=owner)["componentVersionList"]]
        for owner in ("Self", "Amazon", "Shared", "ThirdParty")
    }
    assert listed["Self"] == [own.rpartition("/")[0]]
    assert listed["Amazon"] == [arn.rpartition("/")[0] for arn in ARNS]
    assert listed["Shared"] == listed["ThirdParty"] == []
    version = f"{STEM}/update-linux/1.0.2"
    builds = builder.call("ListComponentBuildVersions", componentVersionArn=version)["componentSummaryList"]
    assert [entry["arn"] for entry in builds] == [f"{version}/1"]


def test_a_recipe_names_them_with_values_that_they_know(builder: Any) -> None:
    recipe = builder.recipe(f"{STEM}/update-linux/x.x.x", f"{STEM}/reboot-test-linux/1.0.0")
    components = builder.call("GetImageRecipe", imageRecipeArn=recipe)["imageRecipe"]["components"]
    assert [entry["componentArn"] for entry in components] == [
        f"{STEM}/update-linux/x.x.x",
        f"{STEM}/reboot-test-linux/1.0.0",
    ]


def test_one_of_another_region_is_refused(builder: Any) -> None:
    arn = f"{STEM}/update-linux/x.x.x".replace("us-east-1", "eu-west-1")
    with pytest.raises(ServiceError, match=r"components\[0\]\.componentArn"):
        builder.recipe(arn)


def test_nobody_deletes_them(builder: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        builder.call("DeleteComponent", componentBuildVersionArn=ARNS[0])
    assert caught.value.code == "ResourceNotFoundException"
    assert builder.call("GetComponent", componentBuildVersionArn=ARNS[0])["component"]["arn"] == ARNS[0]


def test_a_build_runs_the_newest_version_that_fits(builder: Any) -> None:
    recipe = builder.recipe(f"{STEM}/update-linux/x.x.x")
    image = builder.ended(builder.start(builder.pipeline(recipe)))
    assert image["state"]["status"] == "AVAILABLE"
    lines = [line for lines in builder.cloud.logs.values() for line in lines]
    assert any(f"Document {STEM}/update-linux/1.0.2/1, phase build" in line for line in lines)
