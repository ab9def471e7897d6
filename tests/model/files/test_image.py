"""How AMIs are called and tagged, under AWS's rules."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.landing_zone import LandingZone
from model.files.problems import FileError
from tests.model.files.journal import journal

# The seed's own example of `amitag`.
SEED_TAGS = {
    "isv_name": "nk",
    "cnf_name": "amf",
    "env": "dev",
    "Name": "golden-ami-nk-amf-dev-{{imagebuilder:buildDate}}",
    "Date_Created": "{{imagebuilder:buildDate}}",
    "golden_ami": "true",
}


def test_the_seeds_tags_are_taken(landing_zone: LandingZone) -> None:
    assert journal(landing_zone, image={"tags": SEED_TAGS}).image.tags == SEED_TAGS


def test_a_name_may_hold_either_placeholder(landing_zone: LandingZone) -> None:
    for placeholder in ("{{ imagebuilder:buildDate }}", "{{imagebuilder:buildVersion}}"):
        assert journal(landing_zone, image={"name": f"web {placeholder}"}).image.name == f"web {placeholder}"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"image": {"name": "web"}}, "image.name: must hold a placeholder, got 'web'"),
        ({"image": {"name": "web-{{ buildDate }}"}}, "image.name: 'buildDate' is no placeholder of Image Builder"),
        ({"image": {"name": "web-{{ imagebuilder:buildDate }"}}, "image.name: has a brace without its partner"),
        ({"image": {"name": "w" * 100 + "{{ imagebuilder:buildDate }}"}}, "image.name: string should have at most 127"),
        ({"image": {"name": "web,{{ imagebuilder:buildDate }}"}}, "image.name: must match"),
        ({"image": {"description": ""}}, "image.description: "),
        (
            {"image": {"tags": {"Date": "{{ imagebuilder:date }}"}}},
            "image.tags.Date: 'imagebuilder:date' is no placeholder",
        ),
        (
            {"image": {"tags": {"CreatedBy": "us"}}},
            "image.tags.CreatedBy: 'CreatedBy' is set by AWS or by this program",
        ),
        ({"image": {"tags": {"golden-ami:product": "x"}}}, "image.tags.golden-ami:product: "),
        ({"image": {"tags": {"aws:x": "x"}}}, "image.tags.aws:x: "),
        ({"image": {"tags": {f"k{n}": "" for n in range(41)}}}, "image.tags: "),
        ({"tags": {"golden-ami:stack": "x"}}, "tags.golden-ami:stack: "),
        ({"tags": {f"k{n}": "" for n in range(30)}}, "tags: dictionary should have at most 29"),
    ],
)
def test_what_aws_would_refuse_is_told_with_its_place(
    landing_zone: LandingZone, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError) as raised:
        journal(landing_zone, **changed)
    assert told in str(raised.value)


def test_tags_beside_the_landing_zones_may_replace_them(landing_zone: LandingZone) -> None:
    shared = landing_zone.model_copy(update={"tags": {f"s{number}": "" for number in range(12)}})
    tags = {f"k{number}": "" for number in range(28)}
    assert len(journal(shared, tags={**tags, "s1": "replaced"}).tags) == 29
    with pytest.raises(FileError, match="tags: has 41 keys with the landing zone's, and 40 leave room"):
        journal(shared, tags={**tags, "k28": ""})


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"Owner": "x"}, r"tags\.Owner: is 'owner' of the landing zone in another case; write it alike"),
        ({"team": "x", "Team": "x"}, r"tags\.Team: 'Team' differs from 'team' in case only"),
        ({"AWS:x": "x"}, r"tags\.AWS:x: 'AWS:x' is set by AWS"),
        ({"équipe": "x"}, r"tags\.équipe: must match"),
        ({"team": "e\u0301quipe"}, r"tags\.team: must hold letters, digits, spaces"),
    ],
)
def test_tags_that_iam_or_image_builder_refuse_are_told(
    landing_zone: LandingZone, tags: dict[str, str], told: str
) -> None:
    with pytest.raises(FileError, match=told):
        journal(landing_zone, tags=tags)


def test_a_value_of_a_tag_may_hold_letters_of_any_language(landing_zone: LandingZone) -> None:
    assert journal(landing_zone, tags={"team": "équipe 地 ß"}).tags == {"team": "équipe 地 ß"}


def test_a_name_holds_what_ec2_takes(landing_zone: LandingZone) -> None:
    with pytest.raises(FileError, match=r"image\.name: holds ':', which EC2 takes in no name"):
        journal(landing_zone, image={"name": "web:{{ imagebuilder:buildDate }}"})
