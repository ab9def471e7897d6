"""Launch templates and license configurations that name an image, in its own account and in others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.local.cloud.image_builder.conftest import AWAY, HOME, HUB, TARGET, Builder

OWN, FOREIGN, KEPT = "lt-00000000000000001", "lt-00000000000000002", "lt-00000000000000003"
LICENSE = f"arn:aws:license-manager:{HOME}:{HUB}:license-configuration:lic-{'1' * 32}"
ROLE = f"{TARGET}:EC2ImageBuilderDistributionCrossAccountRole"


def shared() -> dict[str, Any]:
    """Kept and shared by the hub, and named by three templates."""
    return {
        "region": HOME,
        "amiDistributionConfiguration": {
            "name": "web-{{ imagebuilder:buildDate }}",
            "launchPermission": {"userIds": [TARGET]},
        },
        "licenseConfigurationArns": [LICENSE],
        "launchTemplateConfigurations": [
            {"launchTemplateId": OWN},
            {"launchTemplateId": FOREIGN, "accountId": TARGET, "setDefaultVersion": True},
            {"launchTemplateId": KEPT, "accountId": TARGET, "setDefaultVersion": False},
        ],
    }


def built(builder: Builder, distributions: list[dict[str, Any]]) -> dict[str, Any]:
    """An image of a pipeline with such a distribution, and templates of one version."""
    for account, template in ((HUB, OWN), (TARGET, FOREIGN), (TARGET, KEPT)):
        builder.cloud.templates[account, HOME, template] = ["ami-before"]
    return builder.ended(builder.start(builder.pipeline(builder.recipe(builder.component()), distributions)))


def hub_ami(image: dict[str, Any], region: str = HOME) -> str:
    (found,) = [
        ami["image"] for ami in image["outputResources"]["amis"] if (ami["accountId"], ami["region"]) == (HUB, region)
    ]
    return found


def test_every_template_names_the_hubs_own_ami_and_those_that_are_told_by_default(builder: Builder) -> None:
    image = built(builder, [shared()])
    assert image["state"]["status"] == "AVAILABLE"
    assert {versions[-1] for versions in builder.cloud.templates.values()} == {hub_ami(image)}
    assert builder.cloud.defaults == {OWN: 2, FOREIGN: 2}
    changed = [(who, call) for who, call, _ in builder.cloud.calls if call == "ModifyLaunchTemplate"]
    assert changed == [(f"{HUB}:execution", "ModifyLaunchTemplate"), (ROLE, "ModifyLaunchTemplate")]


def test_the_ami_is_shared_and_associated_with_its_licence(builder: Builder) -> None:
    image = built(builder, [shared()])
    ami = hub_ami(image)
    assert builder.cloud.images[HUB, HOME, ami]["shared"] == {TARGET}
    assert builder.cloud.licenses == {f"arn:aws:ec2:{HOME}::image/{ami}": [LICENSE]}


def test_a_template_of_an_account_with_a_copy_gets_the_ami_of_the_source_account(
    builder: Builder, targets: Callable[[], list[dict[str, Any]]]
) -> None:
    home, _away = targets()
    image = built(builder, [{**home, "launchTemplateConfigurations": shared()["launchTemplateConfigurations"][1:2]}])
    copies = {ami["image"] for ami in image["outputResources"]["amis"]}
    (_before, named) = builder.cloud.templates[TARGET, HOME, FOREIGN]
    assert named not in copies
    assert (HUB, HOME, named) in builder.cloud.images


def test_a_template_that_is_not_there_fails_the_image_and_says_which(builder: Builder) -> None:
    entry = shared()
    entry["launchTemplateConfigurations"][1]["launchTemplateId"] = "lt-0000000000000000f"
    image = built(builder, [entry])
    assert image["state"]["status"] == "FAILED"
    (failure,) = image["state"]["failureContext"]["distributionFailure"]["regionFailures"]
    assert failure["imageConfigurationStep"] == "ApplyImageConfigurations"
    assert failure["errorMessage"] == "EC2 Client Error: 'lt-0000000000000000f does not exist'"


def test_an_account_whose_role_refuses_keeps_its_template_as_it_was(builder: Builder) -> None:
    builder.cloud.refuse.add(f"CreateLaunchTemplateVersion {TARGET}")
    image = built(builder, [shared()])
    assert image["state"]["status"] == "FAILED"
    assert builder.cloud.templates[TARGET, HOME, FOREIGN] == ["ami-before"]


def test_each_region_has_its_own_ami_in_the_hub(builder: Builder) -> None:
    away = {**shared(), "region": AWAY, "launchTemplateConfigurations": [{"launchTemplateId": OWN}]}
    del away["licenseConfigurationArns"]
    builder.cloud.templates[HUB, AWAY, OWN] = ["ami-before"]
    image = built(builder, [shared(), away])
    assert builder.cloud.templates[HUB, AWAY, OWN][-1] == hub_ami(image, AWAY) != hub_ami(image)
