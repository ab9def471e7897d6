"""Predictions of launches from what is deployed, beside the launches themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import boto3

from commands.access import access_report
from commands.access_accounts import DeploymentRoles
from model.launch_access import Answer, Row
from model.names import auto_scaling_role_arn
from tests.stacks.permissions.actual_launches import Actual, ByGroup, ByRole, Launching, profile_of
from tests.stacks.permissions.documents import PRODUCT
from tests.stacks.world import World


@dataclass(frozen=True)
class Compared:
    """One launch as it was predicted, and as it went."""

    row: Row
    actual: Actual

    @property
    def unjudged(self) -> bool:
        """Whether a step could not be predicted."""
        return any(cell.answer is Answer.NOT_JUDGED for cell in self.row.cells.values())

    def difference(self, where: str) -> str:
        """What the prediction got wrong; empty where it names the step, the action and the document that failed."""
        refused = [step for step, cell in self.row.cells.items() if not cell.answer.holds]
        predicted = f"predicted no at {', '.join(refused)}" if refused else "predicted yes"
        if self.actual.step is None:
            return f"{predicted}, launched" if refused else ""
        told = f"{predicted}, refused at {self.actual.step}: {self.actual.text}"
        if refused != [self.actual.step]:
            return told
        cell = self.row.cells[self.actual.step]
        names = [line for line in (*cell.missing, *cell.deciding) if where in line]
        if not any(self.actual.action in line for line in names):
            return f"{told}\nbut missing: {'; '.join(cell.missing)}"
        return ""


@dataclass
class Clients:
    """The accounts' deployment roles with clients that are made once."""

    roles: DeploymentRoles
    _made: dict[tuple[str, ...], Any] = field(default_factory=dict[tuple[str, ...], Any])

    def ec2(self, account: str, region: str) -> Any:
        """Amazon EC2 of an account in a Region."""
        return self._of("ec2", account, region)

    def iam(self, account: str) -> Any:
        """IAM of an account."""
        return self._of("iam", account)

    def kms(self, account: str, region: str) -> Any:
        """KMS of an account in a Region."""
        return self._of("kms", account, region)

    def ssm(self, account: str, region: str) -> Any:
        """Systems Manager of an account in a Region."""
        return self._of("ssm", account, region)

    def _of(self, service: str, *place: str) -> Any:
        if (service, *place) not in self._made:
            self._made[service, *place] = getattr(self.roles, service)(*place)
        return self._made[service, *place]


@dataclass(frozen=True)
class Predictor:
    """Predicts the launches of the product, and lets them happen."""

    world: World
    accounts: Clients
    launching: Mapping[tuple[str, str], Launching]

    @classmethod
    def of(cls, world: World) -> Predictor:
        """With every consumer, and Auto Scaling where a consumer asks for it."""
        plan = world.session.files.plan(PRODUCT)
        launching: dict[tuple[str, str], Launching] = {}
        for consumer in plan.consumers:
            profile = profile_of(world, consumer.arn)
            for region in plan.regions_of(consumer.account):
                launching[consumer.arn, region] = ByRole(world, consumer.arn, region, profile)
                if consumer.auto_scaling:
                    group = ByGroup(world, consumer.account, region, profile)
                    launching[auto_scaling_role_arn(consumer.account), region] = group
        return cls(world, Clients(DeploymentRoles(boto3.Session(), world.session.files.landing_zone)), launching)

    def compare(self, launches: Iterable[tuple[str, str]]) -> list[Compared]:
        """Predict, then launch, by principal and Region."""
        report = access_report(PRODUCT, self.world.project, self.accounts)
        rows = {(row.principal, row.region): row for row in report.rows}
        wanted = sorted(launches)
        with ThreadPoolExecutor(3) as several:
            actual = several.map(lambda one: self.launching[one].launch(), wanted)
            return [Compared(rows[one], result) for one, result in zip(wanted, actual, strict=True)]

    def close(self) -> None:
        """End what the launches needed."""
        for one in self.launching.values():
            if isinstance(one, ByGroup):
                one.close()
