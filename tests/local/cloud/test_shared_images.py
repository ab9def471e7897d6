"""An encrypted image of the hub, launched by others that it is shared with, under the program's own documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, SharedImages, SharedWith
from model.key_policies import image_key_policy
from model.target_policies import consumer_key_policy, consumer_launch_policy
from tests.local.cloud.auto_scaling.scaling_world import shared_image, until
from tests.local.cloud.served_cloud import HOME, HUB, TARGET, Role, ServedCloud, refusal, serving, statement

MANAGEMENT, OTHER, STRANGER = "999999999999", "333333333333", "444444444444"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@dataclass
class Organization:
    """An organisation with a unit below a unit."""

    cloud: ServedCloud
    arn: str
    root: str
    upper: dict[str, Any]
    lower: dict[str, Any]

    def client(self, account: str = MANAGEMENT) -> Any:
        return self.cloud.client("organizations", account)

    def join(self, account: str) -> None:
        """Invite an account, which accepts."""
        asked = self.client().invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})
        self.client(account).accept_handshake(HandshakeId=asked["Handshake"]["Id"])

    def move(self, account: str, source: str, destination: str) -> None:
        self.client().move_account(AccountId=account, SourceParentId=source, DestinationParentId=destination)

    def paths(self) -> dict[str, str]:
        return {one["Id"]: one["Paths"][0] for one in self.client().list_accounts()["Accounts"]}


@pytest.fixture(scope="module")
def organization(cloud: ServedCloud) -> Organization:
    """One organisation of this cloud, whose members are the target and one other account."""
    client = cloud.client("organizations", MANAGEMENT)
    arn = client.create_organization()["Organization"]["Arn"]
    root = client.list_roots()["Roots"][0]["Id"]
    upper = client.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]
    lower = client.create_organizational_unit(ParentId=upper["Id"], Name="test")["OrganizationalUnit"]
    made = Organization(cloud, arn, root, upper, lower)
    made.join(TARGET)
    made.join(OTHER)
    made.move(OTHER, root, lower["Id"])
    return made


def key(cloud: ServedCloud, plan: DistributionPlan) -> str:
    policy = image_key_policy(plan, HOME, ()).json()
    return cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]


def share(cloud: ServedCloud, key_arn: str, *permissions: dict[str, str]) -> str:
    """An image of the hub under a key, with a product's tag, that may be launched by others."""
    image = shared_image(cloud, key_arn, HUB)
    ec2 = cloud.client("ec2")
    ec2.create_tags(Resources=[image], Tags=[{"Key": "golden-ami:product", "Value": "ledger"}])
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": list(permissions)})
    return image


def consumer(cloud: ServedCloud, account: str, name: str, key_arn: str, shared: SharedImages | None) -> Role:
    """A consumer role as the program makes it."""
    arn = f"arn:aws:iam::{account}:role/{name}"
    policies = (consumer_key_policy((key_arn,)), consumer_launch_policy("ledger", arn, (HOME,), shared))
    return cloud.role(account, *(one for policy in policies for one in policy.as_dict()["Statement"]), name=name)


def launch(cloud: ServedCloud, role: Role, image: str) -> str:
    """The state that an instance of an image comes to."""
    launched = cloud.client("ec2", role).run_instances(ImageId=image, MinCount=1, MaxCount=1)
    instance = launched["Instances"][0]["InstanceId"]
    ec2 = cloud.client("ec2", role.arn.split(":")[4])

    def ended() -> str | None:
        state = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
        return state if state != "pending" else None

    return until(ended)


SHARED = SharedImages(HUB, (HOME,))


def test_an_account_launches_from_a_shared_image_under_the_hubs_key(cloud: ServedCloud) -> None:
    plan = DistributionPlan(
        HUB, HOME, (RegionTarget(HOME, (), SharedWith((TARGET,))),), (ConsumerRole(TARGET, "workers", True),)
    )
    key_arn = key(cloud, plan)
    image = share(cloud, key_arn, {"UserId": TARGET})
    workers = consumer(cloud, TARGET, "workers", key_arn, SHARED)
    assert launch(cloud, workers, image) == "running"
    # Neither of another role of the account, which the key's policy does not name, …
    assert launch(cloud, consumer(cloud, TARGET, "others", key_arn, SHARED), image) == "terminated"
    # … nor of another account, which does not see the image.
    stranger = consumer(cloud, STRANGER, "workers", key_arn, SHARED)
    assert refusal(lambda: launch(cloud, stranger, image))[0] == "InvalidAMIID.NotFound"


def test_tags_of_a_shared_image_stay_with_its_owner_and_the_statement_on_copies_does_not_admit_it(
    cloud: ServedCloud,
) -> None:
    plan = DistributionPlan(
        HUB, HOME, (RegionTarget(HOME, (), SharedWith((TARGET,))),), (ConsumerRole(TARGET, "by-tag", True),)
    )
    key_arn = key(cloud, plan)
    image = share(cloud, key_arn, {"UserId": TARGET})
    (seen,) = cloud.client("ec2", TARGET).describe_images(ImageIds=[image])["Images"]
    assert (seen["OwnerId"], seen["Tags"]) == (HUB, [])
    by_tag = consumer(cloud, TARGET, "by-tag", key_arn, None)
    code, message = refusal(lambda: launch(cloud, by_tag, image))
    assert (code, f"image/{image}" in message) == ("UnauthorizedOperation", True)


def test_a_units_accounts_launch_with_the_key_and_by_their_own_policies(
    cloud: ServedCloud, organization: Organization
) -> None:
    units = (organization.upper["Arn"],)
    plan = DistributionPlan(HUB, HOME, (RegionTarget(HOME, (), SharedWith(organizational_units=units)),), ())
    key_arn = key(cloud, plan)
    image = share(cloud, key_arn, {"OrganizationalUnitArn": units[0]})
    # Below a unit of the unit; the target is a member of the organisation, and of no unit.
    assert launch(cloud, consumer(cloud, OTHER, "in-unit", key_arn, SHARED), image) == "running"
    member = consumer(cloud, TARGET, "not-in-unit", key_arn, SHARED)
    assert refusal(lambda: launch(cloud, member, image))[0] == "InvalidAMIID.NotFound"
    # What it is then shared with by its id, it sees, and may not use the key.
    cloud.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": TARGET}]})
    assert launch(cloud, member, image) == "terminated"
    organization.move(TARGET, organization.root, organization.upper["Id"])
    assert launch(cloud, member, image) == "running"
    organization.move(TARGET, organization.upper["Id"], organization.root)


def test_an_organisation_launches_and_uses_the_key_through_ec2_only(
    cloud: ServedCloud, organization: Organization
) -> None:
    shared = SharedWith(organizations=(organization.arn,))
    key_arn = key(cloud, DistributionPlan(HUB, HOME, (RegionTarget(HOME, (), shared),), ()))
    image = share(cloud, key_arn, {"OrganizationArn": organization.arn})
    member = consumer(cloud, TARGET, "member", key_arn, SHARED)
    assert launch(cloud, member, image) == "running"
    kms = cloud.client("kms", member)
    assert refusal(lambda: kms.generate_data_key(KeyId=key_arn, KeySpec="AES_256"))[0] == "AccessDeniedException"
    stranger = consumer(cloud, STRANGER, "no-member", key_arn, SHARED)
    assert refusal(lambda: launch(cloud, stranger, image))[0] == "InvalidAMIID.NotFound"
    with_nothing = cloud.role(TARGET, statement("ec2:*"))
    assert launch(cloud, with_nothing, image) == "terminated"


def test_the_tree_of_an_organisation_is_its_management_accounts_to_change(organization: Organization) -> None:
    paths = organization.paths()
    assert paths[OTHER] == f"{organization.lower['Path']}{OTHER}/"
    assert paths[TARGET].split("/")[1:] == [organization.root, TARGET, ""]
    assert refusal(lambda: organization.client(TARGET).list_accounts())[0] == "AccessDeniedException"
    assert refusal(lambda: organization.client(STRANGER).describe_organization())[0] == (
        "AWSOrganizationsNotInUseException"
    )
    assert organization.client(TARGET).describe_organization()["Organization"]["Arn"] == organization.arn
    assert refusal(lambda: organization.join(TARGET))[0] == "HandshakeConstraintViolationException"
    assert refusal(lambda: organization.client().create_organization())[0] == "AlreadyInOrganizationException"
    duplicate = {"ParentId": organization.root, "Name": "workloads"}
    assert refusal(lambda: organization.client().create_organizational_unit(**duplicate))[0] == (
        "DuplicateOrganizationalUnitException"
    )
    assert refusal(lambda: organization.client().list_policies(Filter="SERVICE_CONTROL_POLICY"))[0] == (
        "UnsupportedOperation"
    )
