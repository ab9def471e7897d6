"""Semantic versions of Image Builder's resources, and the ARNs that carry them.

Rules: Image Builder User Guide, "Semantic versioning in Image Builder"; API Reference, `VersionNumber`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NODE_MAXIMUM = 2**30 - 1
"""Largest value of a node (API Reference, CreateComponent, semanticVersion)."""

_WILDCARD = "x"
_ARN = re.compile(
    r"arn:aws:imagebuilder:(?P<region>[^:]+):(?P<account>[^:]+):(?P<kind>[a-z-]+(?:/(?:build|test|distribution))?)"
    r"/(?P<name>[a-z0-9\-_]+)(?:/(?P<version>[0-9x]+\.[0-9x]+\.[0-9x]+)(?:/(?P<build>[0-9]+))?)?"
)


class VersionError(ValueError):
    """A text is not a version that the place takes."""


@dataclass(frozen=True, order=True)
class Version:
    """`major.minor.patch`; ordered node by node."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version a text names.

        Raises:
            VersionError: A wildcard, another number of nodes, or a node beyond 2^30-1.
        """
        nodes = text.split(".")
        if len(nodes) != 3 or not all(node.isdigit() for node in nodes):
            raise VersionError(f"'{text}' is not of the form <major>.<minor>.<patch>")
        numbers = [int(node) for node in nodes]
        if max(numbers) > NODE_MAXIMUM:
            raise VersionError(f"a node of '{text}' is beyond {NODE_MAXIMUM}")
        return cls(*numbers)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def matches(self, pattern: str) -> bool:
        """Whether the version fits a pattern in which `x` stands for any node."""
        own = str(self).split(".")
        wanted = pattern.split(".")
        return len(wanted) == 3 and all(want in (_WILDCARD, have) for want, have in zip(wanted, own, strict=True))


def has_wildcard(pattern: str) -> bool:
    """Whether a version is left open in some node."""
    return _WILDCARD in pattern.split(".")


def newest(pattern: str, versions: Iterable[Version]) -> Version | None:
    """The highest version that fits a pattern."""
    return max((version for version in versions if version.matches(pattern)), default=None)


def assigned(pattern: str, versions: Iterable[Version]) -> Version:
    """The version that a new recipe gets for a pattern: the open node counts up from the highest that fits.

    `1.0.x` gives the next patch; of several open nodes the last one counts up, the others stay at the highest.
    `1.x.0` gives the next minor version. (User Guide, "Semantic versioning"; the order among several open nodes is
    inferred.)

    Raises:
        VersionError: The pattern has no three nodes, or the counted node is at its maximum.
    """
    if not has_wildcard(pattern):
        return Version.parse(pattern)
    nodes = pattern.split(".")
    if len(nodes) != 3 or not all(node == _WILDCARD or node.isdigit() for node in nodes):
        raise VersionError(f"'{pattern}' is not of the form <major>.<minor>.<patch>")
    counted = max(index for index, node in enumerate(nodes) if node == _WILDCARD)
    # Nodes after the counted one are fixed for the new version only: 1.x.0 follows 1.4.7 with 1.5.0.
    search = ".".join(nodes[:counted] + [_WILDCARD] * (3 - counted))
    highest = newest(search, versions)
    if highest is None:
        return Version.parse(pattern.replace(_WILDCARD, "0") if pattern != "0.0.x" else "0.0.1")
    numbers = [highest.major, highest.minor, highest.patch]
    numbers[counted] += 1
    for index in range(counted + 1, 3):
        numbers[index] = int(nodes[index])
    return Version.parse(".".join(str(number) for number in numbers))


def arn_name(name: str) -> str:
    """A resource's name as its ARN carries it: lower case, spaces and underscores as hyphens."""
    return re.sub(r"[ _]", "-", name.lower())


@dataclass(frozen=True)
class ResourceArn:
    """An Image Builder ARN taken apart; `version` and `build` where the kind has them."""

    region: str
    account: str
    kind: str
    name: str
    version: str | None = None
    build: int | None = None

    @classmethod
    def parse(cls, text: str) -> ResourceArn:
        """The parts of an ARN.

        Raises:
            VersionError: The text is no Image Builder ARN.
        """
        match = _ARN.fullmatch(text)
        if match is None:
            raise VersionError(f"'{text}' is not the ARN of an Image Builder resource")
        build = match["build"]
        return cls(
            match["region"],
            match["account"],
            match["kind"],
            match["name"],
            match["version"],
            int(build) if build else None,
        )

    def __str__(self) -> str:
        arn = f"arn:aws:imagebuilder:{self.region}:{self.account}:{self.kind}/{self.name}"
        if self.version is not None:
            arn += f"/{self.version}"
        if self.build is not None:
            arn += f"/{self.build}"
        return arn

    @property
    def unbuilt(self) -> str:
        """The ARN without a build number."""
        return str(ResourceArn(self.region, self.account, self.kind, self.name, self.version))
