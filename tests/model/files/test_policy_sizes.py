"""Policies that a file makes too long are told before any call, at the field that has most of them."""

from __future__ import annotations

import bisect
from typing import Any

import pytest

from model.files.landing_zone import LandingZone, Target
from model.files.problems import FileError
from tests.model.files.journal import journal

FEW, MANY = 20, 400


@pytest.fixture(scope="module")
def large(landing_zone: LandingZone) -> LandingZone:
    """A landing zone with hundreds of targets."""
    targets = {f"target-{index}": Target(account=f"4{index:011d}") for index in range(MANY)}
    return landing_zone.model_copy(update={"targets": targets})


def distribution(count: int, regions: tuple[str, ...] = ("us-east-1",)) -> list[dict[str, Any]]:
    return [{"region": region, "accounts": [f"target-{index}" for index in range(count)]} for region in regions]


def consumers(count: int, path: str = "") -> list[dict[str, Any]]:
    roles = [f"{path}role-{index}" for index in range(count)]
    return [{"account": "target-0", "role": role, "mode": "existing"} for role in roles]


def test_ordinary_numbers_of_accounts_and_roles_are_taken(large: LandingZone) -> None:
    product = journal(large, distribution=distribution(FEW), consumers=consumers(FEW))
    assert len(product.consumers) == FEW


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (
            {"distribution": distribution(MANY)},
            "distribution: makes the policy of Image Builder's execution role .* and AWS takes 10240",
        ),
        (
            {"distribution": distribution(MANY)},
            "distribution: makes the policy of the function that reports .* and AWS takes 10240",
        ),
        (
            {"distribution": distribution(MANY), "retention": {"afterDays": 30}},
            "distribution: makes the policy of the function that sweeps .* and AWS takes 10240",
        ),
        (
            {"distribution": distribution(1), "consumers": consumers(MANY, "p" * 100 + "/")},
            "consumers: makes the image key's policy [0-9]+ characters long, and AWS takes 32768",
        ),
        (
            {"uploaders": [f"arn:aws:iam::999999999999:role/{'p' * 100}/{index}" for index in range(MANY)]},
            "uploaders: makes the data key's policy [0-9]+ characters long, and AWS takes 32768",
        ),
        (
            {"uploaders": [f"arn:aws:iam::999999999999:role/{'p' * 100}/{index}" for index in range(MANY)]},
            "uploaders: makes the script bucket's policy [0-9]+ characters long, and AWS takes 20480",
        ),
    ],
)
def test_a_policy_that_aws_would_refuse_is_told_with_its_field(
    large: LandingZone, stated: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError, match=rf"Pulumi\.journal\.yaml:[0-9]+: {told}; state fewer entries"):
        journal(large, **stated)


def test_a_scan_takes_its_part_of_the_execution_roles_policies(large: LandingZone) -> None:
    # The first number that is refused; one less is taken.
    most = bisect.bisect_left(range(MANY), True, lo=FEW, key=lambda count: not _is_taken(large, count)) - 1
    with pytest.raises(FileError, match="distribution: makes the policy of Image Builder's execution role"):
        journal(large, distribution=distribution(most), scan={"maximum": {"critical": 0}})


def _is_taken(landing_zone: LandingZone, count: int) -> bool:
    try:
        journal(landing_zone, distribution=distribution(count))
    except FileError:
        return False
    return True


def test_many_regions_make_a_consumer_roles_policies_too_long(large: LandingZone) -> None:
    regions = tuple(f"xx-region-{index}" for index in range(10)) + tuple(f"xy-region-{index}" for index in range(10))
    regions += tuple(f"yy-region-{index}" for index in range(10))
    everywhere = large.model_copy(update={"regions": ("us-east-1", *regions)})
    consumer = {"account": "target-0", "role": "r", "mode": "create"}
    with pytest.raises(FileError, match="distribution: makes the policies of a consumer role"):
        journal(everywhere, distribution=distribution(1, regions), consumers=[consumer])
