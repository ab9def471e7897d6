"""Reading what decides on launches of a product from what is deployed, with calls that change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from commands.access_accounts import Accounts
from commands.access_images import HoldingPlace, read_image
from commands.access_roles import obstacle, read_permissions, read_profile_roles
from model.access import Grant, NamedPolicy, Permissions, Principal, ResourceSide
from model.distribution import ConsumerRole, DistributionPlan
from model.launch_access import LaunchAccess, Launcher, Obstacle, Place, Step
from model.names import auto_scaling_role_arn, image_key_alias
from model.planned_launches import (
    auto_scaling_accounts,
    key_policy_name,
    passed_by_auto_scaling,
    planned_key_arn,
)

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient


@dataclass(frozen=True)
class ImageKey:
    """The image key of a Region as it is."""

    arn: str
    side: ResourceSide
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True)
class DeployedLaunches:
    """Reads the launches of a product; `instance_type` is the one that its instances are predicted with."""

    product: str
    plan: DistributionPlan
    instance_type: str
    accounts: Accounts

    def read(self) -> LaunchAccess:
        """Every consumer and every place; raises `ClientError` where an error tells nothing about access."""
        keys = {target.region: self._key(target.region) for target in self.plan.regions}
        places = tuple(
            self._place(account, target.region, keys[target.region])
            for target in self.plan.regions
            for account in self.plan.users(target)
        )
        launchers = [self._consumer(consumer) for consumer in self.plan.consumers]
        launchers += [self._auto_scaling(account) for account in auto_scaling_accounts(self.plan)]
        return LaunchAccess(self.product, tuple(launchers), places)

    def _consumer(self, consumer: ConsumerRole) -> Launcher:
        advice = self._deploy if consumer.create else f"make it in account {consumer.account}"
        what = f"role {consumer.role} of account {consumer.account}"
        try:
            iam = self.accounts.iam(consumer.account)
            permissions = read_permissions(iam, consumer.arn)
            passes = read_profile_roles(iam, consumer.arn)
        except ClientError as error:
            return _stopped(consumer.arn, obstacle(error, what, advice))
        if permissions.principal.arn != consumer.arn:
            # IAM knows a role by its name alone; the key's policy admits it by its path and name.
            moved = Obstacle(f"{what} is {permissions.principal.arn}: state its path in the product's file")
            return _stopped(consumer.arn, moved)
        if consumer.create and not passes:
            bare = Obstacle(f"the instance profile of {what} does not exist: {self._deploy}")
            return Launcher(permissions, obstacles={Step.INSTANCE_PROFILE: (bare,)})
        return Launcher(permissions, passes)

    def _auto_scaling(self, account: str) -> Launcher:
        arn = auto_scaling_role_arn(account)
        advice = (
            f"aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com, in account {account}"
        )
        try:
            permissions = read_permissions(self.accounts.iam(account), arn)
        except ClientError as error:
            what = f"role {arn.rsplit('/', 1)[-1]} of account {account}"
            return _stopped(arn, obstacle(error, what, advice))
        return Launcher(permissions, passed_by_auto_scaling(self.plan, account), reads=("ssm:GetParameters",))

    def _key(self, region: str) -> ImageKey:
        alias = image_key_alias(self.product)
        hub = self.plan.hub
        try:
            kms = self.accounts.kms(hub, region)
            metadata = kms.describe_key(KeyId=alias)["KeyMetadata"]
            arn = metadata.get("Arn", "")
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default").get("Policy", "{}")
            grants = tuple(_grants(kms, arn))
        except ClientError as error:
            nobody = ResourceSide(owner=hub, required=True)
            stands = obstacle(error, f"key {alias} of {hub} in {region}", self._deploy)
            return ImageKey(planned_key_arn(self.plan, region), nobody, (stands,))
        state = metadata.get("KeyState", "")
        unusable = Obstacle(f"key {arn} is {state}: enable it, or cancel its deletion")
        named = NamedPolicy(key_policy_name(self.product, region), json.loads(policy))
        side = ResourceSide(owner=hub, policy=named, required=True, grants=grants)
        return ImageKey(arn, side, () if state == "Enabled" else (unusable,))

    def _place(self, account: str, region: str, key: ImageKey) -> Place:
        shared = self.plan.shared_with(account)
        owner = shared.owner if shared and region in shared.regions else account
        held = read_image(self.accounts, self.product, HoldingPlace(account, region, owner), key.arn)
        return Place(
            account,
            region,
            held.copy,
            key.arn,
            key.side,
            image=held.image,
            instance_type=self.instance_type,
            tags=held.tags,
            owner=owner,
            obstacles={**held.obstacles, Step.KEY: key.obstacles, Step.GRANT: key.obstacles},
        )

    @property
    def _deploy(self) -> str:
        return f"pulumi up --stack {self.product}"


def _stopped(arn: str, stands: Obstacle) -> Launcher:
    """A launcher of which nothing is known but that it cannot launch; snapshots do not depend on it."""
    return Launcher(
        Permissions(Principal(arn)), obstacles={step: (stands,) for step in Step if step is not Step.SNAPSHOT}
    )


def _grants(kms: KMSClient, key_arn: str) -> Iterator[Grant]:
    for page in kms.get_paginator("list_grants").paginate(KeyId=key_arn):
        for grant in page.get("Grants", []):
            constraints = grant.get("Constraints", {})
            yield Grant(
                grant.get("GranteePrincipal", ""),
                frozenset(grant.get("Operations", [])),
                constraints.get("EncryptionContextEquals"),
                constraints.get("EncryptionContextSubset"),
            )
