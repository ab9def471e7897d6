"""The image's volumes: what their types allow is told by field, and what is allowed EC2 takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from local.cloud.call import ServiceError
from local.cloud.compute.performance import UNSTATED, performance_of
from model.files.fields import FileModel, Inconsistency
from model.files.volumes import DataVolume, DataVolumeType, RootVolume, VolumeType


def problems(model: type[FileModel] = RootVolume, **stated: Any) -> dict[tuple[str | int, ...], str]:
    """Messages by field of a volume that is refused."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(stated, by_alias=True)
    found: list[Inconsistency] = []
    for error in caught.value.errors():
        found += error.get("ctx", {}).get("inconsistencies") or [Inconsistency(error["loc"], error["msg"])]
    return {entry.location: entry.message for entry in found}


def test_left_out_it_is_a_volume_of_30_gibibytes_that_goes_with_its_instance() -> None:
    volume = RootVolume()
    assert (volume.size, volume.type, volume.iops, volume.throughput) == (30, VolumeType.GP3, None, None)
    assert volume.delete_on_termination


@pytest.mark.parametrize(
    ("stated", "field", "message"),
    [
        ({"size": 0}, "size", "greater than or equal to 1"),
        ({"size": 16_001}, "size", "less than or equal to 16000"),
        ({"size": 3, "type": VolumeType.IO1, "iops": 100}, "size", "io1 volumes have 4 to 16000 GiB, got 3"),
        ({"size": 1_025, "type": VolumeType.STANDARD}, "size", "standard volumes have 1 to 1024 GiB, got 1025"),
        ({"type": VolumeType.IO2}, "iops", "is missing: io2 volumes state them; add it"),
        ({"type": VolumeType.GP2, "iops": 3_000}, "iops", "gp2 volumes take none, got 3000; remove it"),
        ({"iops": 2_999}, "iops", "gp3 volumes have 3000 to 64000, got 2999"),
        ({"size": 10, "iops": 5_001}, "iops", "gp3 volumes of 10 GiB have at most 5000, got 5001"),
        ({"size": 10, "type": VolumeType.IO1, "iops": 501}, "iops", "io1 volumes of 10 GiB have at most 500, got 501"),
        ({"throughput": 124}, "throughput", "greater than or equal to 125"),
        ({"throughput": 1_001}, "throughput", "less than or equal to 1000"),
        ({"throughput": 751}, "throughput", "3000 IOPS allow 750 MiB/s, got 751; state more iops"),
        ({"type": VolumeType.GP2, "throughput": 125}, "throughput", "gp2 volumes take none, got 125; remove it"),
    ],
)
def test_what_the_type_does_not_allow_is_told_with_the_field_the_rule_and_the_value(
    stated: dict[str, Any], field: str, message: str
) -> None:
    found = problems(**stated)
    assert list(found) == [(field,)]
    assert message in found[(field,)]


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems(type=VolumeType.STANDARD, size=2_000, iops=3_000, throughput=125)
    assert set(found) == {("size",), ("iops",), ("throughput",)}


@given(
    st.sampled_from(DataVolumeType),
    st.integers(1, 16_000) | st.integers(1, 200),
    st.none() | st.integers(100, 64_000),
    st.none() | st.integers(125, 1_000),
)
def test_within_image_builders_limits_exactly_what_ec2_takes_is_allowed(
    volume_type: DataVolumeType, size: int, iops: int | None, throughput: int | None
) -> None:
    performance = {"Iops": iops, "Throughput": throughput}
    stated = {"type": volume_type, "size": size, "iops": iops, "throughput": throughput}
    try:
        performance_of(volume_type.value, size, {key: value for key, value in performance.items() if value}, UNSTATED)
    except ServiceError:
        assert problems(DataVolume, device="/dev/sdf", **stated)
    else:
        DataVolume.model_validate({"device": "/dev/sdf", **stated})


@given(
    st.sampled_from(VolumeType),
    st.integers(1, 16_000) | st.integers(1, 200),
    st.none() | st.integers(100, 64_000),
    st.none() | st.integers(125, 1_000),
)
def test_a_root_volume_may_be_what_a_data_volume_of_its_type_may_be(
    volume_type: VolumeType, size: int, iops: int | None, throughput: int | None
) -> None:
    stated: dict[str, Any] = {"size": size, "iops": iops, "throughput": throughput}
    data = {"device": "/dev/sdf", "type": DataVolumeType(volume_type.value), **stated}
    try:
        DataVolume.model_validate(data)
    except ValidationError:
        assert problems(type=volume_type, **stated) == problems(DataVolume, **data)
    else:
        RootVolume.model_validate({"type": volume_type, **stated})


def test_cold_and_throughput_optimised_volumes_boot_nothing_and_hold_data() -> None:
    for name in ("st1", "sc1"):
        assert DataVolume(device="/dev/sdf", size=125, type=DataVolumeType(name)).size == 125
        assert (
            "volumes have 125 to 16000 GiB"
            in problems(DataVolume, device="/dev/sdf", size=124, type=DataVolumeType(name))[("size",)]
        )
        assert name not in set(VolumeType)


@pytest.mark.parametrize("device", ["/dev/sdf", "/dev/xvdba", "xvdf"])
def test_a_data_volume_has_a_device_name_of_ec2s(device: str) -> None:
    assert DataVolume(device=device, size=1).device == device


@pytest.mark.parametrize("device", ["sdf", "/dev/nvme1n1", "/dev/sda1", "/dev/xvdabc"])
def test_other_device_names_are_told(device: str) -> None:
    assert list(problems(DataVolume, device=device, size=1)) == [("device",)]
