"""What a product's file says of its team and of who launches, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.landing_zone import LandingZone
from model.files.problems import FileError
from model.files.product import Product
from tests.model.files.journal import journal

TEAM = "arn:aws:iam::444444444444:role/team"


def product(landing_zone: LandingZone, **changed: Any) -> Product:
    everywhere = [{"region": "eu-west-1", "accounts": ["workloads-production", "workloads-test"]}]
    return journal(landing_zone, **{"distribution": everywhere, **changed})


def test_a_team_of_a_target_is_ours_to_give_rights_to_and_another_is_not(landing_zone: LandingZone) -> None:
    ours = "arn:aws:iam::222222222222:role/path/team"
    plan = product(landing_zone, uploaders=(ours, TEAM)).plan(landing_zone)
    assert [(one.account, one.name, one.ours) for one in plan.uploaders] == [
        ("222222222222", "team", True),
        ("444444444444", "team", False),
    ]
    assert plan.role_accounts == ("111111111111", "222222222222")


def test_auto_scaling_is_asked_for_by_account_and_region(landing_zone: LandingZone) -> None:
    consumers = tuple(
        {"account": account, "role": "hosts", "mode": "create", "autoScaling": scaled}
        for account, scaled in (("workloads-production", False), ("workloads-test", True))
    )
    plan = product(landing_zone, consumers=consumers).plan(landing_zone)
    assert plan.auto_scaling_accounts("eu-west-1") == ("333333333333",)
    assert plan.auto_scaling_accounts("us-east-1") == ()
    assert plan.deployment_roles["333333333333"] == "arn:aws:iam::333333333333:role/golden-ami-deployment"


@pytest.mark.parametrize(
    ("uploaders", "told"),
    [
        ((TEAM, TEAM), r"uploaders\.1: 'team' is there before as 'team'"),
        ((TEAM, TEAM.replace("/team", "/path/Team")), r"uploaders\.1: 'path/Team' is there before as 'team'"),
        (("team",), r"uploaders\.0: .*got 'team'"),
        (("arn:aws:iam::444444444444:user/somebody",), r"uploaders\.0: "),
    ],
)
def test_an_uploader_is_a_role_and_is_named_once(
    landing_zone: LandingZone, uploaders: tuple[str, ...], told: str
) -> None:
    with pytest.raises(FileError, match=told):
        product(landing_zone, uploaders=uploaders)


def test_a_device_is_stated_once_and_is_not_the_root_device(landing_zone: LandingZone) -> None:
    volumes = [{"device": device, "size": 1} for device in ("/dev/sdf", "/dev/xvda", "/dev/sdf")]
    with pytest.raises(FileError) as raised:
        product(landing_zone, dataVolumes=volumes)
    assert [(problem.field, problem.message) for problem in raised.value.problems] == [
        ("dataVolumes.1.device", "'/dev/xvda' is the root device or stated before; choose another name"),
        ("dataVolumes.2.device", "'/dev/sdf' is the root device or stated before; choose another name"),
    ]


def test_an_instance_has_room_for_26_further_volumes(landing_zone: LandingZone) -> None:
    volumes = [{"device": f"/dev/xvdb{letter}", "size": 1} for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert len(product(landing_zone, dataVolumes=volumes).data_volumes) == 26
    with pytest.raises(FileError, match=r"dataVolumes: .*at most 26"):
        product(landing_zone, dataVolumes=[*volumes, {"device": "/dev/sdf", "size": 1}])


WINDOWS = {"operatingSystem": "windows", "entryScript": "install.ps1"}
HUB_TWICE = [{"region": "us-east-1"}, {"region": "eu-west-1"}]
TEMPLATE = {"launchTemplate": {"id": "lt-0123456789abcdef0", "version": 1}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"distribution": []}, r"fastLaunch: is for Windows, and operatingSystem is 'linux'; remove it"),
        (WINDOWS, r"fastLaunch: is for the hub's own image, .* add an entry without accounts"),
        (
            {**WINDOWS, "distribution": HUB_TWICE, "fastLaunch": TEMPLATE},
            r"fastLaunch\.launchTemplate: belongs to one Region, and the hub keeps the image in 2; remove it",
        ),
        ({**WINDOWS, "distribution": [], "fastLaunch": {"maximumParallelLaunches": 5}}, r"greater than or equal to 6"),
        ({**WINDOWS, "distribution": [], "fastLaunch": {"snapshots": 0}}, r"greater than or equal to 1"),
    ],
)
def test_fast_launch_is_for_the_hubs_windows_images(
    landing_zone: LandingZone, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError, match=told):
        product(landing_zone, **{"fastLaunch": {}, **changed})
    fast = product(landing_zone, **WINDOWS, distribution=HUB_TWICE[:1], fastLaunch=TEMPLATE)
    assert fast.plan(landing_zone).hub_regions == ("us-east-1",)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (
            {
                "consumers": [
                    {"account": "hub", "role": "app/runtime", "mode": "existing"},
                    {"account": "hub", "role": "Runtime", "mode": "existing"},
                ]
            },
            r"consumers\.1\.role: 'Runtime' is there before as 'app/runtime', which is one role for IAM; keep one",
        ),
        (
            {"egress": [{"description": name, "cidr": "10.0.0.0/8"} for name in ("one", "other")]},
            r"egress: holds '10\.0\.0\.0/8 port 443' twice; keep one",
        ),
        (
            {"consumers": [{"account": "hub", "role": "r" * 65, "mode": "existing"}]},
            r"consumers\.0\.role: must match",
        ),
        ({"description": "one\tline"}, r"description: must match"),
        (
            {"components": {"build": [{"arn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x/1"}]}},
            r"components\.build\.0\.arn: must match",
        ),
    ],
)
def test_what_aws_or_the_engine_would_refuse_is_told_at_its_field(
    landing_zone: LandingZone, stated: dict[str, Any], told: str
) -> None:
    with pytest.raises(FileError, match=told):
        journal(landing_zone, **stated)
