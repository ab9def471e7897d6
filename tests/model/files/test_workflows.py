"""Workflows that a product's file states, and what is wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.landing_zone import LandingZone
from model.files.loading import PRODUCT_KEY, StackFile, validate
from model.files.problems import FileError
from model.files.product import Product
from model.files.product_rules import mismatches
from model.files.workflows import Workflow, completed

REGION = "us-east-1"
STEM = f"arn:aws:imagebuilder:{REGION}:111111111111:workflow"
AMAZON = f"arn:aws:imagebuilder:{REGION}:aws:workflow"
FILE = StackFile("stacks/Pulumi.web.yaml", {}, None)


def workflow(**values: Any) -> Workflow:
    return validate(Workflow, PRODUCT_KEY, {"arn": f"{STEM}/test/smoke/x.x.x", **values}, FILE)


@pytest.mark.parametrize(
    ("stated", "tests", "run"),
    [
        ([], True, [f"{AMAZON}/build/build-image/x.x.x", f"{AMAZON}/test/test-image/x.x.x"]),
        ([], False, [f"{AMAZON}/build/build-image/x.x.x"]),
        (["test/smoke/1.0.0/1"], True, [f"{AMAZON}/build/build-image/x.x.x", f"{STEM}/test/smoke/1.0.0/1"]),
        (["build/own/x.x.x"], True, [f"{STEM}/build/own/x.x.x", f"{AMAZON}/test/test-image/x.x.x"]),
        (
            ["test/smoke/x.x.x", "build/own/x.x.x", "test/load/x.x.x"],
            True,
            [f"{STEM}/build/own/x.x.x", f"{STEM}/test/smoke/x.x.x", f"{STEM}/test/load/x.x.x"],
        ),
    ],
)
def test_a_kind_of_which_none_is_stated_keeps_amazons(stated: list[str], tests: bool, run: list[str]) -> None:
    given = [workflow(arn=f"{STEM}/{name}") for name in stated]
    assert [one.arn for one in completed(given, REGION, tests=tests)] == run


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"arn": f"{STEM}/distribution/own/1.0.0"}, "arn: must match"),
        ({"arn": f"{STEM}/test/smoke"}, "arn: must match"),
        ({"onFailure": "ignore"}, "onFailure: input should be 'abort' or 'continue', got 'ignore'"),
        ({"parallelGroup": "two words"}, "parallelGroup: must match"),
        ({"parameters": {"size": 2}}, "parameters.size: must be text, got the number 2; quote it"),
        (
            {"arn": f"{STEM}/build/own/x.x.x", "onFailure": "continue", "parallelGroup": "a"},
            "onFailure: is for test workflows only; remove it",
        ),
        (
            {"arn": f"{STEM}/build/own/x.x.x", "onFailure": "continue", "parallelGroup": "a"},
            "parallelGroup: is for test workflows only; remove it",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_value(values: dict[str, Any], said: str) -> None:
    with pytest.raises(FileError) as refused:
        workflow(**values)
    assert said in str(refused.value)


def test_a_workflow_is_of_the_build_region(ledger: Product, landing_zone: LandingZone) -> None:
    foreign = workflow(arn=f"{STEM}/test/smoke/x.x.x".replace(REGION, "eu-west-1"))
    product = ledger.model_copy(update={"workflows": (workflow(), foreign)})
    (mismatch,) = mismatches(product, landing_zone)
    assert mismatch.location == ("workflows", 1, "arn")
    assert "is of Region eu-west-1, and images are built in us-east-1" in mismatch.message
