"""Where a product's image goes: Regions, the accounts that get a copy or a share, and what is updated there."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.distribution import LaunchTemplate, RegionTarget, SharedWith
from model.files.fields import (
    HUB,
    AccountName,
    FileModel,
    Inconsistency,
    ParameterName,
    Region,
    refuse,
    stated_twice,
)
from model.files.image import AmiDescription, AmiName, name_problems
from model.files.landing_zone import LandingZone

ACCOUNT_MAXIMUM = 1536
"""Target accounts of a Region (Image Builder API Reference, AmiDistributionConfiguration)."""

ORGANIZATION_MAXIMUM = 25
"""ARNs of organisations, and of organisational units (Image Builder API Reference, LaunchPermissionConfiguration)."""

SHARE_MAXIMUM = 1000
"""Accounts, organisations and units that an AMI is shared with in a Region (EC2 User Guide, "AMI quotas")."""

LICENSE_MAXIMUM = 50
TEMPLATE_MAXIMUM = 100
PARAMETER_LEVELS = 15
"""Levels of a parameter's name (Systems Manager User Guide, "Requirements and constraints for parameter names")."""

RESERVED_PARAMETERS = ("/aws", "/ssm", "/golden-ami/")

OrganizationArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}$")
]
OrganizationalUnitArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$"
    ),
]
LicenseConfigurationArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws:license-manager:[a-z0-9-]+:[0-9]{12}:license-configuration:lic-[a-z0-9-_]{32}$"
    ),
]
LaunchTemplateId = Annotated[str, StringConstraints(pattern=r"^lt-[0-9a-f]{17}$")]


class Share(FileModel):
    """Launch permission on the hub's own AMI of a Region, for 1,000 entities at most; no copy is made.

    Source: Image Builder API Reference, LaunchPermissionConfiguration; EC2 User Guide, "Share an AMI".
    """

    accounts: tuple[AccountName, ...] = ()
    """Names of target accounts; their consumers get the image key, and they get the channel and the parameters."""
    organizations: Annotated[tuple[OrganizationArn, ...], Field(max_length=ORGANIZATION_MAXIMUM)] = ()
    """ARNs of organisations whose accounts may launch and use the image key through EC2, with their own policies; 25 at
    most (Image Builder API Reference, LaunchPermissionConfiguration)."""
    organizational_units: Annotated[tuple[OrganizationalUnitArn, ...], Field(max_length=ORGANIZATION_MAXIMUM)] = ()
    """ARNs of organisational units, likewise, with all that is below them; 25 at most."""

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        lists = {
            "accounts": self.accounts,
            "organizations": self.organizations,
            "organizationalUnits": self.organizational_units,
        }
        problems = [problem for name, values in lists.items() for problem in stated_twice((name,), values)]
        count = sum(len(values) for values in lists.values())
        if not count:
            problems.append(
                Inconsistency((), "shares with nobody; name accounts, organizations or organizationalUnits")
            )
        if count > SHARE_MAXIMUM:
            message = f"names {count} entities, and an AMI is shared with {SHARE_MAXIMUM} at most; share with units"
            problems.append(Inconsistency((), message))
        refuse(problems)
        return self


class LaunchTemplateUpdate(FileModel):
    """A launch template that gets a version with each new AMI; it carries the tag `CreatedBy: EC2 Image Builder`.

    Source: Image Builder API Reference, LaunchTemplateConfiguration.
    """

    account: AccountName
    """Account that holds the template: `hub`, or the name of an account that the image is shared with."""
    id: LaunchTemplateId
    """Id of the template, in the entry's Region."""
    set_default_version: bool = True
    """Whether the new version becomes the default one (Image Builder API Reference, LaunchTemplateConfiguration)."""


class Distribution(FileModel):
    """One Region that gets the image.

    Source: seed 002, distribution; Image Builder API Reference, Distribution.
    """

    region: Region
    """A Region of the landing zone (seed 002: Distribution, region)."""
    accounts: Annotated[tuple[AccountName, ...], Field(max_length=ACCOUNT_MAXIMUM)] = ()
    """Names of target accounts that get a copy there, 1,536 at most; left out, the hub itself keeps the image (seed
    002: Distribution, accounts)."""
    share: Share | None = None
    """Who may launch from the hub's own AMI there; instead of `accounts`."""
    license_configurations: Annotated[tuple[LicenseConfigurationArn, ...], Field(max_length=LICENSE_MAXIMUM)] = ()
    """ARNs of License Manager's configurations of the Region that the hub's own AMI is associated with, 50 at most."""
    launch_templates: Annotated[tuple[LaunchTemplateUpdate, ...], Field(max_length=TEMPLATE_MAXIMUM)] = ()
    """Launch templates of the Region that are to name the hub's own AMI, 100 at most. A template of an account that
    gets a copy needs no update: it names its channel (`resolve:ssm:/golden-ami/<product>/stable`)."""
    parameters: tuple[ParameterName, ...] = ()
    """Further SSM parameters that name the AMI in each of the accounts beside the channel, and in the hub where it
    keeps the image."""
    name: AmiName | None = None
    """Name of the AMI in this Region, with the placeholders of `image.name`; left out, that one."""
    description: AmiDescription | None = None
    """Description of the AMI in this Region; left out, `image.description`."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = [
            *(
                problem
                for name, values in (
                    ("accounts", self.accounts),
                    ("licenseConfigurations", self.license_configurations),
                    ("launchTemplates", tuple(template.id for template in self.launch_templates)),
                    ("parameters", self.parameters),
                )
                for problem in stated_twice((name,), values)
            ),
            *self._beside_copies(),
            *self._out_of_reach(),
            *self._unusable_parameters(),
        ]
        if self.name is not None:
            problems += name_problems(("name",), self.name)
        refuse(problems)
        return self

    def _beside_copies(self) -> list[Inconsistency]:
        """What works on the hub's own AMI only; Image Builder gives a template the AMI of the source account."""
        if not self.accounts:
            return []
        problems: list[Inconsistency] = []
        if self.share is not None:
            message = "stands beside accounts: an account has either a copy or the hub's own AMI; remove one of the two"
            problems.append(Inconsistency(("share",), message))
        if self.license_configurations:
            message = "are for the hub's own AMI, and accounts get copies; share the image, or associate them there"
            problems.append(Inconsistency(("licenseConfigurations",), message))
        if self.launch_templates:
            message = (
                "would name the hub's own AMI, and accounts get copies; share the image, or let a template name its "
                "channel: resolve:ssm:/golden-ami/<product>/stable"
            )
            problems.append(Inconsistency(("launchTemplates",), message))
        return problems

    def _out_of_reach(self) -> list[Inconsistency]:
        """Templates of accounts that may not launch from the AMI, and license configurations of other Regions."""
        known = (HUB, *(self.share.accounts if self.share else ()))
        problems = [
            Inconsistency(
                ("launchTemplates", index, "account"),
                f"{template.account!r} may not launch from the image here ({', '.join(known)}); "
                "add it to share.accounts",
            )
            for index, template in enumerate(self.launch_templates)
            if not self.accounts and template.account not in known
        ]
        problems += [
            Inconsistency(
                ("licenseConfigurations", index),
                f"{arn!r} is not of Region {self.region!r}; name one of that Region",
            )
            for index, arn in enumerate(self.license_configurations)
            if arn.split(":")[3] != self.region
        ]
        return problems

    def _unusable_parameters(self) -> list[Inconsistency]:
        problems: list[Inconsistency] = []
        for index, name in enumerate(self.parameters):
            place = ("parameters", index)
            if name.lower().startswith(RESERVED_PARAMETERS):
                message = f"{name!r} is AWS's or this program's own; choose a name of the team's"
                problems.append(Inconsistency(place, message))
            if name.count("/") > PARAMETER_LEVELS or "//" in name or name.endswith("/"):
                message = f"{name!r} must have at most {PARAMETER_LEVELS} levels, none of them empty; shorten it"
                problems.append(Inconsistency(place, message))
        return problems

    def target(self, landing_zone: LandingZone) -> RegionTarget:
        """The Region with ids of accounts; raises `KeyError` for a name that the landing zone does not hold."""

        def ids(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(landing_zone.account_id(name) for name in names)

        share = self.share
        return RegionTarget(
            self.region,
            ids(self.accounts),
            SharedWith(ids(share.accounts), share.organizations, share.organizational_units) if share else SharedWith(),
            self.license_configurations,
            tuple(
                LaunchTemplate(landing_zone.account_id(template.account), template.id, template.set_default_version)
                for template in self.launch_templates
            ),
            self.parameters,
            self.name,
            self.description,
        )

    @property
    def users(self) -> tuple[str, ...]:
        """Names of the accounts that launch from the image there."""
        return self.accounts or (HUB, *(self.share.accounts if self.share else ()))

    def mismatches(self, landing_zone: LandingZone) -> list[Inconsistency]:
        """What the entry asks for and the landing zone does not hold."""
        problems: list[Inconsistency] = []
        if self.region not in landing_zone.regions:
            message = (
                f"{self.region!r} is not one of the landing zone's Regions ({', '.join(landing_zone.regions)}); "
                "choose one of them or add it there"
            )
            problems.append(Inconsistency(("region",), message))
        known = ", ".join(landing_zone.targets) or "none"
        named = {("accounts",): self.accounts, ("share", "accounts"): self.share.accounts if self.share else ()}
        problems += [
            Inconsistency(
                (*place, position),
                f"{name!r} is not a target account of the landing zone ({known}); choose one of them or add it there",
            )
            for place, names in named.items()
            for position, name in enumerate(names)
            if name not in landing_zone.targets
        ]
        return problems
