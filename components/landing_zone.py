"""What exists once per account: the landing zone's side of every target."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from components.inspector import Inspector, InspectorArgs
from components.target_account import DistributionRole, LifecycleRole, TargetRoleArgs
from model.files.landing_zone import LandingZone


class LandingZoneAccountsArgs(ComponentArgs):
    """The landing zone's file, and one provider for each target's account id, and the hub's where it needs one."""

    landing_zone: LandingZone
    providers: Mapping[str, aws.Provider]


class LandingZoneAccounts(pulumi.ComponentResource):
    """The roles that Image Builder demands in every target, none where images stay in the hub; and Inspector there."""

    outputs: dict[str, pulumi.Input[object]]
    """ARNs of each target's roles, by the target's name."""

    def __init__(self, name: str, args: LandingZoneAccountsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:target:LandingZoneAccounts", name, None, opts)
        distribution: dict[str, pulumi.Output[str]] = {}
        lifecycle: dict[str, pulumi.Output[str]] = {}
        for target_name, target in args.landing_zone.targets.items():
            roles = TargetRoleArgs(hub=args.landing_zone.hub.account, account=target.account)
            mine = ResourceOptions(parent=self, providers=[args.providers[target.account]])
            distribution[target_name] = DistributionRole(f"{name}-{target_name}", roles, mine).arn
            lifecycle[target_name] = LifecycleRole(f"{name}-{target_name}-lifecycle", roles, mine).arn
        if args.landing_zone.inspector:
            hub = args.landing_zone.hub.account
            mine = ResourceOptions(parent=self, providers=[args.providers[hub]])
            Inspector(f"{name}-inspector", InspectorArgs(account=hub), mine)
        self.outputs = {"distributionRoles": distribution, "lifecycleRoles": lifecycle}
        self.register_outputs(self.outputs)
