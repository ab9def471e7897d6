"""Whose images a recipe may start from."""

from __future__ import annotations

from typing import Any

import pytest

from model.names import TAG_BASE_OWNER
from policies.rules import imagebuilder
from policies.rules.configuration import Configuration
from policies.rules.places import Place
from policies.rules.rule import Resource
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, of

HUB, TARGET, VENDOR, STRANGER = "111111111111", "222222222222", "444444444444", "999999999999"
LANDING_ZONE = Configuration(frozenset((HUB, TARGET)))
WITH_VENDOR = Configuration(frozenset((HUB, TARGET)), image_owners=frozenset((VENDOR,)))
AMI = "ami-0123456789abcdef0"
IMAGE = "arn:aws:imagebuilder:us-east-1:{}:image/base/x.x.x"
PARAMETER = "ssm:arn:aws:ssm:us-east-1:{}:parameter/team/base"


def judged(parent: Any, tags: Any = None, configuration: Configuration = LANDING_ZONE, account: str = HUB) -> str:
    stated = {"parentImage": parent, "tags": tags}
    properties = {name: value for name, value in stated.items() if value is not None}
    recipe = Resource(imagebuilder.RECIPE, "tested", properties, place=Place(account, "us-east-1"))
    return of(imagebuilder.scope_base_owner.findings(recipe, configuration))


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", KEPT),
        ("ssm:arn:aws:ssm:us-east-1::parameter/aws/service/ami-windows-latest/Windows_Server-2022", KEPT),
        ("ssm:/golden-ami/hardened-linux/stable", KEPT),
        ("ssm:base", KEPT),
        (PARAMETER.format(TARGET), KEPT),
        (IMAGE.format("aws"), KEPT),
        (IMAGE.format("aws-marketplace"), KEPT),
        (IMAGE.format(HUB), KEPT),
        ("prod-0123456789abc", KEPT),
        (PARAMETER.format(STRANGER), BROKEN),
        (f"ssm:arn:aws:ssm:us-east-1:{STRANGER}:parameter/aws/service/ami-amazon-linux-latest/x", BROKEN),
        ("ssm:arn:aws:ssm:us-east-1::parameter/team/base", BROKEN),
        (IMAGE.format(STRANGER), BROKEN),
        (IMAGE.format("aws-stranger"), BROKEN),
        (IMAGE.format(HUB).replace(":image/", ":component/"), BROKEN),
        ("ssm:", BROKEN),
        ("base", BROKEN),
        ("", BROKEN),
        (None, BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_a_parameter_and_an_image_of_image_builders_say_whose_they_are(parent: Any, expected: str) -> None:
    assert judged(parent) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({TAG_BASE_OWNER: HUB}, KEPT),
        ({TAG_BASE_OWNER: VENDOR, "owner": STRANGER}, KEPT),
        ({TAG_BASE_OWNER: "amazon"}, KEPT),
        ({TAG_BASE_OWNER: "aws-marketplace"}, KEPT),
        ({TAG_BASE_OWNER: "self"}, BROKEN),
        ({TAG_BASE_OWNER: "all"}, BROKEN),
        ({TAG_BASE_OWNER: ""}, BROKEN),
        ({TAG_BASE_OWNER: f"{HUB}1"}, BROKEN),
        ({TAG_BASE_OWNER: "*"}, BROKEN),
        ({"owner": HUB}, BROKEN),
        ({}, BROKEN),
        (None, BROKEN),
        (UNKNOWN, PENDING),
        ({TAG_BASE_OWNER: UNKNOWN}, PENDING),
    ],
)
def test_an_ami_needs_a_tag_that_says_whose_it_is(tags: Any, expected: str) -> None:
    assert judged(AMI, tags) == expected


@pytest.mark.parametrize(
    ("parent", "tags", "expected"),
    [
        (AMI, {TAG_BASE_OWNER: VENDOR}, KEPT),
        (AMI, {TAG_BASE_OWNER: TARGET}, KEPT),
        (AMI, {TAG_BASE_OWNER: "amazon"}, KEPT),
        (IMAGE.format(VENDOR), None, KEPT),
        (PARAMETER.format(VENDOR), None, KEPT),
        (AMI, {TAG_BASE_OWNER: STRANGER}, BROKEN),
        (IMAGE.format(STRANGER), None, BROKEN),
    ],
)
def test_where_further_owners_are_named_nobody_elses_image_is_built_on(parent: str, tags: Any, expected: str) -> None:
    assert judged(parent, tags, WITH_VENDOR) == expected
    assert judged(parent, tags, Configuration.of({"accounts": [HUB, TARGET], "imageOwners": [VENDOR]})) == expected


def test_a_pack_that_knows_no_account_still_wants_an_owner_named() -> None:
    nothing = Configuration()
    assert judged(IMAGE.format(STRANGER), configuration=nothing) == KEPT
    assert judged("ssm:/team/base", configuration=nothing, account="") == KEPT
    assert judged(AMI, configuration=nothing) == BROKEN
    assert judged("base", configuration=nothing) == BROKEN
    assert judged(IMAGE.format(STRANGER), configuration=Configuration(image_owners=frozenset((VENDOR,)))) == BROKEN


def test_a_parameter_by_its_name_lies_in_the_recipes_account() -> None:
    assert judged("ssm:/team/base", account=TARGET) == KEPT
    assert judged("ssm:/team/base", account=STRANGER) == BROKEN


def test_the_program_and_the_pack_write_and_read_the_same_tag() -> None:
    assert imagebuilder.OWNER_TAG == TAG_BASE_OWNER
