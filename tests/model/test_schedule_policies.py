"""What schedules add to roles: nothing where there are none, and no more than the files name."""

from __future__ import annotations

from dataclasses import replace

from model.deployment_role import hub_deployment_policy
from model.documents import PolicyDocument
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.hub_policies import start_function_policy
from model.names import ProductNames
from model.schedule_policies import SCHEDULER

HUB, REGION = "111111111111", "us-east-1"
NAMES = ProductNames("ledger", HUB, REGION)


def sids(policy: PolicyDocument) -> set[str]:
    return {statement["Sid"] for statement in policy.as_dict()["Statement"]}


def test_the_deployment_role_hands_roles_to_scheduler_only_where_a_product_has_a_schedule(
    ledger: Product, landing_zone: LandingZone
) -> None:
    plan = ledger.plan(landing_zone)
    without, with_schedule = (
        hub_deployment_policy(HUB, REGION, (REGION,), (plan, replace(plan, scheduled=scheduled)))
        for scheduled in (False, True)
    )
    # Who no longer has a schedule still has to remove it.
    assert all("ManageSchedules" in sids(policy) for policy in (without, with_schedule))
    assert [SCHEDULER in policy.json() for policy in (without, with_schedule)] == [False, True]


def test_the_start_function_reads_the_parameters_and_components_that_it_waits_for_and_no_others() -> None:
    component = f"arn:aws:imagebuilder:{REGION}:aws:component/update-linux/1.x.x"
    dependencies = ("ssm:/golden-ami/hardened-linux/stable", "ssm:/aws/service/base/image_id", component)
    policy = start_function_policy(NAMES, "key", dependencies).as_dict()
    found = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert found["ReadBaseImage"]["Resource"] == [
        f"arn:aws:ssm:{REGION}:{HUB}:parameter/golden-ami/hardened-linux/stable",
        f"arn:aws:ssm:{REGION}::parameter/aws/service/base/image_id",
    ]
    assert found["ReadComponents"]["Resource"] == f"arn:aws:imagebuilder:{REGION}:aws:component/update-linux/*"
    assert {"ReadBaseImage", "ReadComponents"}.isdisjoint(sids(start_function_policy(NAMES, "key")))
