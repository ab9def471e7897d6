"""What exists once per account: the landing zone's side of every target."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.target_account import DistributionRole, DistributionRoleArgs
from model.files.landing_zone import LandingZone


class LandingZoneAccountsArgs(ComponentArgs):
    """The landing zone's file, and one provider for each target's account id."""

    landing_zone: LandingZone
    providers: Mapping[str, aws.Provider]


class LandingZoneAccounts(pulumi.ComponentResource):
    """A distribution role in every target account; none where images stay in the hub."""

    outputs: dict[str, pulumi.Input[object]]
    """ARN of each target's distribution role, by the target's name."""

    def __init__(self, name: str, args: LandingZoneAccountsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:LandingZoneAccounts", name, None, opts)
        roles = {
            target_name: DistributionRole(
                f"{name}-{target_name}",
                DistributionRoleArgs(hub=args.landing_zone.hub.account, account=target.account),
                ResourceOptions(parent=self, providers=[args.providers[target.account]]),
            )
            for target_name, target in args.landing_zone.targets.items()
        }
        self.outputs = {"distributionRoles": {target_name: role.arn for target_name, role in roles.items()}}
        self.register_outputs(self.outputs)
