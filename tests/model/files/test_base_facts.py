"""A product's file held against what EC2 says of its base image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from model.files.base_facts import BaseFacts, check_base_facts
from model.files.loading import StackFile
from model.files.problems import FileError
from model.files.product import Product
from model.files.volumes import DataVolume, RootVolume

BASE = "ami-0123456789abcdef0"
FACTS = BaseFacts(BASE, "x86_64", "Linux", "/dev/xvda", {"/dev/xvda": 8})
TEXT = "config:\n  golden-ami:product:\n    operatingSystem: linux\n    rootVolume:\n      size: 10\n"
FILE = StackFile.parse(TEXT, "stacks/Pulumi.ledger.yaml")


def told(product: Product, facts: BaseFacts = FACTS, **changed: Any) -> list[str]:
    try:
        check_base_facts(product.model_copy(update=changed), facts, FILE)
    except FileError as error:
        return [f"{problem.field}: {problem.message}" for problem in error.problems]
    return []


def volume(device: str, size: int) -> DataVolume:
    return DataVolume(device=device, size=size)


def test_what_fits_is_taken(ledger: Product) -> None:
    assert told(ledger) == []
    assert told(ledger, instance_types=("m5.large", "c6i.large")) == []
    assert told(ledger, root_volume=RootVolume(size=8)) == []
    assert told(ledger, data_volumes=(volume("/dev/sdf", 1),)) == []


def test_another_system_is_told(ledger: Product, payroll: Product) -> None:
    assert told(ledger, replace(FACTS, platform="Windows")) == [
        f"operatingSystem: is 'linux', and the base image {BASE} is for Windows; "
        "correct it, or choose another base image"
    ]
    assert told(payroll, replace(FACTS, root_device="/dev/sda1"))[0].startswith("operatingSystem: is 'windows'")


def test_types_with_other_processors_are_told_each_by_its_place(ledger: Product) -> None:
    arm = replace(FACTS, architecture="arm64")
    assert told(ledger, arm, instance_types=("m7g.large", "m5.large")) == [
        f"instanceTypes.1: 'm5.large' with x86_64 processors, and the base image {BASE} is for arm64; "
        "state a type of that architecture"
    ]
    assert told(ledger, arm) == [
        f"instanceTypes: left out, it is 'm5.large' with x86_64 processors, and the base image {BASE} is for arm64; "
        "state a type of that architecture"
    ]


def test_where_nothing_tells_the_processors_any_type_is_taken(ledger: Product) -> None:
    assert told(ledger, replace(FACTS, architecture=None), instance_types=("m7g.large", "m5.large")) == []


def test_an_image_for_a_mac_is_no_base(ledger: Product) -> None:
    assert told(ledger, replace(FACTS, architecture="arm64_mac")) == [
        f"baseImage: {BASE} is for arm64_mac, and images are built for x86_64 and arm64; choose another"
    ]


def test_another_root_device_is_told_whether_it_is_stated_or_not(ledger: Product) -> None:
    ubuntu = replace(FACTS, root_device="/dev/sda1", volumes={"/dev/sda1": 8})
    assert told(ledger, ubuntu) == [
        f"rootVolume.device: left out, it is '/dev/xvda', and the base image {BASE} boots from '/dev/sda1'; "
        "state '/dev/sda1'"
    ]
    assert told(ledger, ubuntu, root_volume=RootVolume(device="/dev/sda1")) == []
    (wrong,) = told(ledger, root_volume=RootVolume(device="/dev/sda1"))
    assert wrong.startswith("rootVolume.device: '/dev/sda1', and the base image")


def test_a_root_volume_smaller_than_its_snapshot_is_told_with_its_line(ledger: Product) -> None:
    product = ledger.model_copy(update={"root_volume": RootVolume(size=10)})
    with pytest.raises(FileError) as raised:
        check_base_facts(product, replace(FACTS, volumes={"/dev/xvda": 50}), FILE)
    assert str(raised.value) == (
        f"stacks/Pulumi.ledger.yaml:5: rootVolume.size: is 10 GiB, and the snapshot of the base image {BASE} "
        "has 50 GiB; state 50 or more"
    )


def test_further_volumes_of_the_base_must_be_stated_and_large_enough(ledger: Product) -> None:
    facts = replace(FACTS, volumes={"/dev/xvda": 8, "/dev/sdf": 100})
    assert told(ledger, facts) == [
        f"dataVolumes: has no '/dev/sdf', which the base image {BASE} brings with 100 GiB; "
        "add it, so that it is encrypted under the product's key"
    ]
    assert told(ledger, facts, data_volumes=(volume("/dev/sdf", 99),)) == [
        f"dataVolumes.0.size: is 99 GiB, and the snapshot of the base image {BASE} has 100 GiB; state 100 or more"
    ]
    assert told(ledger, facts, data_volumes=(volume("/dev/sdg", 1), volume("/dev/sdf", 100))) == []


def test_all_that_does_not_fit_is_told_at_once(ledger: Product) -> None:
    other = BaseFacts(BASE, "arm64", "Windows", "/dev/sda1", {"/dev/sda1": 50, "xvdf": 10})
    fields = [entry.partition(":")[0] for entry in told(ledger, other)]
    assert fields == ["operatingSystem", "instanceTypes", "rootVolume.device", "dataVolumes"]
