"""`stacks/Pulumi.<product>.yaml`: one team's customised image."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.distribution import ConsumerRole, DistributionPlan, RegionTarget, Uploader
from model.files.base_image import Architecture, BaseImage
from model.files.component_bucket import ComponentBucket
from model.files.component_steps import Components, SemanticVersion
from model.files.consumers import Consumer, ConsumerMode
from model.files.dependencies import dependencies
from model.files.distribution import Distribution
from model.files.fast_launch import FastLaunch
from model.files.fields import (
    FileModel,
    InstanceType,
    OneLine,
    ProductName,
    RoleArn,
    RolePath,
    SubnetId,
    TagKey,
    TagValue,
    refuse,
)
from model.files.guarded import Guarded
from model.files.image import Image
from model.files.infrastructure import (
    ANYWHERE_OVER_TLS,
    BuildLogs,
    Egress,
    InstanceProfile,
    Proxy,
    SecurityGroupId,
)
from model.files.landing_zone import LandingZone
from model.files.notifications import Notifications
from model.files.operating_system import OperatingSystem
from model.files.product_rules import inconsistencies
from model.files.retention import Retention
from model.files.scan import Scan
from model.files.schedule import Schedule, StartCondition
from model.files.volumes import DATA_VOLUME_MAXIMUM, DataVolume, RootVolume
from model.files.workflows import Workflow
from model.names import GivenRoles, GivenTopic, ProductNames

INSTANCE_TAG_MAXIMUM = 29
"""Tags of build instances beside the program's own."""


class Product(FileModel):
    """One team's customised image: what it starts from, how it is made, who gets it.

    Source: seed 002, config.json; Image Builder API Reference, CreateImageRecipe and CreateImagePipeline.
    """

    name: ProductName
    """The product's name; it is also the stack's."""
    description: Annotated[OneLine, StringConstraints(max_length=200)]
    """What the image is for, in one line."""
    operating_system: OperatingSystem
    """`linux` or `windows`."""
    base_image: BaseImage
    """What the image starts from."""
    entry_script: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
    """The script that installs the team's software, by its name under the bucket's `scripts/`."""
    components: Components = Field(default_factory=Components)
    """What is installed and tested beside the script."""
    component_bucket: ComponentBucket | None = None
    """A bucket that has component documents already; left out, they lie in `stacks/<product>/` (seed 002:
    ami_component_bucket_create)."""
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
    security_groups: Annotated[tuple[SecurityGroupId, ...], Field(max_length=16)] = ()
    """Security groups of build instances in the subnet's VPC; left out, one of the product's own (seed 002:
    security_groups; VPC User Guide, "Amazon VPC quotas")."""
    egress: Annotated[tuple[Egress, ...], Field(min_length=1, max_length=60)] = (ANYWHERE_OVER_TLS,)
    """What build instances reach under the product's own security group; left out, everything over TLS."""
    internet: bool = True
    """Whether the subnet has a way to the internet. Without one, the program checks at each preview that its VPC has
    endpoints for S3, Systems Manager, Image Builder and CloudWatch Logs (Image Builder User Guide, "VPC endpoints")."""
    proxy: Proxy | None = None
    """Proxy for all that a build fetches: set before the first component and taken away after the last one."""
    instance_profile: InstanceProfile | None = None
    """Instance profile of build instances and its role; left out, both are made (seed 002: instanceProfileName)."""
    execution_role: RolePath | None = None
    """Existing role of the hub with which Image Builder runs the pipeline, with its path in front where it has one; its
    trust policy admits `imagebuilder.amazonaws.com`, and the program adds what the pipeline does. Left out, one is
    made."""
    terminate_on_failure: bool = True
    """Whether a build instance is terminated when the build failed; one that is kept can be looked at, and costs."""
    build_logs: BuildLogs | None = None
    """Where build instances keep their logs beside CloudWatch Logs."""
    image: Image = Field(default_factory=Image)
    """How the product's AMIs are called and tagged."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=INSTANCE_TAG_MAXIMUM)] = Field(default_factory=dict)
    """Tags of every resource of the product, beside the landing zone's; the product's win. Build instances get them
    too, and Image Builder takes 30 for those (API Reference, CreateInfrastructureConfiguration)."""
    root_volume: RootVolume = Field(default_factory=RootVolume)
    """The image's root volume."""
    data_volumes: Annotated[tuple[DataVolume, ...], Field(max_length=DATA_VOLUME_MAXIMUM)] = ()
    """Further volumes of the image, 26 at most; those that the base image brings must be among them."""
    fast_launch: FastLaunch | None = None
    """Fast launch of a Windows image that the hub keeps; left out, instances start the usual way."""
    workflows: tuple[Workflow, ...] = ()
    """Build and test workflows in place of Image Builder's own, in their order; of a kind that none is stated of, its
    own runs. What they do beside building needs an execution role that may."""
    scan: Scan | None = None
    """How the finished image is scanned before it is distributed; left out, it is not (seed 002: inspector_validation).
    Needs Amazon Inspector in the hub: the landing zone's `inspector`."""
    distribution: tuple[Distribution, ...] = ()
    """Regions and accounts that get the image; left out, the hub keeps it in its build Region."""
    schedule: Schedule | None = None
    """When the image is built again without an upload; left out, by uploads and by hand only (seed 002: schedule)."""
    retention: Retention | None = None
    """When images go; left out, they are kept."""
    allowed_deletions: Annotated[tuple[Guarded, ...], Field(max_length=len(Guarded))] = ()
    """What `make check-products` lets an update delete or replace: `keys`, `buckets`, `images`; left out, none of them.
    They stay protected in the stack: this is for those who review a change."""
    notifications: Notifications = Field(default_factory=Notifications)
    """Who is told how builds end."""
    consumers: tuple[Consumer, ...] = ()
    """Roles that launch instances from the image."""
    uploaders: tuple[RoleArn, ...] = ()
    """ARNs of the team's roles, of any account, that upload scripts; in an account that is neither the hub nor a target
    the team itself adds the policy that the stack's output `uploaderPolicy` holds."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        refuse(inconsistencies(self))
        return self

    @property
    def build_instance_types(self) -> tuple[str, ...]:
        """Instance types to build on, in order of preference."""
        arm64 = self.base_image.architecture is Architecture.ARM64
        return self.instance_types or (("m7g.large",) if arm64 else ("m5.large",))

    @property
    def root_device(self) -> str:
        """Name of the root device."""
        return self.root_volume.device or self.operating_system.root_device

    def starting_from(self, ami_id: str, owner: str = "") -> Product:
        """The same product with the AMI that its base is now, and who published that."""
        return self.model_copy(update={"base_image": self.base_image.found(ami_id, owner)})

    def kept_in_hub(self, landing_zone: LandingZone) -> bool:
        """Whether the image and its channel are in the hub's build Region, where other products can start from them."""
        home = landing_zone.hub.region
        return not self.distribution or any(one.region == home and not one.accounts for one in self.distribution)

    def dependencies(self, landing_zone: LandingZone) -> tuple[str, ...]:
        """What the schedule looks at before it builds; empty where it builds always, or where there is none."""
        if self.schedule is None or self.schedule.start_condition is StartCondition.ALWAYS:
            return ()
        mandatory = landing_zone.mandatory_components.of(self.operating_system)
        return dependencies(self.base_image, (self.components, mandatory))

    def names(self, landing_zone: LandingZone) -> ProductNames:
        """Names of the product's resources in the hub."""
        given = self.notifications
        topic = GivenTopic(given.topic, given.topic_key) if given.topic and given.topic_key else None
        return ProductNames(self.name, landing_zone.hub.account, landing_zone.hub.region, topic, self.given_roles)

    @property
    def given_roles(self) -> GivenRoles:
        """Roles of the hub that are there already."""
        profile = self.instance_profile
        return GivenRoles(profile.role if profile else None, profile.name if profile else None, self.execution_role)

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
            given_roles=self.given_roles,
            base_parameter=self.base_image.own_parameter,
            fast_launch=self.fast_launch is not None,
            scheduled=self.schedule is not None,
            retention=self.retention is not None,
        )
