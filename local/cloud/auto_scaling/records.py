"""What is stored of launch configurations, groups, their instances and their activities."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Lifecycle(StrEnum):
    """States of an instance in its group (User Guide, "Amazon EC2 Auto Scaling instance lifecycle")."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    TERMINATING = "Terminating"


class Status(StrEnum):
    """States of an activity that are reached here (API Reference, Activity, StatusCode)."""

    PRE_IN_SERVICE = "PreInService"
    IN_PROGRESS = "InProgress"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


PROGRESS = {Status.PRE_IN_SERVICE: 30, Status.IN_PROGRESS: 50}
"""Percentages that AWS shows of an activity under way; one that has ended is at 100."""

DELETING = "Delete in progress"
"""Status of a group whose instances still end (API Reference, AutoScalingGroup, Status)."""


@dataclass(frozen=True)
class LaunchConfiguration:
    """What a group's instances are launched with; immutable once made.

    `parameters` are those of CreateLaunchConfiguration.
    """

    name: str
    arn: str
    created: datetime
    parameters: dict[str, Any]


@dataclass
class Activity:
    """One launch or termination; it has ended when `ended` is set."""

    group: str
    group_arn: str
    description: str
    cause: str
    started: datetime
    status: Status
    details: dict[str, str] = field(default_factory=dict[str, str])
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: datetime | None = None
    message: str = ""

    def end(self, status: Status, time: datetime, message: str = "") -> None:
        """Close the activity; AWS repeats a message in the description."""
        self.status, self.ended, self.message = status, time, message
        if message:
            self.description += f".  Status Reason: {message}"


@dataclass
class Member:
    """An instance of a group, and the activity that is under way for it."""

    instance_id: str
    instance_type: str
    configuration: str
    subnet_id: str
    zone: str
    activity: Activity
    lifecycle: Lifecycle = Lifecycle.PENDING


@dataclass
class Group:
    """An Auto Scaling group. `subnets` are where it launches, whether they were stated or are a zone's default ones."""

    name: str
    arn: str
    account: str
    region: str
    created: datetime
    configuration: str
    service_role_arn: str
    minimum: int
    maximum: int
    desired: int
    subnets: tuple[str, ...]
    zones: tuple[str, ...]
    stated_subnets: str = ""
    tags: tuple[dict[str, Any], ...] = ()
    members: list[Member] = field(default_factory=list[Member])
    activities: list[Activity] = field(default_factory=list[Activity])
    reason: str = ""
    """Why the desired capacity is what it is, for the causes of the activities that follow."""
    deleting: bool = False

    @property
    def serving(self) -> list[Member]:
        """Instances that count towards the desired capacity."""
        return [member for member in self.members if member.lifecycle != Lifecycle.TERMINATING]
