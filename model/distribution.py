"""The distribution plan: which account receives a product's image in which Region, and who launches it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.names import GivenRoles, role_arn, role_name


@dataclass(frozen=True)
class ConsumerRole:
    """A role that launches instances from a product's image.

    `role` is the name, with its path in front where it has one; `create` tells whether this program makes the role or
    only adds a policy to it (seed 001, Account B). `auto_scaling` asks for the account's Auto Scaling groups too.
    """

    account: str
    role: str
    create: bool
    auto_scaling: bool = False

    @property
    def arn(self) -> str:
        """ARN of the role."""
        return role_arn(self.account, self.role)

    @property
    def name(self) -> str:
        """The role's name without its path, as IAM's operations take it."""
        return role_name(self.role)


@dataclass(frozen=True)
class Uploader:
    """A role of the product's team that uploads scripts.

    `ours` tells whether this program works in its account and so puts the role's policy there; otherwise the team does.
    """

    arn: str
    ours: bool

    @property
    def account(self) -> str:
        """Id of the role's account."""
        return self.arn.split(":")[4]

    @property
    def name(self) -> str:
        """The role's name without its path, as IAM's operations take it."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class SharedWith:
    """Who may launch from the hub's own AMI of a Region: ids of accounts, ARNs of organisations and their units."""

    accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    organizational_units: tuple[str, ...] = ()


@dataclass(frozen=True)
class LaunchTemplate:
    """A launch template of an account that gets a version with each new AMI, its default one where that is asked."""

    account: str
    id: str
    set_default_version: bool


@dataclass(frozen=True)
class RegionTarget:
    """One Region of the distribution.

    `accounts` are the ids of the target accounts that get a copy there; with none of them the hub keeps the image,
    as in seed 001, where an image is used where it is built, and may share it. `parameters` are named beside the
    channel. `name` and `description` are the AMI's, where they differ from those of other Regions.
    """

    region: str
    accounts: tuple[str, ...]
    shared: SharedWith = SharedWith()
    license_configurations: tuple[str, ...] = ()
    launch_templates: tuple[LaunchTemplate, ...] = ()
    parameters: tuple[str, ...] = ()
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class SharedImages:
    """The account that owns the AMIs which another launches from, and the Regions."""

    owner: str
    regions: tuple[str, ...]


@dataclass(frozen=True)
class DistributionPlan:
    """Where a product's image goes. `regions` is never empty and holds each Region once."""

    hub: str
    build_region: str
    regions: tuple[RegionTarget, ...]
    consumers: tuple[ConsumerRole, ...]
    uploaders: tuple[Uploader, ...] = ()
    deployment_roles: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARN of each account's deployment role by the account's id."""
    given_roles: GivenRoles = field(default_factory=GivenRoles)
    """Roles of the hub that were there before the product, to which it adds its policies."""
    base_parameter: str | None = None
    """SSM parameter of the hub's own that names the base image; None where the base is found otherwise."""
    fast_launch: bool = False
    """Whether EC2 makes snapshots of the hub's own images ready before anybody launches."""
    scheduled: bool = False
    """Whether a schedule of EventBridge Scheduler starts builds."""
    retention: bool = False
    """Whether images are removed after a time."""

    @property
    def replica_regions(self) -> tuple[str, ...]:
        """Regions that need a replica of the image key beside the build Region's own."""
        return tuple(target.region for target in self.regions if target.region != self.build_region)

    def holders(self, target: RegionTarget) -> tuple[str, ...]:
        """Accounts that own an AMI of the image in one Region, with the parameters that Image Builder writes."""
        return target.accounts or (self.hub,)

    def users(self, target: RegionTarget) -> tuple[str, ...]:
        """Accounts that launch from the image in one Region: its holders, and those that the hub shares it with."""
        return (*self.holders(target), *target.shared.accounts)

    @property
    def hub_regions(self) -> tuple[str, ...]:
        """Regions in which the hub itself keeps the image."""
        return tuple(target.region for target in self.regions if not target.accounts)

    @property
    def target_accounts(self) -> tuple[str, ...]:
        """Every account beside the hub that gets a copy somewhere, each once, in order."""
        return tuple(dict.fromkeys(account for target in self.regions for account in target.accounts))

    @property
    def shared_accounts(self) -> tuple[str, ...]:
        """Every account that the hub's own AMI is shared with somewhere, each once, in order."""
        return tuple(dict.fromkeys(account for target in self.regions for account in target.shared.accounts))

    @property
    def template_accounts(self) -> tuple[str, ...]:
        """Every account beside the hub with a launch template that is to be updated, each once, in order."""
        templates = (template for target in self.regions for template in target.launch_templates)
        return tuple(dict.fromkeys(template.account for template in templates if template.account != self.hub))

    @property
    def key_regions(self) -> tuple[str, ...]:
        """Every Region that has a key of the product: the build Region first."""
        return (self.build_region, *self.replica_regions)

    @property
    def role_accounts(self) -> tuple[str, ...]:
        """Accounts in which the product makes something: the hub, those of its roles, and those it adds rights in."""
        uploaders = (uploader.account for uploader in self.uploaders if uploader.ours)
        consumers = (consumer.account for consumer in self.consumers)
        return tuple(dict.fromkeys((self.hub, *consumers, *uploaders, *self.extended_accounts)))

    @property
    def extended_accounts(self) -> tuple[str, ...]:
        """Accounts beside the hub whose distribution role writes more for the product than channels, each once."""
        parameters = (account for target in self.regions if target.parameters for account in self.users(target))
        accounts = (*self.shared_accounts, *parameters, *self.template_accounts)
        return tuple(dict.fromkeys(account for account in accounts if account != self.hub))

    def distribution_accounts(self, region: str) -> tuple[str, ...]:
        """Target accounts whose distribution role uses the key of a Region.

        A copy reads under the build Region's key and writes under its own Region's key (Image Builder User Guide,
        "Cross-account distribution"), so the build Region's key serves every target.
        """
        if region == self.build_region:
            return self.target_accounts
        return tuple(account for target in self.regions if target.region == region for account in target.accounts)

    def consumers_in(self, region: str) -> tuple[ConsumerRole, ...]:
        """Consumer roles whose account launches from the image in a Region."""
        users = {account for target in self.regions if target.region == region for account in self.users(target)}
        return tuple(consumer for consumer in self.consumers if consumer.account in users)

    def regions_of(self, account: str) -> tuple[str, ...]:
        """Regions in which an account launches from the image."""
        return tuple(target.region for target in self.regions if account in self.users(target))

    def shared_with(self, account: str) -> SharedImages | None:
        """Where an account launches from the hub's own AMI; None where it does nowhere."""
        regions = tuple(target.region for target in self.regions if account in target.shared.accounts)
        return SharedImages(self.hub, regions) if regions else None

    def auto_scaling_accounts(self, region: str) -> tuple[str, ...]:
        """Accounts whose Auto Scaling groups launch from the image in a Region, each once, in order."""
        consumers = (consumer for consumer in self.consumers_in(region) if consumer.auto_scaling)
        return tuple(dict.fromkeys(consumer.account for consumer in consumers))
