"""What is stored of images, snapshots, volumes and instances, and how their states move with time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from local.cloud.compute.performance import UNSTATED, Performance


class State(StrEnum):
    """States of images, snapshots, volumes and instances, as EC2 names them."""

    PENDING = "pending"
    AVAILABLE = "available"
    COMPLETED = "completed"
    FAILED = "failed"
    ERROR = "error"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"


class Kind(StrEnum):
    """Kinds of records; the value is the resource type in ARNs and tag specifications."""

    IMAGE = "image"
    SNAPSHOT = "snapshot"
    INSTANCE = "instance"
    VOLUME = "volume"


TRANSITIONS: dict[tuple[Kind, State], tuple[float, State, State]] = {
    (Kind.IMAGE, State.PENDING): (0.2, State.AVAILABLE, State.FAILED),
    (Kind.SNAPSHOT, State.PENDING): (0.2, State.COMPLETED, State.ERROR),
    (Kind.INSTANCE, State.PENDING): (0.2, State.RUNNING, State.TERMINATED),
    (Kind.INSTANCE, State.STOPPING): (0.2, State.STOPPED, State.STOPPED),
    (Kind.INSTANCE, State.SHUTTING_DOWN): (0.2, State.TERMINATED, State.TERMINATED),
}
"""How states move by themselves: after so many seconds of the clock, to the first state, or to the second where a
reason of failure is stored (EC2 User Guide, "Instance lifecycle"; API Reference, ImageState and SnapshotState)."""

LAUNCH_DELAY = timedelta(days=1)
"""Time after which an image's last launch is told of."""

INSTANCE_STATE_CODES = {
    State.PENDING: 0,
    State.RUNNING: 16,
    State.SHUTTING_DOWN: 32,
    State.TERMINATED: 48,
    State.STOPPING: 64,
    State.STOPPED: 80,
}


@dataclass(frozen=True)
class Failure:
    """Why a record ends in its failed state."""

    code: str
    message: str


@dataclass
class Record:
    """What all records have in common."""

    id: str
    owner: str
    region: str
    created: datetime
    tags: dict[str, str]
    state: State
    since: datetime
    failure: Failure | None = None

    @property
    def kind(self) -> Kind:
        """The record's resource type."""
        raise TypeError(type(self))

    def now(self, time: datetime) -> State:
        """The state at a time."""
        moved = TRANSITIONS.get((self.kind, self.state))
        if moved and time - self.since >= timedelta(seconds=moved[0]):
            self.state = moved[2] if self.failure else moved[1]
            self.since = time
        return self.state

    def enter(self, state: State, time: datetime) -> None:
        """Put the record into a state."""
        self.state, self.since = state, time

    @property
    def arn(self) -> str:
        """ARN of the record; images and snapshots carry no account (Service Authorization Reference, EC2)."""
        account = "" if self.kind in {Kind.IMAGE, Kind.SNAPSHOT} else self.owner
        return f"arn:aws:ec2:{self.region}:{account}:{self.kind}/{self.id}"


@dataclass(frozen=True)
class Encryption:
    """How a snapshot or volume is encrypted: the key's ARN, and the data key that KMS wrapped under it."""

    key_arn: str
    wrapped_data_key: bytes = b""

    @property
    def is_default_key(self) -> bool:
        """Whether this is an account's own `aws/ebs` key, which nobody else can be given the use of."""
        return self.key_arn.endswith(":alias/aws/ebs")


@dataclass
class Snapshot(Record):
    """A snapshot. `size` is in GiB; `permissions` are the accounts that may make volumes of it."""

    size: int = 8
    encryption: Encryption | None = None
    description: str = ""
    volume_id: str = ""
    permissions: set[str] = field(default_factory=set[str])

    @property
    def kind(self) -> Kind:
        """A snapshot."""
        return Kind.SNAPSHOT


@dataclass
class Volume(Record):
    """A volume, attached to an instance unless it outlived it (`instance_id` is empty then). `size` is in GiB."""

    size: int = 8
    encryption: Encryption | None = None
    volume_type: str = "gp3"
    performance: Performance = UNSTATED
    device: str = ""
    instance_id: str = ""
    snapshot_id: str = ""
    delete_on_termination: bool = True

    @property
    def kind(self) -> Kind:
        """A volume."""
        return Kind.VOLUME


@dataclass(frozen=True)
class ImageDevice:
    """A block device of an image."""

    name: str
    snapshot_id: str
    size: int
    volume_type: str = "gp3"
    delete_on_termination: bool = True
    performance: Performance = UNSTATED


@dataclass(frozen=True)
class FastLaunch:
    """How an account has a Windows image launch fast, and since when."""

    since: datetime
    launches: int
    snapshots: int
    template: Mapping[str, str] | None = None


@dataclass
class Image(Record):
    """An image. `permissions` are launch permissions as EC2 lists them: `UserId`, `Group`, organisation, unit ARNs."""

    name: str = ""
    description: str = ""
    devices: tuple[ImageDevice, ...] = ()
    root_device: str = "/dev/xvda"
    architecture: str = "x86_64"
    platform: str | None = None
    permissions: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    owner_alias: str | None = None
    source_image: str | None = None
    source_region: str | None = None
    source_instance: str | None = None
    fast_launches: dict[str, FastLaunch] = field(default_factory=dict[str, FastLaunch])
    """By the account that enabled it."""
    launches: list[datetime] = field(default_factory=list[datetime])
    """When instances were launched from it."""

    @property
    def kind(self) -> Kind:
        """An image."""
        return Kind.IMAGE

    @property
    def public(self) -> bool:
        """Whether everybody may launch it."""
        return {"Group": "all"} in self.permissions

    def last_launched(self, time: datetime) -> datetime | None:
        """The last launch that EC2 tells of: it does so after a day (API Reference, Image, lastLaunchedTime)."""
        return max((launch for launch in self.launches if time - launch >= LAUNCH_DELAY), default=None)

    def may_be_launched_by(self, account: str, memberships: frozenset[str] = frozenset()) -> bool:
        """Whether an account sees the image: its own, shared with it or what it is a member of, or public.

        `memberships` are ARNs of the account's organisation and units.
        """
        if account == self.owner or self.public or {"UserId": account} in self.permissions:
            return True
        shared = {entry.get("OrganizationArn") or entry.get("OrganizationalUnitArn") for entry in self.permissions}
        return not shared.isdisjoint(memberships)


@dataclass
class Instance(Record):
    """An instance with what was asked for at its launch."""

    image_id: str = ""
    instance_type: str = "m5.large"
    subnet_id: str = ""
    vpc_id: str = ""
    security_groups: tuple[dict[str, str], ...] = ()
    profile_arn: str | None = None
    metadata_options: dict[str, Any] = field(default_factory=dict[str, Any])
    volumes: tuple[str, ...] = ()
    root_device: str = "/dev/xvda"
    architecture: str = "x86_64"
    platform: str | None = None
    reservation_id: str = ""
    private_address: str = ""
    client_token: str = ""
    transition_reason: str = ""
    key_name: str | None = None

    @property
    def kind(self) -> Kind:
        """An instance."""
        return Kind.INSTANCE


def new_id(prefix: str) -> str:
    """An id as EC2 makes them: `ami-` and 17 hexadecimal digits."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"
