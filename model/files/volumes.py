"""The image's volumes, under the limits of EBS and of Image Builder.

Sources: EBS User Guide, "Amazon EBS volume types"; Image Builder API Reference, EbsInstanceBlockDeviceSpecification,
which takes at most 16,000 GiB, 64,000 IOPS and 1,000 MiB/s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.fields import FileModel, Inconsistency, refuse


class VolumeType(StrEnum):
    """Types of volumes from which an instance boots."""

    GP3 = "gp3"
    GP2 = "gp2"
    IO1 = "io1"
    IO2 = "io2"
    STANDARD = "standard"


class DataVolumeType(StrEnum):
    """Types of volumes beside the root volume: also those from which no instance boots."""

    GP3 = "gp3"
    GP2 = "gp2"
    IO1 = "io1"
    IO2 = "io2"
    ST1 = "st1"
    SC1 = "sc1"
    STANDARD = "standard"


@dataclass(frozen=True)
class Provisioned:
    """What can be asked of a type beside its size: IOPS, at most so many for each GiB, and throughput."""

    iops: range
    iops_per_gibibyte: int
    needs_iops: bool
    takes_throughput: bool


@dataclass(frozen=True)
class Limits:
    """Sizes of a type in GiB, and what else can be asked of it."""

    sizes: range
    provisioned: Provisioned | None = None


IOPS_MAXIMUM = 64_000
SIZE_MAXIMUM = 16_000
MEBIBYTES_PER_IOPS = 0.25
"""Throughput in MiB/s that each of a gp3 volume's IOPS allows."""

GP3_IOPS = 3_000
"""IOPS of a gp3 volume for which none are asked."""

LIMITS: Mapping[str, Limits] = {
    VolumeType.GP3: Limits(
        range(1, SIZE_MAXIMUM + 1), Provisioned(range(GP3_IOPS, IOPS_MAXIMUM + 1), 500, False, True)
    ),
    VolumeType.GP2: Limits(range(1, SIZE_MAXIMUM + 1)),
    VolumeType.IO1: Limits(range(4, SIZE_MAXIMUM + 1), Provisioned(range(100, IOPS_MAXIMUM + 1), 50, True, False)),
    VolumeType.IO2: Limits(range(4, SIZE_MAXIMUM + 1), Provisioned(range(100, IOPS_MAXIMUM + 1), 1_000, True, False)),
    DataVolumeType.ST1: Limits(range(125, SIZE_MAXIMUM + 1)),
    DataVolumeType.SC1: Limits(range(125, SIZE_MAXIMUM + 1)),
    VolumeType.STANDARD: Limits(range(1, 1_025)),
}


DATA_VOLUME_MAXIMUM = 26
"""Volumes beside the root volume: most instances attach 28 volumes and network interfaces together (EC2 User Guide,
"Amazon EBS volume limits for Amazon EC2 instances")."""

RootDevice = Annotated[str, StringConstraints(pattern=r"^/dev/[a-z0-9/]{2,28}$")]

DataDevice = Annotated[str, StringConstraints(pattern=r"^(/dev/sd[a-z]|(/dev/)?xvd[a-z]{1,2})$")]
"""Names of further volumes (EC2 User Guide, "Device names for volumes on Amazon EC2 instances")."""

Size = Annotated[int, Field(ge=1, le=SIZE_MAXIMUM)]
Iops = Annotated[int, Field(ge=100, le=IOPS_MAXIMUM)]
Throughput = Annotated[int, Field(ge=125, le=1_000)]


class RootVolume(FileModel):
    """The image's root volume; it is always encrypted under the product's image key.

    Source: seed 002, image_receipe; EBS User Guide, "Amazon EBS volume types".
    """

    size: Size = 30
    """Size in GiB; it may not be smaller than the base image's (seed 002: volume_size)."""
    device: RootDevice | None = None
    """Root device of the base image; left out, Amazon's default for the operating system."""
    type: VolumeType = VolumeType.GP3
    """Volume type; the throughput-optimised and cold types boot no instance (seed 002: volume_type)."""
    iops: Iops | None = None
    """IOPS of a gp3 volume (left out, 3,000), or of an io1 or io2 volume, which must state them."""
    throughput: Throughput | None = None
    """Throughput of a gp3 volume in MiB/s; left out, 125."""
    delete_on_termination: bool = True
    """Whether the volume goes with its instance (seed 002: deleteOnTermination)."""

    @model_validator(mode="after")
    def _keeps_the_limits_of_its_type(self) -> Self:
        refuse(_problems(self))
        return self


class DataVolume(FileModel):
    """A further volume of the image, empty at first unless the base image brings it.

    It is always encrypted under the product's image key. Source: EBS User Guide, "Amazon EBS volume types".
    """

    device: DataDevice
    """Name under which the volume is attached, such as `/dev/sdf`, or `xvdf` for Windows."""
    size: Size
    """Size in GiB; where the base image brings the volume, it may not be smaller than its snapshot."""
    type: DataVolumeType = DataVolumeType.GP3
    """Volume type."""
    iops: Iops | None = None
    """IOPS of a gp3 volume (left out, 3,000), or of an io1 or io2 volume, which must state them."""
    throughput: Throughput | None = None
    """Throughput of a gp3 volume in MiB/s; left out, 125."""
    delete_on_termination: bool = True
    """Whether the volume goes with its instance."""

    @model_validator(mode="after")
    def _keeps_the_limits_of_its_type(self) -> Self:
        refuse(_problems(self))
        return self


def _problems(volume: RootVolume | DataVolume) -> list[Inconsistency]:
    return [*_size_problems(volume), *_iops_problems(volume), *_throughput_problems(volume)]


def _size_problems(volume: RootVolume | DataVolume) -> list[Inconsistency]:
    sizes = LIMITS[volume.type].sizes
    if volume.size in sizes:
        return []
    return [_problem("size", f"{volume.type} volumes have {sizes[0]} to {sizes[-1]} GiB, got {volume.size}")]


def _iops_problems(volume: RootVolume | DataVolume) -> list[Inconsistency]:
    provisioned = LIMITS[volume.type].provisioned
    if volume.iops is None:
        missing = provisioned is not None and provisioned.needs_iops
        return [_problem("iops", f"is missing: {volume.type} volumes state them; add it")] if missing else []
    if provisioned is None:
        return [_problem("iops", f"{volume.type} volumes take none, got {volume.iops}; remove it, or choose gp3")]
    if volume.iops not in provisioned.iops:
        allowed = f"{provisioned.iops[0]} to {provisioned.iops[-1]}"
        return [_problem("iops", f"{volume.type} volumes have {allowed}, got {volume.iops}")]
    most = provisioned.iops_per_gibibyte * volume.size
    # What a type has without being asked for is no ratio: a gp3 volume of 1 GiB has 3,000.
    if volume.iops > max(most, provisioned.iops[0]):
        message = f"{volume.type} volumes of {volume.size} GiB have at most {most}, got {volume.iops}"
        return [_problem("iops", message)]
    return []


def _throughput_problems(volume: RootVolume | DataVolume) -> list[Inconsistency]:
    if volume.throughput is None:
        return []
    provisioned = LIMITS[volume.type].provisioned
    if provisioned is None or not provisioned.takes_throughput:
        message = f"{volume.type} volumes take none, got {volume.throughput}; remove it, or choose gp3"
        return [_problem("throughput", message)]
    most = int((volume.iops or GP3_IOPS) * MEBIBYTES_PER_IOPS)
    if volume.throughput > most:
        message = f"{volume.iops or GP3_IOPS} IOPS allow {most} MiB/s, got {volume.throughput}; state more iops"
        return [_problem("throughput", message)]
    return []


def _problem(field: str, message: str) -> Inconsistency:
    return Inconsistency((field,), message)
