"""Where build instances run, what they reach, and where their logs go."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from model.files.fields import FileModel, RolePath
from model.files.notifications import KeyArn

SecurityGroupId = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]

PrefixListId = Annotated[str, StringConstraints(pattern=r"^pl-[0-9a-f]{8,17}$")]

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]

TLS = 443

DirectHost = Annotated[
    str, StringConstraints(pattern=r"^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(/[0-9]{1,2})?$", max_length=253)
]
"""A host, an address, a network, or a domain with its leading dot."""


class Egress(FileModel):
    """One way out of a build instance: a network, or a prefix list such as S3's.

    Source: seed 002, infrastructure; EC2 API Reference, IpPermission.
    """

    description: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}$")]
    """What is reached there."""
    cidr: str | None = None
    """IPv4 network, such as the VPC's own where its endpoints and proxy are."""
    prefix_list: PrefixListId | None = None
    """Prefix list, such as that of a gateway endpoint for S3."""
    port: Annotated[int, Field(ge=1, le=65_535)] = TLS
    """TCP port; a proxy often has another than TLS's."""

    @field_validator("cidr")
    @classmethod
    def _is_a_network(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                IPv4Network(value)
            except ValueError as error:
                raise ValueError(f"must be an IPv4 network such as 10.0.0.0/16, got {value!r}: {error}") from None
        return value

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        if (self.cidr is None) == (self.prefix_list is None):
            raise ValueError("state exactly one of cidr and prefixList")
        return self


class Proxy(FileModel):
    """The proxy through which build instances reach what is outside their network.

    Source: Systems Manager User Guide, "Configuring SSM Agent to use a proxy".
    """

    url: Annotated[str, StringConstraints(pattern=r"^http://[A-Za-z0-9.-]+:[1-9][0-9]{0,4}$")]
    """Its address, such as `http://proxy.example.com:3128`; a name and a password have no place in a file."""
    direct: Annotated[tuple[DirectHost, ...], Field(max_length=50)] = (".amazonaws.com",)
    """Hosts and domains that are reached without it; left out, AWS's own, by the VPC's endpoints."""

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self.url.rpartition(":")[2])


ANYWHERE_OVER_TLS = Egress(description="Package repositories and AWS endpoints over TLS", cidr="0.0.0.0/0")


class InstanceProfile(FileModel):
    """An instance profile of the hub that is there already, and its role.

    The role has the managed policies `EC2InstanceProfileForImageBuilder` and `AmazonSSMManagedInstanceCore`, as Image
    Builder demands; the program adds what reads the pinned build. Source: seed 002, instanceProfileName; Image Builder
    User Guide, "Prerequisites".
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{1,128}$")]
    """Name of the instance profile (seed 002: instanceProfileName)."""
    role: RolePath
    """Name of its role, with its path in front where it has one (seed 002: instanceProfileRoleName)."""


class BuildLogs(FileModel):
    """A bucket of the hub that keeps what build instances logged.

    Source: Image Builder API Reference, S3Logs.
    """

    bucket: BucketName
    """Name of a bucket that is there already."""
    key: KeyArn | None = None
    """ARN of the key that encrypts the bucket; left out, S3's own."""
