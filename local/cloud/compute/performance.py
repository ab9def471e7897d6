"""Types of volumes: their sizes, and the IOPS and throughput that can be asked of them.

Source: EC2 API Reference, EbsBlockDevice; ratios from the EBS User Guide, "Amazon EBS volume types".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud.call import ServiceError


@dataclass(frozen=True)
class Performance:
    """IOPS and throughput (MiB/s) of a volume; None where its type is asked for none."""

    iops: int | None = None
    throughput: int | None = None

    def shown(self) -> dict[str, int]:
        """As EC2 shows it."""
        named = {"Iops": self.iops, "Throughput": self.throughput}
        return {name: value for name, value in named.items() if value is not None}


UNSTATED = Performance()
"""Of a volume or device about which nothing was said."""


@dataclass(frozen=True)
class _Provisioned:
    lowest: int
    highest: int
    per_gibibyte: int


_SIZES = {
    "gp2": (1, 16_384),
    "gp3": (1, 65_536),
    "io1": (4, 16_384),
    "io2": (4, 65_536),
    "st1": (125, 16_384),
    "sc1": (125, 16_384),
    "standard": (1, 1_024),
}
_PROVISIONED = {
    "gp3": _Provisioned(3_000, 80_000, 500),
    "io1": _Provisioned(100, 64_000, 50),
    "io2": _Provisioned(100, 256_000, 1_000),
}
_GP3 = Performance(3_000, 125)
_THROUGHPUT = (125, 2_000)
_MEBIBYTES_PER_IOPS = 0.25


def performance_of(volume_type: str, size: int, stated: Mapping[str, Any], source: Performance) -> Performance:
    """What a volume has of which `Iops` and `Throughput` may be stated; `source` is what its image says.

    Raises `ServiceError` where the type does not allow it, or is none.
    """
    if volume_type not in _SIZES:
        raise ServiceError("InvalidParameterValue", f"Value ({volume_type}) for parameter volumeType is invalid.")
    least, most = _SIZES[volume_type]
    if not least <= size <= most:
        bound = f"too small; minimum is {least}" if size < least else f"too large; maximum is {most}"
        raise ServiceError("InvalidParameterValue", f"Volume of {size}GiB is {bound}GiB.")
    default = _GP3 if volume_type == "gp3" else UNSTATED
    iops = _iops(volume_type, size, stated.get("Iops", source.iops or default.iops))
    return Performance(iops, _throughput(volume_type, iops, stated.get("Throughput", source.throughput)))


def _iops(volume_type: str, size: int, iops: int | None) -> int | None:
    provisioned = _PROVISIONED.get(volume_type)
    if provisioned is None:
        if iops is not None:
            message = f"The parameter iops is not supported for {volume_type} volumes."
            raise ServiceError("InvalidParameterCombination", message)
        return None
    if iops is None:
        message = f"The parameter iops must be specified for {volume_type} volumes."
        raise ServiceError("InvalidParameterCombination", message)
    if not provisioned.lowest <= iops <= provisioned.highest:
        low = iops < provisioned.lowest
        bound = f"low; minimum is {provisioned.lowest}" if low else f"high; maximum is {provisioned.highest}"
        raise ServiceError("InvalidParameterValue", f"Volume iops of {iops} is too {bound}.")
    if iops > max(provisioned.lowest, provisioned.per_gibibyte * size):
        message = f"Iops to volume size ratio of {iops / size:f} is too high; maximum is {provisioned.per_gibibyte:f}."
        raise ServiceError("InvalidParameterValue", message)
    return iops


def _throughput(volume_type: str, iops: int | None, throughput: int | None) -> int | None:
    if volume_type != "gp3":
        if throughput is not None:
            message = f"The parameter throughput is not supported for {volume_type} volumes."
            raise ServiceError("InvalidParameterCombination", message)
        return None
    if throughput is None:
        return _GP3.throughput
    least, most = _THROUGHPUT
    if not least <= throughput <= most:
        bound = f"low; minimum is {least}" if throughput < least else f"high; maximum is {most}"
        raise ServiceError("InvalidParameterValue", f"Volume throughput of {throughput} is too {bound} MiB/s.")
    if throughput > (iops or 0) * _MEBIBYTES_PER_IOPS:
        message = f"Throughput (MiBps) to iops ratio of {throughput / (iops or 1):f} is too high; maximum is 0.250000."
        raise ServiceError("InvalidParameterValue", message)
    return throughput
