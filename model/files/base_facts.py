"""What EC2 says of the AMI that a product starts from, held against what the product's file asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.files.base_image import Architecture, architecture_of
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError, Location, Problem, dotted
from model.files.product import Product

Found = Iterator[tuple[Location, str]]


@dataclass(frozen=True)
class BaseFacts:
    """An AMI as EC2 describes it (API Reference, Image), or as the file of the product says that makes it."""

    name: str
    """The AMI's id, or the product's name."""
    architecture: str | None
    """None where the file of a product does not tell."""
    platform: str
    """`Linux` or `Windows`, as Image Builder calls them."""
    root_device: str
    volumes: Mapping[str, int]
    """Sizes of its snapshots in GiB by device name; instance store has none."""
    owner: str = ""
    """The account that published the AMI, or AWS's alias; "" for a product, which has none yet."""

    @classmethod
    def of_product(cls, base: Product) -> BaseFacts:
        """What a product's image will be."""
        architecture = base.base_image.architecture
        volumes = {base.root_device: base.root_volume.size, **{each.device: each.size for each in base.data_volumes}}
        platform = base.operating_system.platform
        return cls(base.name, architecture.value if architecture else None, platform, base.root_device, volumes)


def check_base_facts(product: Product, facts: BaseFacts, file: StackFile) -> None:
    """Refuse what the base image does not give; raises `FileError` with all of it."""
    found = [*_system(product, facts), *_processors(product, facts), *_root(product, facts), *_volumes(product, facts)]
    problems = [Problem(file.name, file.line(PRODUCT_KEY, place), dotted(place), message) for place, message in found]
    if problems:
        raise FileError(problems)


def _system(product: Product, facts: BaseFacts) -> Found:
    base = facts.name
    if facts.platform != product.operating_system.platform:
        stated = product.operating_system.value
        message = f"is {stated!r}, and the base image {base} is for {facts.platform}; correct it, or choose another"
        yield ("operatingSystem",), f"{message} base image"


def _processors(product: Product, facts: BaseFacts) -> Found:
    base = facts.name
    if facts.architecture is None:
        return
    if facts.architecture not in {each.value for each in Architecture}:
        known = " and ".join(each.value for each in Architecture)
        yield ("baseImage",), f"{base} is for {facts.architecture}, and images are built for {known}; choose another"
        return
    for index, instance_type in enumerate(product.build_instance_types):
        processors = architecture_of(instance_type)
        if processors is not None and processors.value != facts.architecture:
            stated = product.instance_types is not None
            place: Location = ("instanceTypes", index) if stated else ("instanceTypes",)
            default = "" if stated else "left out, it is "
            message = f"{default}{instance_type!r} with {processors} processors, and the base image {base} is for "
            yield place, f"{message}{facts.architecture}; state a type of that architecture"


def _root(product: Product, facts: BaseFacts) -> Found:
    base = facts.name
    if product.root_device != facts.root_device:
        stated = "" if product.root_volume.device else "left out, it is "
        message = f"{stated}{product.root_device!r}, and the base image {base} boots from {facts.root_device!r}"
        yield ("rootVolume", "device"), f"{message}; state {facts.root_device!r}"
        return
    least = facts.volumes.get(facts.root_device, 0)
    if product.root_volume.size < least:
        message = f"is {product.root_volume.size} GiB, and the snapshot of the base image {base} has {least} GiB"
        yield ("rootVolume", "size"), f"{message}; state {least} or more"


def _volumes(product: Product, facts: BaseFacts) -> Found:
    """The base's further volumes: one that the file does not name would stay under the base's key, or under none."""
    base = facts.name
    stated = {volume.device: (index, volume.size) for index, volume in enumerate(product.data_volumes)}
    for device, least in facts.volumes.items():
        if device == facts.root_device:
            continue
        if device not in stated:
            message = f"has no {device!r}, which the base image {base} brings with {least} GiB; add it, so that it is"
            yield ("dataVolumes",), f"{message} encrypted under the product's key"
        elif stated[device][1] < least:
            index, size = stated[device]
            message = f"is {size} GiB, and the snapshot of the base image {base} has {least} GiB"
            yield ("dataVolumes", index, "size"), f"{message}; state {least} or more"
