"""`stacks/Pulumi.landing-zone.yaml`: what all products share."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.component_steps import MandatoryComponents
from model.files.fields import (
    HUB,
    TAG_MAXIMUM,
    AccountId,
    AccountName,
    FileModel,
    Inconsistency,
    Region,
    RoleArn,
    RolePath,
    TagKey,
    TagValue,
    refuse,
    repeated,
    stated_twice,
    tag_problems,
)
from model.files.operating_system import OperatingSystem
from model.names import role_arn

DEPLOYMENT_ROLE = "golden-ami-deployment"

OrganizationId = Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$")]
"""Id of an organisation (Organizations API Reference, Organization)."""


class Target(FileModel):
    """An account that receives images (seed 001's Account B)."""

    account: AccountId
    """Account id: twelve digits in quotes."""
    deployment_role: RolePath = DEPLOYMENT_ROLE
    """Role that the program assumes there to make its resources."""


class Hub(Target):
    """The account that builds the images (seed 000's CCOE account, seed 001's Account A)."""

    region: Region
    """Region in which images are built."""


class LandingZone(FileModel):
    """The hub, its target accounts, the Regions in use, and who administers keys.

    Source: seeds 000 and 001; IAM User Guide, "Tagging IAM resources".
    """

    hub: Hub
    """The account that builds the images."""
    targets: dict[AccountName, Target] = Field(default_factory=dict)
    """Target accounts by the names that product files use. Without any, images stay in the hub."""
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    """Regions to which products may be distributed; the hub's own is one of them."""
    key_administrators: Annotated[tuple[RoleArn, ...], Field(min_length=1, max_length=10)]
    """ARNs of existing roles in the hub that administer every product's keys, and may use them (seed 001); 10 at most,
    so that a key's policy, which names each three times, keeps room for a product's accounts."""
    organizations: Annotated[tuple[OrganizationId, ...], Field(max_length=10)] = ()
    """Organisations, such as o-abcdefghij, that products may share images with; the policy pack refuses others."""
    inspector: bool = False
    """Whether Amazon Inspector scans the hub's instances in the build Region, which products with `scan` need; it is
    a paid service and makes its service-linked role (seed 002: Inspector)."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=TAG_MAXIMUM)] = Field(default_factory=dict)
    """Tags that every resource gets; 40 at most, so that AWS's 50 hold the program's own too."""
    mandatory_components: MandatoryComponents = Field(default_factory=MandatoryComponents)
    """Components of every product, which none can leave out; their own documents lie in `stacks/landing-zone/`."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems: list[Inconsistency] = []
        if self.hub.region not in self.regions:
            problems.append(Inconsistency(("regions",), f"must hold the hub's own Region {self.hub.region!r}; add it"))
        problems += stated_twice(("regions",), self.regions)
        if HUB in self.targets:
            problems.append(
                Inconsistency(("targets", HUB), f"{HUB!r} stands for the hub account itself; rename this target")
            )
        problems += [
            Inconsistency(("targets",), f"account {account!r} is stated twice; give each account one name")
            for account in repeated(self.accounts)
        ]
        problems += stated_twice(("keyAdministrators",), self.key_administrators)
        problems += stated_twice(("organizations",), self.organizations)
        problems += [
            Inconsistency(("mandatoryComponents", system.value, *place), "is for products only; state document instead")
            for system in OperatingSystem
            for place, _ in self.mandatory_components.of(system).bucket_documents
        ]
        problems += [
            Inconsistency(
                ("keyAdministrators", index),
                f"{arn!r} is not a role of the hub {self.hub.account}; name one of its roles",
            )
            for index, arn in enumerate(self.key_administrators)
            if arn.split(":")[4] != self.hub.account
        ]
        problems += tag_problems(("tags",), self.tags)
        refuse(problems)
        return self

    @property
    def accounts(self) -> tuple[str, ...]:
        """Ids of all accounts in which this program works: the hub and the targets."""
        return (self.hub.account, *(target.account for target in self.targets.values()))

    def deployment_role_arn(self, account: str) -> str:
        """ARN of an account's deployment role; raises `KeyError` for an id that the file does not hold."""
        name = self.account_name(account)
        return role_arn(account, (self.hub if name == HUB else self.targets[name]).deployment_role)

    def account_id(self, name: str) -> str:
        """Id of an account by its name; raises `KeyError` for a name that the file does not hold."""
        return self.hub.account if name == HUB else self.targets[name].account

    def account_name(self, account: str) -> str:
        """Name of an account by its id; raises `KeyError` for an id that the file does not hold."""
        names = {self.hub.account: HUB, **{target.account: name for name, target in self.targets.items()}}
        return names[account]
