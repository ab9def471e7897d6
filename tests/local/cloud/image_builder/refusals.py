"""Ways in which a target account refuses an image: a statement, a role or a key's consent that is not there."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from model.distribution import DistributionPlan, RegionTarget
from model.documents import PolicyDocument
from model.key_policies import image_key_policy
from model.names import DISTRIBUTION_MANAGED_POLICY, DISTRIBUTION_ROLE
from model.target_policies import distribution_role_policy, distribution_role_trust
from tests.local.cloud.image_builder.five_targets import (
    PLAN,
    ROLE_POLICY,
    TARGETS,
    FiveTargets,
    make_distribution_role,
    put_role_policy,
)
from tests.local.cloud.served_cloud import AWAY, HOME, HUB, ServedCloud


class Cause(StrEnum):
    """What a target lacks."""

    ROLE = "distribution role"
    TRUST = "trust of the distribution role"
    ROLE_KEYS = "use of keys by the distribution role"
    ROLE_PARAMETERS = "ssm:PutParameter of the distribution role"
    SOURCE_KEY = "consent of the build Region's key"
    TARGET_KEY = "consent of the replica"


@dataclass(frozen=True)
class Refusal:
    """How a cause shows: the step that fails, what is said of it, and whether the copy was made by then."""

    step: str
    reason: str
    copied: bool = False


_STS = Refusal("DistributeImage", "STS Client Error: ")
_COPY = Refusal("DistributeImage", "AMI Copy Reported Failure For 'ami-")
REFUSALS: Mapping[Cause, Refusal] = {
    Cause.ROLE: _STS,
    Cause.TRUST: _STS,
    Cause.ROLE_KEYS: _COPY,
    Cause.ROLE_PARAMETERS: Refusal("ApplyImageConfigurations", "SSM Client Error: ", copied=True),
    Cause.SOURCE_KEY: _COPY,
    Cause.TARGET_KEY: _COPY,
}

Refusing = Mapping[str, Cause]
"""The accounts that refuse, and why."""


def every_subset() -> list[Refusing]:
    """Each subset of the targets once, the largest first: then nothing was distributed yet when all of them refuse.

    Each account takes the causes in turn, beginning with another one than its neighbour.
    """
    causes = list(Cause)
    turns = {account: itertools.cycle(causes[first:] + causes[:first]) for first, account in enumerate(TARGETS)}
    return [
        {account: next(turns[account]) for account in subset}
        for size in range(len(TARGETS), -1, -1)
        for subset in itertools.combinations(TARGETS, size)
    ]


@contextmanager
def refusing(targets: FiveTargets, causes: Refusing) -> Generator[None]:
    """Make exactly these targets refuse for the length of a block."""
    for account, cause in causes.items():
        _take(targets.cloud, account, cause)
    _admit(targets, causes)
    try:
        yield
    finally:
        for account, cause in causes.items():
            _restore(targets.cloud, account, cause)
        _admit(targets, {})


def _take(cloud: ServedCloud, account: str, cause: Cause) -> None:
    iam: Any = cloud.client("iam", account)
    if cause is Cause.ROLE:
        iam.detach_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyArn=DISTRIBUTION_MANAGED_POLICY)
        iam.delete_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyName=ROLE_POLICY)
        iam.delete_role(RoleName=DISTRIBUTION_ROLE)
    elif cause is Cause.TRUST:
        own = distribution_role_trust(account).json()
        iam.update_assume_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyDocument=own)
    elif cause is Cause.ROLE_KEYS:
        put_role_policy(cloud, account, _without(distribution_role_policy(HUB, account), "UseImageKeys"))
    elif cause is Cause.ROLE_PARAMETERS:
        put_role_policy(cloud, account, _without(distribution_role_policy(HUB, account), "WriteChannels"))


def _restore(cloud: ServedCloud, account: str, cause: Cause) -> None:
    if cause is Cause.ROLE:
        make_distribution_role(cloud, account)
    elif cause is Cause.TRUST:
        cloud.client("iam", account).update_assume_role_policy(
            RoleName=DISTRIBUTION_ROLE, PolicyDocument=distribution_role_trust(HUB).json()
        )
    elif cause in (Cause.ROLE_KEYS, Cause.ROLE_PARAMETERS):
        put_role_policy(cloud, account, distribution_role_policy(HUB, account))


def _admit(targets: FiveTargets, causes: Refusing) -> None:
    """Give each Region's key the policy of a plan without the accounts that it is not to admit."""
    for region, cause in ((HOME, Cause.SOURCE_KEY), (AWAY, Cause.TARGET_KEY)):
        policy = image_key_policy(_plan_without(causes, cause), region, ()).json()
        kms = targets.cloud.client("kms", region=region)
        kms.put_key_policy(KeyId=targets.image_keys[region], PolicyName="default", Policy=policy)


def _plan_without(causes: Refusing, cause: Cause) -> DistributionPlan:
    admitted = tuple(account for account in TARGETS if causes.get(account) is not cause)
    return replace(PLAN, regions=(RegionTarget(AWAY, admitted),))


def _without(policy: PolicyDocument, sid: str) -> PolicyDocument:
    kept = tuple(statement for statement in policy.statements if statement.sid != sid)
    assert len(kept) == len(policy.statements) - 1, sid
    return replace(policy, statements=kept)
