"""`stacks/Pulumi.<product>.yaml`: one team's customised image."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, Uploader
from model.files.base_image import Architecture, BaseImage, architecture_of
from model.files.component_steps import Components, SemanticVersion
from model.files.distribution import Distribution
from model.files.fields import (
    HUB,
    AccountName,
    FileModel,
    Inconsistency,
    InstanceType,
    ProductName,
    RoleArn,
    RolePath,
    SubnetId,
    TagKey,
    TagValue,
    refuse,
    repeated,
)
from model.files.image import TAG_MAXIMUM, Image, reserved_tags
from model.files.infrastructure import ANYWHERE_OVER_TLS, BuildLogs, Egress, Proxy, SecurityGroupId
from model.files.landing_zone import LandingZone
from model.files.notifications import Notifications
from model.files.operating_system import OperatingSystem
from model.files.retention import Retention
from model.files.volumes import RootVolume
from model.names import GivenTopic, ProductNames


class ConsumerMode(StrEnum):
    """Who makes a consumer role."""

    EXISTING = "existing"
    CREATE = "create"


class Consumer(FileModel):
    """A role that launches instances from the image."""

    account: AccountName
    """Name of the account that holds the role: a target account that gets the image or a share of it, or `hub`."""
    role: RolePath
    """Name of the role, with its path in front where it has one."""
    mode: ConsumerMode
    """`existing`: the role is there and gets the key policy; `create`: role and instance profile are made."""
    auto_scaling: bool = False
    """Whether Auto Scaling groups of the account launch from the image: their service-linked role gets a grant."""


class Product(FileModel):
    """One team's customised image: what it starts from, how it is made, who gets it."""

    name: ProductName
    """The product's name; it is also the stack's."""
    description: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]
    """What the image is for, in one line."""
    operating_system: OperatingSystem
    """`linux` or `windows`."""
    base_image: BaseImage
    """What the image starts from."""
    entry_script: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
    """The script that installs the team's software, by its name under the bucket's `scripts/`."""
    components: Components = Field(default_factory=Components)
    """What is installed and tested beside the script."""
    recipe_version: SemanticVersion | None = None
    """Version of the recipe; left out, it follows the content."""
    retain_old_versions: bool = True
    """Whether earlier versions of components and recipe stay in Image Builder, also when the stack is destroyed."""
    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1)] | None = None
    """Instance types to build on, in order of preference; left out, `m5.large`, or `m7g.large` for an arm64 base image
    (seed 002: instance_type)."""
    subnet: SubnetId | None = None
    """Subnet of the hub's build Region in which build instances run; it decides on public addresses. Left out, the
    first default subnet of the default VPC (seed 002: subnet_id)."""
    security_groups: tuple[SecurityGroupId, ...] = ()
    """Security groups of build instances in the subnet's VPC; left out, one of the product's own (seed 002:
    security_groups)."""
    egress: Annotated[tuple[Egress, ...], Field(min_length=1)] = (ANYWHERE_OVER_TLS,)
    """What build instances reach under the product's own security group; left out, everything over TLS."""
    internet: bool = True
    """Whether the subnet has a way to the internet. Without one, the program checks at each preview that its VPC has
    endpoints for S3, Systems Manager, Image Builder and CloudWatch Logs (Image Builder User Guide, "VPC endpoints")."""
    proxy: Proxy | None = None
    """Proxy for all that a build fetches: set before the first component and taken away after the last one."""
    build_logs: BuildLogs | None = None
    """Where build instances keep their logs beside CloudWatch Logs."""
    image: Image = Field(default_factory=Image)
    """How the product's AMIs are called and tagged."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=TAG_MAXIMUM)] = Field(default_factory=dict)
    """Tags of every resource of the product, beside the landing zone's; the product's win."""
    root_volume: RootVolume = Field(default_factory=RootVolume)
    """The image's root volume."""
    distribution: tuple[Distribution, ...] = ()
    """Regions and accounts that get the image; left out, the hub keeps it in its build Region."""
    retention: Retention | None = None
    """When images go; left out, they are kept."""
    notifications: Notifications = Field(default_factory=Notifications)
    """Who is told how builds end."""
    consumers: tuple[Consumer, ...] = ()
    """Roles that launch instances from the image."""
    uploaders: tuple[RoleArn, ...] = ()
    """ARNs of the team's roles, of any account, that upload scripts; in an account that is neither the hub nor a target
    the team itself adds the policy that the stack's output `uploaderPolicy` holds."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems: list[Inconsistency] = []
        extension = self.operating_system.script_extension
        if not self.entry_script.endswith(extension):
            problems.append(
                Inconsistency(
                    ("entryScript",),
                    f"must end in {extension!r} for operatingSystem {self.operating_system.value!r}, "
                    f"got {self.entry_script!r}; rename the script or change the system",
                )
            )
        problems += [
            Inconsistency(("distribution",), f"holds Region {region!r} twice; put its accounts into one entry")
            for region in repeated([entry.region for entry in self.distribution])
        ]
        roles = [f"{consumer.account}/{consumer.role}" for consumer in self.consumers]
        problems += [Inconsistency(("consumers",), f"holds {role!r} twice; keep one") for role in repeated(roles)]
        problems += [
            Inconsistency(("uploaders",), f"holds {arn!r} twice; keep one") for arn in repeated(self.uploaders)
        ]
        problems += self._unusable_instance_types()
        problems += self._unusable_network()
        problems += reserved_tags(("tags",), self.tags)
        refuse(problems)
        return self

    def _unusable_network(self) -> list[Inconsistency]:
        """Security groups that nobody knows the VPC of, or whose rules are not ours to state."""
        problems: list[Inconsistency] = []
        if self.security_groups and self.subnet is None:
            problems.append(Inconsistency(("subnet",), "is missing: security groups belong to its VPC; add it"))
        if self.security_groups and self.egress != (ANYWHERE_OVER_TLS,):
            message = "is for the product's own security group; set it at the given ones, or remove securityGroups"
            problems.append(Inconsistency(("egress",), message))
        if self.proxy and not self.security_groups and self.proxy.port not in {one.port for one in self.egress}:
            message = f"has no entry for port {self.proxy.port}, and so nothing reaches the proxy; add one"
            problems.append(Inconsistency(("egress",), message))
        if not self.internet and self.subnet is None:
            message = "is missing: the default VPC has a way to the internet; add the subnet that has none"
            problems.append(Inconsistency(("subnet",), message))
        return problems

    def _unusable_instance_types(self) -> list[Inconsistency]:
        """Types whose processors the base image does not run on; where nothing tells what it is for, all are taken."""
        windows = self.operating_system is OperatingSystem.WINDOWS
        wanted = Architecture.X86_64 if windows else self.base_image.architecture
        problems: list[Inconsistency] = []
        for index, instance_type in enumerate(self.instance_types or ()):
            found = architecture_of(instance_type)
            if found is None:
                message = f"{instance_type!r} is a Mac, which runs neither Linux nor Windows; choose another type"
            elif wanted not in {None, found}:
                message = (
                    f"{instance_type!r} has {found} processors, and the base image is for {wanted}; "
                    "choose another type, or another base image"
                )
            else:
                continue
            problems.append(Inconsistency(("instanceTypes", index), message))
        return problems

    @property
    def build_instance_types(self) -> tuple[str, ...]:
        """Instance types to build on, in order of preference."""
        arm64 = self.base_image.architecture is Architecture.ARM64
        return self.instance_types or (("m7g.large",) if arm64 else ("m5.large",))

    @property
    def root_device(self) -> str:
        """Name of the root device."""
        return self.root_volume.device or self.operating_system.root_device

    def kept_in_hub(self, landing_zone: LandingZone) -> bool:
        """Whether the image and its channel are in the hub's build Region, where other products can start from them."""
        home = landing_zone.hub.region
        return not self.distribution or any(one.region == home and not one.accounts for one in self.distribution)

    def names(self, landing_zone: LandingZone) -> ProductNames:
        """Names of the product's resources in the hub."""
        given = self.notifications
        topic = GivenTopic(given.topic, given.topic_key) if given.topic and given.topic_key else None
        return ProductNames(self.name, landing_zone.hub.account, landing_zone.hub.region, topic)

    def plan(self, landing_zone: LandingZone) -> DistributionPlan:
        """The distribution with account ids and ARNs.

        Raises `KeyError` where the product names an account that the landing zone does not hold; `mismatches` tells
        all such names before.
        """
        regions = tuple(entry.target(landing_zone) for entry in self.distribution)
        consumers = tuple(
            ConsumerRole(
                account=landing_zone.account_id(consumer.account),
                role=consumer.role,
                create=consumer.mode is ConsumerMode.CREATE,
                auto_scaling=consumer.auto_scaling,
            )
            for consumer in self.consumers
        )
        uploaders = tuple(Uploader(arn, arn.split(":")[4] in landing_zone.accounts) for arn in self.uploaders)
        return DistributionPlan(
            landing_zone.hub.account,
            landing_zone.hub.region,
            regions or (RegionTarget(landing_zone.hub.region, ()),),
            consumers,
            uploaders,
            {account: landing_zone.deployment_role_arn(account) for account in landing_zone.accounts},
            self.retention is not None,
        )

    def mismatches(self, landing_zone: LandingZone) -> list[Inconsistency]:
        """What the product asks for and the landing zone does not hold."""
        problems: list[Inconsistency] = []
        if (count := len({**landing_zone.tags, **self.tags})) > TAG_MAXIMUM:
            message = (
                f"has {count} keys with the landing zone's, and {TAG_MAXIMUM} leave room for AWS's own; remove some"
            )
            problems.append(Inconsistency(("tags",), message))
        receiving: set[str] = set() if self.distribution else {HUB}
        for index, entry in enumerate(self.distribution):
            problems += [
                Inconsistency(("distribution", index, *found.location), found.message)
                for found in entry.mismatches(landing_zone)
            ]
            receiving.update(entry.users)
        problems += [
            Inconsistency(
                ("consumers", index, "account"),
                f"{consumer.account!r} gets no image ({', '.join(sorted(receiving))}); "
                "name it in the distribution, or remove the consumer",
            )
            for index, consumer in enumerate(self.consumers)
            if consumer.account not in receiving
        ]
        return problems
