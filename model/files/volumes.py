"""The image's root volume, under the limits of EBS and of Image Builder.

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

LIMITS: Mapping[VolumeType, Limits] = {
    VolumeType.GP3: Limits(
        range(1, SIZE_MAXIMUM + 1), Provisioned(range(GP3_IOPS, IOPS_MAXIMUM + 1), 500, False, True)
    ),
    VolumeType.GP2: Limits(range(1, SIZE_MAXIMUM + 1)),
    VolumeType.IO1: Limits(range(4, SIZE_MAXIMUM + 1), Provisioned(range(100, IOPS_MAXIMUM + 1), 50, True, False)),
    VolumeType.IO2: Limits(range(4, SIZE_MAXIMUM + 1), Provisioned(range(100, IOPS_MAXIMUM + 1), 1_000, True, False)),
    VolumeType.STANDARD: Limits(range(1, 1_025)),
}


class RootVolume(FileModel):
    """The image's root volume; it is always encrypted under the product's image key."""

    size: Annotated[int, Field(ge=1, le=SIZE_MAXIMUM)] = 30
    """Size in GiB; it may not be smaller than the base image's."""
    device: Annotated[str, StringConstraints(pattern=r"^/dev/[a-z0-9/]{2,28}$")] | None = None
    """Root device of the base image; left out, Amazon's default for the operating system."""
    type: VolumeType = VolumeType.GP3
    """Volume type; the throughput-optimised and cold types boot no instance."""
    iops: Annotated[int, Field(ge=100, le=IOPS_MAXIMUM)] | None = None
    """IOPS of a gp3 volume (left out, 3,000), or of an io1 or io2 volume, which must state them."""
    throughput: Annotated[int, Field(ge=125, le=1_000)] | None = None
    """Throughput of a gp3 volume in MiB/s; left out, 125."""
    delete_on_termination: bool = True
    """Whether the volume goes with its instance."""

    @model_validator(mode="after")
    def _keeps_the_limits_of_its_type(self) -> Self:
        refuse([*self._size_problems(), *self._iops_problems(), *self._throughput_problems()])
        return self

    def _size_problems(self) -> list[Inconsistency]:
        sizes = LIMITS[self.type].sizes
        if self.size in sizes:
            return []
        return [_problem("size", f"{self.type} volumes have {sizes[0]} to {sizes[-1]} GiB, got {self.size}")]

    def _iops_problems(self) -> list[Inconsistency]:
        provisioned = LIMITS[self.type].provisioned
        if self.iops is None:
            missing = provisioned is not None and provisioned.needs_iops
            return [_problem("iops", f"is missing: {self.type} volumes state them; add it")] if missing else []
        if provisioned is None:
            return [_problem("iops", f"{self.type} volumes take none, got {self.iops}; remove it, or choose gp3")]
        if self.iops not in provisioned.iops:
            allowed = f"{provisioned.iops[0]} to {provisioned.iops[-1]}"
            return [_problem("iops", f"{self.type} volumes have {allowed}, got {self.iops}")]
        most = provisioned.iops_per_gibibyte * self.size
        # What a type has without being asked for is no ratio: a gp3 volume of 1 GiB has 3,000.
        if self.iops > max(most, provisioned.iops[0]):
            return [_problem("iops", f"{self.type} volumes of {self.size} GiB have at most {most}, got {self.iops}")]
        return []

    def _throughput_problems(self) -> list[Inconsistency]:
        if self.throughput is None:
            return []
        provisioned = LIMITS[self.type].provisioned
        if provisioned is None or not provisioned.takes_throughput:
            message = f"{self.type} volumes take none, got {self.throughput}; remove it, or choose gp3"
            return [_problem("throughput", message)]
        most = int((self.iops or GP3_IOPS) * MEBIBYTES_PER_IOPS)
        if self.throughput > most:
            message = f"{self.iops or GP3_IOPS} IOPS allow {most} MiB/s, got {self.throughput}; state more iops"
            return [_problem("throughput", message)]
        return []


def _problem(field: str, message: str) -> Inconsistency:
    return Inconsistency((field,), message)
