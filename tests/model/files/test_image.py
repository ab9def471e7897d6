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
        ({"tags": {f"k{n}": "" for n in range(40)}}, "tags: has 41 keys with the landing zone's, and 40 leave room"),
    ],
)
def test_what_aws_would_refuse_is_told_with_its_place(
    landing_zone: LandingZone, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError) as raised:
        journal(landing_zone, **changed)
    assert told in str(raised.value)


def test_tags_beside_the_landing_zones_may_replace_them(landing_zone: LandingZone) -> None:
    tags = {f"k{number}": "" for number in range(39)}
    assert len(journal(landing_zone, tags={**tags, "owner": "team@example.com"}).tags) == 40
