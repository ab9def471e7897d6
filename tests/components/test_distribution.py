"""Where a product's images go, as its stack asks AWS for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from model.files.landing_zone import LandingZone
from tests.components.conftest import Recorder
from tests.model.files.journal import journal

Build = Callable[..., Recorder]

TEMPLATES = ("lt-0123456789abcdef0", "lt-0123456789abcdef1")
STEM = "arn:aws:organizations::999999999999"
ORGANIZATION, UNIT = f"{STEM}:organization/o-abcdefghij", f"{STEM}:ou/o-abcdefghij/ou-abcd-12345678"
LICENSE = f"arn:aws:license-manager:us-east-1:111111111111:license-configuration:lic-{'1' * 32}"
SHARED = {
    "region": "us-east-1",
    "share": {"accounts": ("workloads-test",), "organizations": (ORGANIZATION,), "organizationalUnits": (UNIT,)},
    "licenseConfigurations": (LICENSE,),
    "launchTemplates": (
        {"account": "hub", "id": TEMPLATES[0]},
        {"account": "workloads-test", "id": TEMPLATES[1], "setDefaultVersion": False},
    ),
    "parameters": ("/team/ami",),
    "name": "journal-{{ imagebuilder:buildVersion }}",
    "description": "Shared",
}
COPIED = {"region": "eu-west-1", "accounts": ("workloads-production",), "parameters": ("/team/ami",)}


@pytest.fixture
def resources(product_resources: Build, landing_zone: LandingZone) -> Recorder:
    """A product that is shared in one Region and copied in another, with a consumer in each account."""
    consumers = tuple(
        {"account": account, "role": "hosts", "mode": "create"}
        for account in ("workloads-test", "workloads-production")
    )
    product = journal(landing_zone, distribution=(SHARED, COPIED), consumers=consumers)
    return product_resources(product, landing_zone)


def policy(resources: Recorder, part: str) -> dict[str, Any]:
    """Statements of a role's policy by Sid."""
    document = json.loads(resources.one("RolePolicy", part).inputs["policy"])
    return {entry["Sid"]: entry for entry in document["Statement"]}


def test_a_region_is_shared_with_launch_permission_and_no_copy(resources: Recorder) -> None:
    shared, copied = resources.one("DistributionConfiguration").inputs["distributions"]
    settings = shared["amiDistributionConfiguration"]
    assert settings["launchPermission"] == {
        "userIds": ["333333333333"],
        "organizationArns": [ORGANIZATION],
        "organizationalUnitArns": [UNIT],
    }
    assert "targetAccountIds" not in settings
    assert "launchPermission" not in copied["amiDistributionConfiguration"]


def test_name_and_description_are_the_regions_own_or_the_images(resources: Recorder) -> None:
    shared, copied = (
        entry["amiDistributionConfiguration"]
        for entry in resources.one("DistributionConfiguration").inputs["distributions"]
    )
    assert (shared["name"], shared["description"]) == ("journal-{{ imagebuilder:buildVersion }}", "Shared")
    assert (copied["name"], copied["description"]) == (
        "golden-ami-journal-{{ imagebuilder:buildDate }}",
        "Hosts of journal",
    )


def test_image_builder_updates_templates_and_licences_of_the_hubs_own_ami(resources: Recorder) -> None:
    shared, copied = resources.one("DistributionConfiguration").inputs["distributions"]
    assert shared["launchTemplateConfigurations"] == [
        {"accountId": "111111111111", "launchTemplateId": TEMPLATES[0], "default": True},
        {"accountId": "333333333333", "launchTemplateId": TEMPLATES[1], "default": False},
    ]
    assert shared["licenseConfigurationArns"] == [LICENSE]
    assert {"launchTemplateConfigurations", "licenseConfigurationArns"}.isdisjoint(copied)


def test_image_builder_writes_parameters_of_owners_only(resources: Recorder) -> None:
    entries = resources.one("DistributionConfiguration").inputs["distributions"]
    assert [
        [(one["parameterName"], one["amiAccountId"]) for one in entry["ssmParameterConfigurations"]]
        for entry in entries
    ] == [
        [("/golden-ami/journal/stable", "111111111111"), ("/team/ami", "111111111111")],
        [("/golden-ami/journal/stable", "222222222222"), ("/team/ami", "222222222222")],
    ]


def test_the_execution_role_does_what_the_file_asks_for_and_no_more(resources: Recorder) -> None:
    found = policy(resources, "execution-policy")
    assert found["WriteChannels"]["Resource"] == [
        "arn:aws:ssm:us-east-1:111111111111:parameter/golden-ami/journal/stable",
        "arn:aws:ssm:us-east-1:111111111111:parameter/team/ami",
        "arn:aws:ssm:eu-west-1:222222222222:parameter/golden-ami/journal/stable",
        "arn:aws:ssm:eu-west-1:222222222222:parameter/team/ami",
    ]
    update = found["UpdateLaunchTemplates"]
    assert update["Resource"] == f"arn:aws:ec2:us-east-1:111111111111:launch-template/{TEMPLATES[0]}"
    assert update["Condition"] == {"StringEquals": {"aws:ResourceTag/CreatedBy": "EC2 Image Builder"}}
    assert found["AssociateLicenses"]["Resource"] == LICENSE
    assert found["DistributeToTargets"]["Resource"] == [
        "arn:aws:iam::222222222222:role/EC2ImageBuilderDistributionCrossAccountRole",
        "arn:aws:iam::333333333333:role/EC2ImageBuilderDistributionCrossAccountRole",
    ]


def test_the_report_function_writes_in_accounts_with_a_share(resources: Recorder) -> None:
    found = policy(resources, "report-outcome")
    role = "arn:aws:iam::333333333333:role/EC2ImageBuilderDistributionCrossAccountRole"
    assert found["WriteParametersOfShares"]["Resource"] == role
    assert found["FindNewestImage"]["Action"] == "imagebuilder:ListImagePipelineImages"


def test_the_distribution_role_of_an_account_may_do_what_the_product_names_there(resources: Recorder) -> None:
    extensions = {one.inputs["role"] for one in resources.of_type("RolePolicy") if "distribution" in one.name}
    assert extensions == {"EC2ImageBuilderDistributionCrossAccountRole"}
    shared = policy(resources, "workloads-test-distribution")
    stem = "arn:aws:ssm:us-east-1:333333333333:parameter"
    parameters = [f"{stem}/golden-ami/journal/stable", f"{stem}/team/ami"]
    assert shared["WriteParameters"]["Resource"] == parameters
    assert shared["ReadParametersOfShares"]["Resource"] == parameters
    template = f"arn:aws:ec2:us-east-1:333333333333:launch-template/{TEMPLATES[1]}"
    assert shared["UpdateLaunchTemplates"]["Resource"] == template
    copied = policy(resources, "workloads-production-distribution")
    assert set(copied) == {"WriteParameters"}
    assert copied["WriteParameters"]["Resource"] == "arn:aws:ssm:eu-west-1:222222222222:parameter/team/ami"


def test_a_consumer_launches_shared_images_of_the_hub_and_copies_by_their_tag(resources: Recorder) -> None:
    shared = policy(resources, "workloads-test-hosts-launch")
    assert shared["LaunchSharedImages"]["Resource"] == "arn:aws:ec2:us-east-1::image/*"
    assert shared["LaunchSharedImages"]["Condition"] == {"StringEquals": {"ec2:Owner": "111111111111"}}
    assert "LaunchProductImages" not in shared
    copied = policy(resources, "workloads-production-hosts-launch")
    assert copied["LaunchProductImages"]["Resource"] == "arn:aws:ec2:eu-west-1::image/*"
    assert "LaunchSharedImages" not in copied


def test_a_product_that_shares_nothing_asks_for_nothing_of_it(ledger_resources: Recorder) -> None:
    for entry in ledger_resources.one("DistributionConfiguration").inputs["distributions"]:
        assert "launchPermission" not in entry["amiDistributionConfiguration"]
        assert {"launchTemplateConfigurations", "licenseConfigurationArns"}.isdisjoint(entry)
    assert not [one for one in ledger_resources.of_type("RolePolicy") if one.name.endswith("-distribution-policy")]
    sids = set(policy(ledger_resources, "report-outcome")) | set(policy(ledger_resources, "execution-policy"))
    assert sids.isdisjoint({"WriteParametersOfShares", "FindNewestImage", "UpdateLaunchTemplates", "AssociateLicenses"})
