"""Where a product's image goes, as its file says it: copies, shares, and what is updated there."""

from __future__ import annotations

from typing import Any

import pytest

from model.distribution import LaunchTemplate, RegionTarget, SharedWith
from model.files.landing_zone import LandingZone
from model.files.problems import FileError
from tests.model.files.journal import journal

TEMPLATE = "lt-0123456789abcdef0"
ORGANIZATION = "arn:aws:organizations::999999999999:organization/o-abcdefghij"
UNIT = "arn:aws:organizations::999999999999:ou/o-abcdefghij/ou-abcd-12345678"
LICENSE = f"arn:aws:license-manager:us-east-1:111111111111:license-configuration:lic-{'1' * 32}"


def problems(landing_zone: LandingZone, *entries: dict[str, Any], **stated: Any) -> list[str]:
    """What is said of a file that cannot be used, each with its field."""
    with pytest.raises(FileError) as caught:
        journal(landing_zone, distribution=entries, **stated)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def test_a_share_is_told_by_ids_with_everything_that_is_said_of_the_region(landing_zone: LandingZone) -> None:
    entry = {
        "region": "us-east-1",
        "share": {"accounts": ("workloads-test",), "organizations": (ORGANIZATION,), "organizationalUnits": (UNIT,)},
        "licenseConfigurations": (LICENSE,),
        "launchTemplates": (
            {"account": "hub", "id": TEMPLATE},
            {"account": "workloads-test", "id": "lt-00000000000000001", "setDefaultVersion": False},
        ),
        "parameters": ("/team/ami",),
        "name": "journal-{{ imagebuilder:buildVersion }}",
        "description": "Journal",
    }
    plan = journal(landing_zone, distribution=(entry,)).plan(landing_zone)
    assert plan.regions == (
        RegionTarget(
            "us-east-1",
            (),
            SharedWith(("333333333333",), (ORGANIZATION,), (UNIT,)),
            (LICENSE,),
            (
                LaunchTemplate("111111111111", TEMPLATE, True),
                LaunchTemplate("333333333333", "lt-00000000000000001", False),
            ),
            ("/team/ami",),
            "journal-{{ imagebuilder:buildVersion }}",
            "Journal",
        ),
    )
    assert plan.holders(plan.regions[0]) == ("111111111111",)
    assert plan.users(plan.regions[0]) == ("111111111111", "333333333333")
    assert plan.role_accounts == ("111111111111", "333333333333")
    assert plan.target_accounts == ()


def test_a_consumer_may_be_of_an_account_with_a_share_and_of_no_other(landing_zone: LandingZone) -> None:
    entry = {"region": "us-east-1", "share": {"accounts": ("workloads-test",)}}
    consumer = {"role": "hosts", "mode": "create"}
    plan = journal(landing_zone, distribution=(entry,), consumers=({**consumer, "account": "workloads-test"},)).plan(
        landing_zone
    )
    assert [one.account for one in plan.consumers_in("us-east-1")] == ["333333333333"]
    told = problems(landing_zone, entry, consumers=({**consumer, "account": "workloads-production"},))
    assert told == [
        "consumers.0.account: 'workloads-production' gets no image (hub, workloads-test); "
        "name it in the distribution, or remove the consumer"
    ]


def test_everything_that_is_wrong_beside_copies_is_told_at_once(landing_zone: LandingZone) -> None:
    told = problems(
        landing_zone,
        {
            "region": "us-east-1",
            "accounts": ("workloads-test",),
            "share": {"organizations": (ORGANIZATION,)},
            "licenseConfigurations": (LICENSE,),
            "launchTemplates": ({"account": "workloads-test", "id": TEMPLATE},),
        },
    )
    assert [one.partition(":")[0] for one in told] == [
        "distribution.0.share",
        "distribution.0.licenseConfigurations",
        "distribution.0.launchTemplates",
    ]
    assert "resolve:ssm:/golden-ami/<product>/stable" in told[2]


@pytest.mark.parametrize(
    ("share", "told"),
    [
        ({}, "distribution.0.share: shares with nobody; name accounts, organizations or organizationalUnits"),
        (
            {"accounts": ("workloads-test", "workloads-test")},
            "distribution.0.share.accounts: holds 'workloads-test' twice; keep one",
        ),
        (
            {"accounts": ("hub",)},
            "distribution.0.share.accounts.0: 'hub' is not a target account of the landing zone "
            "(workloads-production, workloads-test); choose one of them or add it there",
        ),
    ],
)
def test_a_share_names_each_of_its_accounts_once(landing_zone: LandingZone, share: dict[str, Any], told: str) -> None:
    assert problems(landing_zone, {"region": "us-east-1", "share": share}) == [told]


def many(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number:010d}" for number in range(count))


@pytest.mark.parametrize(
    ("entry", "field", "rule"),
    [
        ({"accounts": many("a", 1537)}, "accounts", "at most 1536 items"),
        ({"share": {"organizations": many(ORGANIZATION[:-10], 26)}}, "share.organizations", "at most 25 items"),
        (
            {"share": {"organizationalUnits": many(UNIT[:-8], 26)}},
            "share.organizationalUnits",
            "at most 25 items",
        ),
        (
            {"share": {"accounts": many("a", 1000), "organizations": (ORGANIZATION,)}},
            "share",
            "names 1001 entities, and an AMI is shared with 1000 at most; share with units",
        ),
        ({"licenseConfigurations": (LICENSE,) * 51}, "licenseConfigurations", "at most 50 items"),
        ({"launchTemplates": ({"account": "hub", "id": TEMPLATE},) * 101}, "launchTemplates", "at most 100 items"),
    ],
)
def test_limits_of_aws_are_told_before_any_call(
    landing_zone: LandingZone, entry: dict[str, Any], field: str, rule: str
) -> None:
    told = problems(landing_zone, {"region": "us-east-1", **entry})
    assert any(one.startswith(f"distribution.0.{field}: ") and rule in one for one in told), told


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            {"launchTemplates": ({"account": "workloads-test", "id": TEMPLATE},)},
            "launchTemplates.0.account: 'workloads-test' may not launch from the image here (hub); "
            "add it to share.accounts",
        ),
        (
            {"launchTemplates": ({"account": "hub", "id": TEMPLATE}, {"account": "hub", "id": TEMPLATE})},
            f"launchTemplates: holds '{TEMPLATE}' twice; keep one",
        ),
        ({"launchTemplates": ({"account": "hub", "id": "template"},)}, "launchTemplates.0.id: must match"),
        ({"licenseConfigurations": (LICENSE.replace("us-east-1", "eu-west-1"),)}, "is not of Region 'us-east-1'"),
        ({"parameters": ("/golden-ami/journal/stable",)}, "is AWS's or this program's own; choose a name"),
        ({"parameters": ("/aws/ami",)}, "parameters.0: '/aws/ami' is AWS's or this program's own"),
        ({"parameters": ("/a" * 16,)}, "must have at most 15 levels, none of them empty; shorten it"),
        ({"parameters": ("/team//ami",)}, "must have at most 15 levels, none of them empty; shorten it"),
        ({"parameters": ("team/ami",)}, "parameters.0: must match"),
        ({"parameters": ("/team/ami", "/team/ami")}, "parameters: holds '/team/ami' twice; keep one"),
        ({"name": "journal"}, "name: must hold a placeholder, got 'journal'"),
        ({"name": "journal-{{ date }}"}, "name: 'date' is no placeholder of Image Builder"),
        ({"description": ""}, "description: string should have at least 1 character"),
        ({"share": {"organizations": ("o-abcdefghij",)}}, "share.organizations.0: must match"),
        ({"share": {"organizationalUnits": (ORGANIZATION,)}}, "share.organizationalUnits.0: must match"),
    ],
)
def test_a_value_that_aws_would_refuse_is_told_with_its_field(
    landing_zone: LandingZone, entry: dict[str, Any], told: str
) -> None:
    assert told in "\n".join(problems(landing_zone, {"region": "us-east-1", **entry}))


def test_another_product_can_start_from_an_image_that_the_hub_shares(landing_zone: LandingZone) -> None:
    entry = {"region": "us-east-1", "share": {"accounts": ("workloads-test",)}}
    assert journal(landing_zone, distribution=(entry,)).kept_in_hub(landing_zone)
