"""What is kept of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.cloud.scheduler.expressions import next_time

GROUP = "default"
"""The group of schedules whose maker names none; the local cloud has no others."""


@dataclass
class Schedule:
    """A schedule; `sealed` is the data key that encrypts what it sends, where it has a key, under that key."""

    account: str
    region: str
    settings: dict[str, Any]
    created: datetime
    changed: datetime
    sealed: bytes | None
    last: datetime | None = None
    """The last time that it was due."""

    @property
    def name(self) -> str:
        """Its name, unique in its group."""
        return self.settings["Name"]

    @property
    def arn(self) -> str:
        """Its ARN."""
        return schedule_arn(self.account, self.region, self.name)

    @property
    def encryption_context(self) -> dict[str, str]:
        """What its ciphertexts are bound to."""
        return {"aws:scheduler:schedule:arn": self.arn}

    @property
    def next_time(self) -> datetime | None:
        """When it is due next; None where it is disabled, or never again."""
        if self.settings["State"] != "ENABLED":
            return None
        zone = self.settings["ScheduleExpressionTimezone"]
        return next_time(self.settings["ScheduleExpression"], zone, self.created, self.last)


def schedule_arn(account: str, region: str, name: str) -> str:
    """ARN of a schedule of the default group."""
    return f"arn:aws:scheduler:{region}:{account}:schedule/{GROUP}/{name}"


def group_arn(account: str, region: str) -> str:
    """ARN of the default group, as which Scheduler takes the roles of its schedules."""
    return f"arn:aws:scheduler:{region}:{account}:schedule-group/{GROUP}"
