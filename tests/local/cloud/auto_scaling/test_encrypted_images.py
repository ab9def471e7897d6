"""A group launches from an image under another account's key by the grant to its service-linked role, and only so."""

from typing import Any

import pytest

from tests.local.cloud.auto_scaling.scaling_world import (
    GRANT_OPERATIONS,
    USE,
    World,
    available,
    service_role,
    shared_image,
    until,
)
from tests.local.cloud.served_cloud import HUB, TARGET, Role, ServedCloud, denied, refusal, statement

FAILED = (
    "Instance became unhealthy while waiting for instance to be in InService state. "
    "Termination Reason: Client.InternalError: Client error on launch"
)


def test_a_group_launches_from_a_shared_image_under_the_hub_s_key_with_the_grant(world: World) -> None:
    world.grant()
    group = world.group(DesiredCapacity=2)
    instances = world.serving(group, 2)
    for activity in world.activities(group):
        assert (activity["StatusCode"], activity["Progress"]) == ("Successful", 100)
        assert activity["Description"] in {
            f"Launching a new EC2 instance: {instance['InstanceId']}" for instance in instances
        }
    ids = [instance["InstanceId"] for instance in instances]
    attached = [{"Name": "attachment.instance-id", "Values": ids}]
    volumes = world.cloud.client("ec2", TARGET).describe_volumes(Filters=attached)["Volumes"]
    assert [volume["KmsKeyId"] for volume in volumes] == [world.key] * 2


def test_without_the_grant_every_launch_ends_with_aws_s_message(world: World) -> None:
    group = world.group()
    for activity in world.ended(group, 2):
        assert activity["StatusCode"] == "Cancelled"
        assert activity["StatusMessage"].startswith(FAILED)
        assert f"Status Reason: {FAILED}" in activity["Description"]
    assert not [one for one in world.found(group)["Instances"] if one["LifecycleState"] == "InService"]


def test_it_is_the_service_linked_role_that_the_key_refuses(world: World) -> None:
    group = world.group()
    session = f"arn:aws:sts::{TARGET}:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling"
    assert f"User: {session} is not authorized to perform: kms:" in world.ended(group)[0]["StatusMessage"]


def test_a_group_that_failed_comes_to_serve_once_the_grant_is_there(world: World) -> None:
    group = world.group()
    world.ended(group)
    world.grant()
    world.serving(group, 1)
    assert world.activities(group)[0]["StatusCode"] == "Successful"


def test_a_group_launches_no_more_once_the_grant_is_revoked(world: World) -> None:
    grant = world.grant()
    group = world.group()
    world.serving(group, 1)
    world.cloud.client("kms", world.operator).revoke_grant(KeyId=world.key, GrantId=grant)
    world.wanting(group, 2)
    newest = world.ended(group, 2)[0]
    assert (newest["StatusCode"], newest["StatusMessage"].startswith(FAILED)) == ("Cancelled", True)
    assert "increasing the capacity from 1 to 2" in newest["Cause"]


@pytest.mark.parametrize("missing", ["Decrypt", "DescribeKey", "CreateGrant"])
def test_a_grant_without_what_a_launch_uses_does_not_serve(world: World, missing: str) -> None:
    world.grant(Operations=[operation for operation in GRANT_OPERATIONS if operation != missing])
    group = world.group()
    ended = world.ended(group)[-1]
    assert (ended["StatusCode"], ended["StatusMessage"].startswith(FAILED)) == ("Cancelled", True)
    assert f"kms:{missing} on resource: {world.key}" in ended["StatusMessage"]


def test_the_account_s_own_copy_under_the_hub_s_key_needs_the_grant_as_well(world: World) -> None:
    ec2 = world.cloud.client("ec2", world.operator)
    copied = ec2.copy_image(
        SourceImageId=world.image, SourceRegion="us-east-1", Name=world.cloud.name("copy"), Encrypted=True,
        KmsKeyId=world.key,
    )["ImageId"]  # fmt: skip
    available(ec2, copied)
    group = world.group(LaunchConfigurationName=world.configuration(ImageId=copied))
    assert world.ended(group)[-1]["StatusMessage"].startswith(FAILED)
    world.grant()
    (instance,) = world.serving(group, 1)
    assert world.instance(instance["InstanceId"])["ImageId"] == copied


def test_the_key_s_own_account_does_not_serve_either_by_leaving_it_to_identity_policies(cloud: ServedCloud) -> None:
    """The role's managed policy lets it run instances and says nothing of keys."""
    key = cloud.key(account=TARGET)
    own = World(cloud, key, shared_image(cloud, key, TARGET, TARGET), cloud.role(TARGET))
    group = own.group()
    assert own.ended(group)[0]["StatusMessage"].startswith(FAILED)
    cloud.client("kms", TARGET).create_grant(KeyId=key, GranteePrincipal=service_role(), Operations=GRANT_OPERATIONS)
    own.serving(group, 1)


def test_a_grant_in_the_hub_does_not_reach_the_target_s_role(world: World) -> None:
    hub = world.cloud.role(HUB)
    world.grant(who=HUB, GranteePrincipal=hub.arn)
    assert world.ended(world.group())[0]["StatusMessage"].startswith(FAILED)


def test_the_safe_form_refuses_a_grant_to_anybody_else(world: World) -> None:
    cloud = world.cloud
    for grantee in (world.operator.arn, cloud.role(TARGET).arn, cloud.role(HUB).arn, f"arn:aws:iam::{TARGET}:root"):
        found = refusal(lambda: world.grant(GranteePrincipal=grantee))  # noqa: B023
        assert found == denied(world.operator, "kms:CreateGrant", world.key, "resource", explicit=True)


def test_the_safe_form_lets_ec2_make_its_own_grants_for_whoever_may_use_the_key(world: World) -> None:
    ec2 = world.cloud.client("ec2", world.operator)
    launched = ec2.run_instances(ImageId=world.image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]

    def state() -> Any:
        name = world.instance(launched)["State"]["Name"]
        return None if name == "pending" else name

    assert until(state) == "running"


def test_the_safe_form_lets_nobody_but_the_operator_make_the_grant(world: World) -> None:
    other: Role = world.cloud.role(TARGET, statement([*USE, "kms:CreateGrant"]))
    assert refusal(lambda: world.grant(who=other)) == denied(other, "kms:CreateGrant", world.key, "resource")


def test_the_operator_ends_the_grant_that_it_made(world: World) -> None:
    grant = world.grant()
    kms = world.cloud.client("kms", world.operator)
    (shown,) = [one for one in kms.list_grants(KeyId=world.key)["Grants"] if one["GrantId"] == grant]
    assert shown["GranteePrincipal"] == service_role()
    assert shown["IssuingAccount"] == f"arn:aws:iam::{TARGET}:root"
    kms.revoke_grant(KeyId=world.key, GrantId=grant)
    assert grant not in [one["GrantId"] for one in kms.list_grants(KeyId=world.key)["Grants"]]
