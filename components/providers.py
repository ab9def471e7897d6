"""One explicit provider per account, each with that account's deployment role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi_aws as aws

from model.files.fields import HUB
from model.files.landing_zone import LandingZone


def account_providers(
    landing_zone: LandingZone,
    stack: str,
    accounts: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, aws.Provider]:
    """A provider for each account id (left out: all that the landing zone's stack makes something in).

    Its Region is the hub's; others are named by resources.

    Everything that a provider makes carries the landing zone's tags and `tags`, which win.

    The provider refuses any other account than its own, so that wrong credentials end before the first change.
    """
    known = {HUB: landing_zone.hub, **landing_zone.targets}
    if accounts is None:
        hub = (landing_zone.hub,) if landing_zone.inspector else ()
        accounts = [target.account for target in (*hub, *landing_zone.targets.values())]
    wanted = set(accounts)
    return {
        target.account: aws.Provider(
            name,
            region=landing_zone.hub.region,
            allowed_account_ids=[target.account],
            assume_roles=[
                aws.ProviderAssumeRoleArgs(
                    role_arn=landing_zone.deployment_role_arn(target.account), session_name=f"golden-ami-{stack}"
                )
            ],
            default_tags=aws.ProviderDefaultTagsArgs(
                tags={**landing_zone.tags, **(tags or {}), "golden-ami:stack": stack}
            ),
        )
        for name, target in known.items()
        if target.account in wanted
    }
