"""What the accounts hold before anybody deploys: deployment roles, roles that the files call existing, and people.

On AWS an account is handed over with these. Here the accounts' root users make them, through the same API, and nothing
else is done with root credentials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.credentials import Credentials
from local.environment import LocalFolder
from local.people import application_operator, hire, platform_engineer, product_engineer, script_author
from local.session import Actor
from local.stack_files import StackFiles
from model.deployment_role import deployment_role_trust, hub_deployment_policy, target_deployment_policy
from model.distribution import DistributionPlan
from model.documents import PolicyDocument, Statement, trust_policy
from model.files.component_bucket import documents_arns
from model.files.deployed_features import scanning_of
from model.hub_policies import service_trust
from model.names import account_root_arn, role_arn, role_name
from model.pipeline_policies import INSTANCE_MANAGED_POLICIES, execution_role_trust
from model.scan_deployment import MANAGED_POLICY, scanning_deployment_policy
from model.target_policies import consumer_launch_policy, consumer_role_trust
from runtime.functions.aws_errors import code_of

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

OWN_POLICY = "own"
"""Name of the inline policy with which a role is handed over; the program's own have other names."""


@dataclass(frozen=True)
class ExistingRole:
    """A role that is there before the first deployment; `role` may hold a path in front of the name."""

    account: str
    role: str
    trust: PolicyDocument
    policy: PolicyDocument | None = None
    managed: tuple[str, ...] = ()
    """ARNs of managed policies."""
    instance_profile: str | None = None
    """Instance profile that holds the role."""
    own_managed: Mapping[str, PolicyDocument] = field(default_factory=dict[str, PolicyDocument])
    """Customer managed policies of the role by name."""

    @property
    def name(self) -> str:
        """The name without its path."""
        return role_name(self.role)

    @property
    def path(self) -> str:
        """The path, `/` where there is none."""
        return f"/{self.role.removesuffix(self.name)}"


def existing_roles(files: StackFiles) -> Iterator[ExistingRole]:
    """The roles that the stack files take for granted."""
    zone = files.landing_zone
    hub = zone.hub.account
    plans = tuple(files.plans.values())
    documents = documents_arns(product.component_bucket for product in files.products.values())
    hub_policy = hub_deployment_policy(hub, zone.hub.region, zone.regions, plans, documents)
    scanning = scanning_of(zone, files.products.values())
    scans = {MANAGED_POLICY: scanning_deployment_policy(hub, zone.hub.region, scanning)}
    own = scans if scanning.wanted else {}
    yield ExistingRole(hub, zone.hub.deployment_role, deployment_role_trust(hub), hub_policy, own_managed=own)
    for target in zone.targets.values():
        policy = target_deployment_policy(target.account, plans)
        yield ExistingRole(target.account, target.deployment_role, deployment_role_trust(hub), policy)
    for arn in zone.key_administrators:
        trust = Statement("AdministratorsOfHub", ("sts:AssumeRole",), principal={"AWS": account_root_arn(hub)})
        yield ExistingRole(hub, arn.partition(":role/")[2], trust_policy(trust))
    for product, plan in files.plans.items():
        for consumer in plan.consumers:
            if not consumer.create:
                # What an application's own role has already; the program adds the key.
                regions = plan.regions_of(consumer.account)
                policy = consumer_launch_policy(product, consumer.arn, regions, plan.shared_with(consumer.account))
                trust = consumer_role_trust(consumer.account)
                yield ExistingRole(consumer.account, consumer.role, trust, policy)
        for uploader in plan.uploaders:
            team = Statement(
                "TeamOfAccount", ("sts:AssumeRole",), principal={"AWS": account_root_arn(uploader.account)}
            )
            yield ExistingRole(uploader.account, uploader.arn.partition(":role/")[2], trust_policy(team))
        yield from _given_roles(hub, plan)


def _given_roles(hub: str, plan: DistributionPlan) -> Iterator[ExistingRole]:
    """Roles that a product's file names instead of having them made."""
    given = plan.given_roles
    if given.instance:
        trust = service_trust("AssumedByInstances", "ec2.amazonaws.com")
        yield ExistingRole(hub, given.instance, trust, None, INSTANCE_MANAGED_POLICIES, given.instance_profile)
    if given.execution:
        yield ExistingRole(hub, given.execution, execution_role_trust(hub))


def set_up(folder: LocalFolder, files: StackFiles, address: str, run: str) -> Credentials:
    """Make or bring up to date what the accounts hold; returns the people's access keys. Safe to repeat."""
    for role in existing_roles(files):
        _make(role, Actor.root(role.account, address))
    for account in scaled_accounts(files):
        _make_auto_scaling_role(Actor.root(account, address))
    zone = files.landing_zone
    deployment_roles = (zone.hub, *zone.targets.values())
    people = [
        platform_engineer(
            zone.hub.account, tuple(role_arn(target.account, target.deployment_role) for target in deployment_roles)
        ),
        *(application_operator(account, files.plans) for account in files.accounts),
    ]
    if files.products:
        people.append(product_engineer(tuple(files.names(name) for name in files.products)))
    uploaders = {uploader.arn: uploader for plan in files.plans.values() for uploader in plan.uploaders}
    for account in {uploader.account for uploader in uploaders.values()}:
        people.append(script_author(account, tuple(arn for arn in uploaders if uploaders[arn].account == account)))
    file = folder.cloud / "credentials.json"
    before = Credentials.read(file, run)
    keys = {
        person.label: hire(person, Actor.root(person.account, address).iam(), before.keys.get(person.label))
        for person in people
    }
    credentials = Credentials(run, keys)
    credentials.write(file)
    return credentials


def scaled_accounts(files: StackFiles) -> tuple[str, ...]:
    """Accounts in which a product is launched by Auto Scaling groups, each once."""
    consumers = (consumer for plan in files.plans.values() for consumer in plan.consumers if consumer.auto_scaling)
    return tuple(dict.fromkeys(consumer.account for consumer in consumers))


def _make_auto_scaling_role(root: Actor) -> None:
    try:
        root.iam().create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    except ClientError as error:
        # An account has one of them, and AWS calls a second one invalid input.
        if code_of(error) != "InvalidInput":
            raise


def _make(role: ExistingRole, root: Actor) -> None:
    iam = root.iam()
    trust = json.dumps(role.trust.as_dict())
    try:
        iam.create_role(RoleName=role.name, Path=role.path, AssumeRolePolicyDocument=trust)
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust)
    if role.policy is not None:
        document = json.dumps(role.policy.as_dict(), separators=(",", ":"))
        iam.put_role_policy(RoleName=role.name, PolicyName=OWN_POLICY, PolicyDocument=document)
    for name, policy in role.own_managed.items():
        _attach(role, name, policy, iam)
    for arn in role.managed:
        iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    if role.instance_profile:
        _make_profile(role.instance_profile, role.name, iam)


def _make_profile(profile: str, role: str, iam: IAMClient) -> None:
    try:
        iam.create_instance_profile(InstanceProfileName=profile)
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
    held = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    if not held:
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)


def _attach(role: ExistingRole, name: str, policy: PolicyDocument, iam: IAMClient) -> None:
    """Make a managed policy and attach it; one that is there is made again, whatever it held."""
    arn = f"arn:aws:iam::{role.account}:policy/{name}"
    try:
        iam.detach_role_policy(RoleName=role.name, PolicyArn=arn)
        iam.delete_policy(PolicyArn=arn)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
    iam.create_policy(PolicyName=name, PolicyDocument=policy.json())
    iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
