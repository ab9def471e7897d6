"""The project's own documents in force: one account's groups launch from the product's image, and no other grant."""

from dataclasses import dataclass, replace

import pytest

from model.deployment_role import target_deployment_policy
from model.distribution import DistributionPlan
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.key_policies import AUTO_SCALING_OPERATIONS, image_key_policy
from tests.local.cloud.auto_scaling.scaling_world import World, service_role, shared_image
from tests.local.cloud.served_cloud import TARGET, Role, ServedCloud, denied, refusal


@dataclass
class Deployed:
    world: World
    other: Role
    """Deployment role of a target whose groups do not launch from the image."""


@pytest.fixture(scope="module")
def deployed(cloud: ServedCloud, ledger: Product, landing_zone: LandingZone) -> Deployed:
    plan = ledger.plan(landing_zone)
    scaled = tuple(replace(consumer, auto_scaling=consumer.account == TARGET) for consumer in plan.consumers)
    plan = replace(plan, consumers=scaled)
    assert plan.auto_scaling_accounts(plan.build_region) == (TARGET,)
    (elsewhere,) = {consumer.account for consumer in plan.consumers} - {TARGET}
    deployer, other = deployment_role(cloud, plan, TARGET), deployment_role(cloud, plan, elsewhere)
    policy = image_key_policy(plan, plan.build_region, ()).json()
    made = cloud.client("kms", plan.hub, plan.build_region).create_key(Policy=policy)
    key = made["KeyMetadata"]["Arn"]
    return Deployed(World(cloud, key, shared_image(cloud, key, TARGET, plan.hub), deployer), other)


def deployment_role(cloud: ServedCloud, plan: DistributionPlan, account: str) -> Role:
    role = cloud.role(account, name=plan.deployment_roles[account].rsplit("/", 1)[-1])
    assert role.arn == plan.deployment_roles[account]
    policy = target_deployment_policy(account, (plan,)).json()
    cloud.client("iam", account).put_role_policy(RoleName=role.name, PolicyName="deployment", PolicyDocument=policy)
    return role


def test_groups_launch_while_the_deployment_s_grant_is_there(deployed: Deployed) -> None:
    world = deployed.world
    group = world.group()
    assert world.ended(group)[-1]["StatusCode"] == "Cancelled"
    grant = world.grant(Operations=list(AUTO_SCALING_OPERATIONS), Name="golden-ami-ledger-auto-scaling")
    world.serving(group, 1)
    kms = world.cloud.client("kms", world.operator)
    assert grant in [one["GrantId"] for one in kms.list_grants(KeyId=world.key)["Grants"]]
    kms.revoke_grant(KeyId=world.key, GrantId=grant)
    before = len(world.activities(group))
    world.wanting(group, 2)
    assert world.ended(group, before + 1)[0]["StatusCode"] == "Cancelled"
    world.scaling().delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)


def test_the_deployment_makes_no_other_grant(deployed: Deployed) -> None:
    world = deployed.world
    for other in (world.operator.arn, f"arn:aws:iam::{TARGET}:root", deployed.other.arn):
        code, _ = refusal(lambda: world.grant(GranteePrincipal=other))  # noqa: B023
        assert code == "AccessDeniedException"
    wider = refusal(lambda: world.grant(Operations=["GenerateDataKeyPair"]))
    assert wider == denied(world.operator, "kms:CreateGrant", world.key, "resource")


def test_a_hub_role_with_every_permission_makes_no_other_grant_either(deployed: Deployed) -> None:
    world = deployed.world
    anybody = world.cloud.role("111111111111", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    found = refusal(lambda: world.grant(anybody, GranteePrincipal=anybody.arn))
    assert found == denied(anybody, "kms:CreateGrant", world.key, "resource", explicit=True)


def test_a_target_that_does_not_scale_makes_no_grant(deployed: Deployed) -> None:
    world = deployed.world
    found = refusal(lambda: world.grant(deployed.other, GranteePrincipal=service_role()))
    assert found[0] == "AccessDeniedException"
