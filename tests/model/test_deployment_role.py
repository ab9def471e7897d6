"""What deployment roles may do for launch templates, where a product updates some."""

from __future__ import annotations

from typing import Any

from model.deployment_role import hub_deployment_policy, target_deployment_policy
from model.distribution import DistributionPlan, LaunchTemplate, RegionTarget, SharedWith

HUB, TARGET, HOME = "111111111111", "222222222222", "us-east-1"
OWN, FOREIGN = "lt-00000000000000001", "lt-00000000000000002"


def plan(*templates: LaunchTemplate) -> DistributionPlan:
    region = RegionTarget(HOME, (), SharedWith((TARGET,)), launch_templates=templates)
    return DistributionPlan(HUB, HOME, (region,), ())


def statements(*plans: DistributionPlan) -> dict[str, Any]:
    document = hub_deployment_policy(HUB, HOME, (HOME,), plans).as_dict()
    return {entry["Sid"]: entry for entry in document["Statement"]}


def test_who_makes_a_distribution_may_update_the_hubs_templates_that_products_name_each_once() -> None:
    own = plan(LaunchTemplate(HUB, OWN, True), LaunchTemplate(TARGET, FOREIGN, True))
    found = statements(own, own)["UpdateLaunchTemplates"]
    assert found["Resource"] == f"arn:aws:ec2:{HOME}:{HUB}:launch-template/{OWN}"
    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/CreatedBy": "EC2 Image Builder"}}


def test_without_templates_nothing_is_said_of_them() -> None:
    assert {"UpdateLaunchTemplates", "FindLaunchTemplates"}.isdisjoint(statements(plan()))


def test_an_account_with_a_share_lets_its_deployment_role_read_channel_and_image() -> None:
    document = target_deployment_policy(TARGET, (plan(),)).as_dict()
    assert {"ReadChannels", "ReadImages"} <= {entry["Sid"] for entry in document["Statement"]}
