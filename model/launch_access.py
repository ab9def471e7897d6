"""Who may launch from a product's encrypted image: principal by Region by step, predicted from documents.

The input comes from the documents that the program deploys (`model.planned_launches`) or from what is deployed.
Policies of an organisation and of a session are no part of it: the accounts cannot read what binds them there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, cast

from model.access import (
    Decision,
    Permissions,
    Principal,
    Request,
    ResourceSide,
    UnsupportedPolicyError,
    decide,
)
from model.names import channel_parameter_arn


class Step(StrEnum):
    """What a launch from an encrypted image goes through, in the order in which a caller meets it."""

    CHANNEL = "channel"
    """The parameter that names the image is read (`resolve:ssm:`, EC2 User Guide)."""
    IMAGE = "image"
    """The image may be launched from."""
    INSTANCE = "instance"
    """Instance, volume and network interface may be made, in a subnet and with a security group of the account."""
    INSTANCE_PROFILE = "instance-profile"
    """The role of the instance profile may be passed to EC2."""
    SNAPSHOT = "snapshot"
    """The account holds a snapshot of its own, or the hub shares the image; RunInstances asks nothing more for it."""
    KEY = "key"
    """The image key of the Region may be used through EC2."""
    GRANT = "grant"
    """EC2 may be granted the key for the instance, so that it can attach the volume."""


class Answer(StrEnum):
    """Whether a step of a launch succeeds."""

    YES = "yes"
    NO = "no"
    ROLES_OWN = "role's own"
    """Left to the existing role's own policies, which the program's files do not hold."""
    NOT_JUDGED = "not judged"
    """A policy uses something whose meaning the model does not know."""

    @property
    def holds(self) -> bool:
        """Whether nothing is known that stands in the way."""
        return self in (Answer.YES, Answer.ROLES_OWN)


@dataclass(frozen=True)
class Cell:
    """One step: `deciding` names what decided it, `missing` what is to be added or changed, and where."""

    answer: Answer
    deciding: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One principal's launch in one Region."""

    principal: str
    account: str
    region: str
    cells: Mapping[Step, Cell]

    @property
    def holds(self) -> bool:
        """Whether no step is known to fail."""
        return all(cell.answer.holds for cell in self.cells.values())


@dataclass(frozen=True)
class Obstacle:
    """A fact beside all permissions that stands in the way; where not `certain`, it only keeps from judging."""

    text: str
    certain: bool = True


Obstacles = Mapping[Step, tuple[Obstacle, ...]]


@dataclass(frozen=True)
class Launcher:
    """A principal that launches.

    `passes` are the roles of the instance profiles that it passes to its instances, `reads` the operations with which
    it reads the channel. On the steps of `own` its policies are not known whole. `obstacles` are found
    on its own side.
    """

    permissions: Permissions
    passes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ("ssm:GetParameter", "ssm:GetParameters")
    own: frozenset[Step] = frozenset()
    obstacles: Obstacles = field(default_factory=dict[Step, tuple[Obstacle, ...]])

    @property
    def principal(self) -> Principal:
        """Who launches."""
        return self.permissions.principal


@dataclass(frozen=True)
class Place:
    """What an account holds of a product's image in a Region.

    `image` is the AMI's id, `*` before it is known; `copy` tells how the account comes to its snapshot, `owner` whose
    the AMI is where it is not the account's own.
    """

    account: str
    region: str
    copy: str
    key_arn: str
    key: ResourceSide
    image: str = "*"
    instance_type: str = "m5.large"
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    obstacles: Obstacles = field(default_factory=dict[Step, tuple[Obstacle, ...]])
    owner: str = ""


@dataclass(frozen=True)
class LaunchAccess:
    """Everything that decides who may launch from a product's image."""

    product: str
    launchers: tuple[Launcher, ...]
    places: tuple[Place, ...]

    def rows(self) -> tuple[Row, ...]:
        """A row for each principal in each Region in which its account holds the image."""
        return tuple(
            Row(
                launcher.principal.arn,
                place.account,
                place.region,
                {step: self._cell(step, launcher, place) for step in Step},
            )
            for launcher in self.launchers
            for place in self.places
            if place.account == launcher.principal.account
        )

    def requests(self, step: Step, launcher: Launcher, place: Place) -> tuple[Request, ...]:
        """What a step asks AWS; nothing where it asks for no permission."""
        match step:
            case Step.CHANNEL:
                arn = channel_parameter_arn(self.product, place.account, place.region)
                return tuple(Request(action, arn, _in(place)) for action in launcher.reads)
            case Step.IMAGE:
                return (_image_request(place),)
            case Step.INSTANCE:
                return tuple(_made_request(kind, place) for kind in MADE_OR_CHOSEN)
            case Step.INSTANCE_PROFILE:
                return tuple(_pass_request(role, place) for role in launcher.passes)
            case Step.SNAPSHOT:
                return ()
            case Step.KEY:
                return tuple(Request(action, place.key_arn, _through_ec2(place)) for action in KEY_USE)
            case Step.GRANT:
                return (_grant_request(place),)

    def _cell(self, step: Step, launcher: Launcher, place: Place) -> Cell:
        if stopped := _stopped((*launcher.obstacles.get(step, ()), *place.obstacles.get(step, ()))):
            return stopped
        if step is Step.SNAPSHOT:
            return Cell(Answer.YES, (place.copy,))
        requests = self.requests(step, launcher, place)
        side = place.key if step in (Step.KEY, Step.GRANT) else None
        try:
            decisions = [(request, _decide(launcher.permissions, request, side)) for request in requests]
        except UnsupportedPolicyError as error:
            return Cell(Answer.NOT_JUDGED, missing=(str(error),))
        refused = [(request, decision) for request, decision in decisions if not decision.allowed]
        missing = _once(line for refusal in refused for line in _mend(*refusal))
        denied = _once(name for _, decision in refused if not decision.missing for name in decision.deciding)
        if denied or (refused and step not in launcher.own):
            return Cell(Answer.NO, denied, missing)
        if refused:
            return Cell(Answer.ROLES_OWN, missing=missing)
        if not requests:
            if step in launcher.own:
                return Cell(
                    Answer.ROLES_OWN, missing=("allow iam:PassRole on the role of the profile it launches with",)
                )
            return Cell(Answer.YES, ("nothing is asked: the role has no instance profile",))
        return Cell(Answer.YES, _once(name for _, decision in decisions for name in decision.deciding))


MADE_OR_CHOSEN = ("instance", "volume", "network-interface", "subnet", "security-group")
"""What RunInstances makes, or puts the instance into (Service Authorization Reference, Amazon EC2)."""

CHOSEN = (":subnet/*", ":security-group/*")
"""What the launcher picks among those that are there."""

KEY_USE = (
    "kms:DescribeKey",
    "kms:Decrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What EBS asks of the caller beside the grant (EBS User Guide, "Requirements for Amazon EBS encryption").

A launch that keeps the image's own key makes no use of the last three; AWS lists them for every launch."""


def _in(place: Place) -> dict[str, str]:
    return {"aws:RequestedRegion": place.region, "ec2:Region": place.region}


def _image_request(place: Place) -> Request:
    tags = {f"{prefix}:ResourceTag/{key}": value for key, value in place.tags.items() for prefix in ("aws", "ec2")}
    context = {**_in(place), **tags, "ec2:Owner": place.owner or place.account, "ec2:Public": "false"}
    return Request("ec2:RunInstances", f"arn:aws:ec2:{place.region}::image/{place.image}", context)


def _made_request(kind: str, place: Place) -> Request:
    extra = {"instance": {"ec2:InstanceType": place.instance_type}, "volume": {"ec2:Encrypted": "true"}}
    prefix = f"arn:aws:ec2:{place.region}:{place.account}:{kind}/"
    return Request("ec2:RunInstances", prefix + "*", {**_in(place), **extra.get(kind, {})})


def _pass_request(role: str, place: Place) -> Request:
    instance = f"arn:aws:ec2:{place.region}:{place.account}:instance/*"
    context = {**_in(place), "iam:PassedToService": "ec2.amazonaws.com", "iam:AssociatedResourceArn": instance}
    return Request("iam:PassRole", role, context)


def _through_ec2(place: Place) -> dict[str, str | tuple[str, ...]]:
    return {"aws:RequestedRegion": place.region, "kms:ViaService": f"ec2.{place.region}.amazonaws.com"}


def _grant_request(place: Place) -> Request:
    grantee = f"arn:aws:sts::{place.account}:assumed-role/aws:ec2-infrastructure/i-*"
    context = {
        **_through_ec2(place),
        "kms:GrantIsForAWSResource": "true",
        "kms:GranteePrincipal": grantee,
        "kms:GrantOperations": ("Decrypt",),
    }
    return Request("kms:CreateGrant", place.key_arn, context)


def _decide(permissions: Permissions, request: Request, side: ResourceSide | None) -> Decision:
    """Decide on a request; for what the launcher chooses, one choice that its policies allow is enough."""
    decision = decide(permissions, request, side)
    if decision.allowed or not request.resource.endswith(CHOSEN):
        return decision
    for choice in _choices(permissions, request.resource.removesuffix("*")):
        if (chosen := decide(permissions, replace(request, resource=choice))).allowed:
            return chosen
    return decision


def _choices(permissions: Permissions, prefix: str) -> Iterator[str]:
    """Subnets or security groups that policies name, as ARNs of the launch's own Region and account."""
    kind = prefix.rpartition(":")[2]
    for policy in permissions.policies:
        for statement in _many(policy.document.get("Statement")):
            for pattern in _many(statement.get("Resource")):
                start, found, name = str(pattern).partition(f":{kind}")
                if found and start.startswith("arn:"):
                    yield prefix + name


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast(list[Any], value) if isinstance(value, list) else [value]


def _stopped(obstacles: tuple[Obstacle, ...]) -> Cell | None:
    if not obstacles:
        return None
    certain = any(obstacle.certain for obstacle in obstacles)
    return Cell(Answer.NO if certain else Answer.NOT_JUDGED, missing=tuple(obstacle.text for obstacle in obstacles))


def _mend(request: Request, decision: Decision) -> tuple[str, ...]:
    if decision.missing:
        return decision.missing
    return tuple(f"narrow the Deny {name}: it refuses {request.action}" for name in decision.deciding)


def _once(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))
