"""The project's own documents in force: who may use the image key of the example product, and who may not."""

from dataclasses import dataclass
from typing import Any

import pytest

from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.key_policies import image_key_policy
from model.target_policies import consumer_key_policy, distribution_role_policy
from tests.local.cloud.served_cloud import AWAY, HOME, Role, ServedCloud, denied, refusal

CONSUMER_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey")
DISTRIBUTION = "EC2ImageBuilderDistributionCrossAccountRole"


@dataclass
class Deployed:
    keys: dict[str, str]
    administrator: Role
    consumers: dict[str, Role]
    """Roles by account, those of the product."""
    others: dict[str, Role]
    """Roles with the same policies of their own, in the same accounts."""
    distributors: dict[str, Role]


@pytest.fixture(scope="module")
def deployed(cloud: ServedCloud, ledger: Product, landing_zone: LandingZone) -> Deployed:
    plan = ledger.plan(landing_zone)
    administrator = cloud.role(plan.hub, name="platform-administrator")
    assert [administrator.arn] == list(landing_zone.key_administrators)
    policies = {region: image_key_policy(plan, region, (administrator.arn,)).json() for region in plan.key_regions}
    owner = cloud.client("kms", plan.hub, plan.build_region)
    primary = owner.create_key(MultiRegion=True, Policy=policies[plan.build_region])["KeyMetadata"]["Arn"]
    keys = {plan.build_region: primary}
    for region in plan.replica_regions:
        made = owner.replicate_key(KeyId=primary, ReplicaRegion=region, Policy=policies[region])
        keys[region] = made["ReplicaKeyMetadata"]["Arn"]
    consumers, others, distributors = {}, {}, {}
    for consumer in plan.consumers:
        account = consumer.account
        path = "/" + consumer.role.removesuffix(consumer.name)
        consumers[account] = cloud.role(account, path=path, name=consumer.name)
        others[account] = cloud.role(account, path=path, name=f"{consumer.name}-other")
        reached = tuple(keys[region] for region in plan.regions_of(account))
        for role in (consumers[account], others[account]):
            policy = consumer_key_policy(reached).json()
            cloud.client("iam", account).put_role_policy(RoleName=role.name, PolicyName="key", PolicyDocument=policy)
    for account in plan.target_accounts:
        distributors[account] = cloud.role(account, name=DISTRIBUTION)
        policy = distribution_role_policy(plan.hub, account).json()
        cloud.client("iam", account).put_role_policy(
            RoleName=DISTRIBUTION, PolicyName="distribution", PolicyDocument=policy
        )
    return Deployed(keys, administrator, consumers, others, distributors)


def attempts(cloud: ServedCloud, role: Role, key: str) -> dict[str, Any]:
    kms = cloud.client("kms", role, key.split(":")[3])
    made = cloud.encrypted(key)
    return {
        "kms:Encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        "kms:Decrypt": lambda: kms.decrypt(KeyId=key, CiphertextBlob=made),
        "kms:GenerateDataKeyWithoutPlaintext": lambda: kms.generate_data_key_without_plaintext(
            KeyId=key, KeySpec="AES_256"
        ),
        "kms:DescribeKey": lambda: kms.describe_key(KeyId=key),
        "kms:CreateGrant": lambda: kms.create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=["Decrypt"]),
    }


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_the_product_s_consumers_use_the_key_where_their_accounts_hold_the_image(
    cloud: ServedCloud, deployed: Deployed, region: str
) -> None:
    assert len(deployed.consumers) == 2
    for role in deployed.consumers.values():
        tried = attempts(cloud, role, deployed.keys[region])
        for action in CONSUMER_ACTIONS:
            assert tried[action]()
        key = deployed.keys[region]
        assert refusal(tried["kms:CreateGrant"]) == denied(role, "kms:CreateGrant", key, "resource", explicit=True)


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_other_roles_of_the_same_accounts_do_not(cloud: ServedCloud, deployed: Deployed, region: str) -> None:
    for role in deployed.others.values():
        key = deployed.keys[region]
        for action, attempt in attempts(cloud, role, key).items():
            explicit = action == "kms:CreateGrant"
            assert refusal(attempt) == denied(role, action, key, "resource", explicit=explicit)


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_distribution_roles_read_and_write_under_the_key(cloud: ServedCloud, deployed: Deployed, region: str) -> None:
    for role in deployed.distributors.values():
        key = deployed.keys[region]
        kms = cloud.client("kms", role, region)
        moved = kms.re_encrypt(CiphertextBlob=cloud.encrypted(key), DestinationKeyId=key)
        assert moved["SourceKeyId"] == moved["KeyId"] == key


def test_the_administrator_administers_and_uses_the_key_without_a_policy_of_its_own(
    cloud: ServedCloud, deployed: Deployed
) -> None:
    for region, key in deployed.keys.items():
        kms = cloud.client("kms", deployed.administrator, region)
        kms.put_key_policy(KeyId=key, Policy=kms.get_key_policy(KeyId=key)["Policy"])
        made = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=made)["Plaintext"] == b"x"


def test_a_role_deleted_and_made_again_is_still_admitted(cloud: ServedCloud, deployed: Deployed) -> None:
    account, role = next(iter(deployed.distributors.items()))
    key = deployed.keys[HOME]
    iam = cloud.client("iam", account)
    policy = iam.get_role_policy(RoleName=role.name, PolicyName="distribution")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role.name, PolicyName="distribution")
    assert refusal(lambda: cloud.client("kms", role).describe_key(KeyId=key))[0] == "AccessDeniedException"
    iam.delete_role(RoleName=role.name)
    again = cloud.role(account, *policy["Statement"], name=role.name)
    deployed.distributors[account] = again
    assert cloud.client("kms", again).describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
