"""Rules between the fields of a product's file, and between it and the landing zone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.files.base_image import Architecture, architecture_of
from model.files.consumers import same_roles
from model.files.fields import HUB, TAG_MAXIMUM, Inconsistency, repeated, stated_twice, tag_problems
from model.files.infrastructure import ANYWHERE_OVER_TLS
from model.files.operating_system import OperatingSystem
from model.files.schedule import StartCondition

if TYPE_CHECKING:
    from model.files.landing_zone import LandingZone
    from model.files.product import Product


def inconsistencies(product: Product) -> list[Inconsistency]:
    """Rules between a product's own fields that its file breaks."""
    problems: list[Inconsistency] = []
    extension = product.operating_system.script_extension
    if not product.entry_script.endswith(extension):
        problems.append(
            Inconsistency(
                ("entryScript",),
                f"must end in {extension!r} for operatingSystem {product.operating_system.value!r}, "
                f"got {product.entry_script!r}; rename the script or change the system",
            )
        )
    problems += [
        Inconsistency(("distribution",), f"holds Region {region!r} twice; put its accounts into one entry")
        for region in repeated([entry.region for entry in product.distribution])
    ]
    roles = [(consumer.account, consumer.role) for consumer in product.consumers]
    problems += [Inconsistency(("consumers", index, "role"), message) for index, message in same_roles(roles)]
    uploaders = [(arn.split(":")[4], arn.split(":role/")[1]) for arn in product.uploaders]
    problems += [Inconsistency(("uploaders", index), message) for index, message in same_roles(uploaders)]
    problems += _repeated_egress(product)
    problems += _repeated_devices(product)
    problems += _unusable_documents(product)
    problems += _unusable_instance_types(product)
    problems += _unusable_network(product)
    problems += _unusable_fast_launch(product)
    problems += tag_problems(("tags",), product.tags)
    return problems


def _repeated_devices(product: Product) -> list[Inconsistency]:
    taken = [product.root_device]
    problems: list[Inconsistency] = []
    for index, volume in enumerate(product.data_volumes):
        if volume.device in taken:
            message = f"{volume.device!r} is the root device or stated before; choose another name"
            problems.append(Inconsistency(("dataVolumes", index, "device"), message))
        taken.append(volume.device)
    return problems


def _unusable_fast_launch(product: Product) -> list[Inconsistency]:
    if product.fast_launch is None:
        return []
    if product.operating_system is not OperatingSystem.WINDOWS:
        message = f"is for Windows, and operatingSystem is {product.operating_system.value!r}; remove it"
        return [Inconsistency(("fastLaunch",), message)]
    kept = [entry for entry in product.distribution if not entry.accounts]
    if product.distribution and not kept:
        message = "is for the hub's own image, and the distribution leaves none there; add an entry without accounts"
        return [Inconsistency(("fastLaunch",), message)]
    if product.fast_launch.launch_template and len(kept) > 1:
        message = f"belongs to one Region, and the hub keeps the image in {len(kept)}; remove it"
        return [Inconsistency(("fastLaunch", "launchTemplate"), message)]
    return []


def _repeated_egress(product: Product) -> list[Inconsistency]:
    ways = [f"{one.cidr or one.prefix_list} port {one.port}" for one in product.egress]
    return stated_twice(("egress",), ways)


def _unusable_documents(product: Product) -> list[Inconsistency]:
    """Documents of a bucket that is not stated, and a bucket without documents."""
    documents = product.components.bucket_documents
    if product.component_bucket is not None:
        message = "has no documents: no step states a bucketDocument; remove it, or state one"
        return [] if documents else [Inconsistency(("componentBucket",), message)]
    message = "lies in no bucket: state componentBucket, or put the document into stacks/ and state document"
    return [Inconsistency(("components", *place), message) for place, _ in documents]


def _unusable_network(product: Product) -> list[Inconsistency]:
    """Security groups that nobody knows the VPC of, or whose rules are not ours to state."""
    problems: list[Inconsistency] = []
    if product.security_groups and product.subnet is None:
        problems.append(Inconsistency(("subnet",), "is missing: security groups belong to its VPC; add it"))
    if product.security_groups and product.egress != (ANYWHERE_OVER_TLS,):
        message = "is for the product's own security group; set it at the given ones, or remove securityGroups"
        problems.append(Inconsistency(("egress",), message))
    if product.proxy and not product.security_groups and product.proxy.port not in {one.port for one in product.egress}:
        message = f"has no entry for port {product.proxy.port}, and so nothing reaches the proxy; add one"
        problems.append(Inconsistency(("egress",), message))
    if not product.internet and product.subnet is None:
        message = "is missing: the default VPC has a way to the internet; add the subnet that has none"
        problems.append(Inconsistency(("subnet",), message))
    return problems


def _unusable_instance_types(product: Product) -> list[Inconsistency]:
    """Types whose processors the base image does not run on; where nothing tells what it is for, all are taken."""
    windows = product.operating_system is OperatingSystem.WINDOWS
    wanted = Architecture.X86_64 if windows else product.base_image.architecture
    problems: list[Inconsistency] = []
    for index, instance_type in enumerate(product.instance_types or ()):
        found = architecture_of(instance_type)
        if found is None:
            message = f"{instance_type!r} is a Mac, which runs neither Linux nor Windows; choose another type"
        elif wanted not in {None, found}:
            message = (
                f"{instance_type!r} has {found} processors, and the base image is for {wanted}; "
                "choose another type, or another base image"
            )
        else:
            continue
        problems.append(Inconsistency(("instanceTypes", index), message))
    return problems


def mismatches(product: Product, landing_zone: LandingZone) -> list[Inconsistency]:
    """What the product asks for and the landing zone does not hold."""
    problems: list[Inconsistency] = []
    if (count := len({**landing_zone.tags, **product.tags})) > TAG_MAXIMUM:
        message = f"has {count} keys with the landing zone's, and {TAG_MAXIMUM} leave room for AWS's own; remove some"
        problems.append(Inconsistency(("tags",), message))
    problems += [
        Inconsistency(
            ("workflows", index, "arn"),
            f"is of Region {workflow.region}, and images are built in {landing_zone.hub.region}; "
            "name the workflow of that Region",
        )
        for index, workflow in enumerate(product.workflows)
        if workflow.region != landing_zone.hub.region
    ]
    problems += _schedule_without_updates(product, landing_zone)
    shared = {key.lower(): key for key in landing_zone.tags}
    problems += [
        Inconsistency(("tags", key), f"is {other!r} of the landing zone in another case; write it alike")
        for key in product.tags
        if (other := shared.get(key.lower(), key)) != key
    ]
    receiving: set[str] = set() if product.distribution else {HUB}
    for index, entry in enumerate(product.distribution):
        problems += [
            Inconsistency(("distribution", index, *found.location), found.message)
            for found in entry.mismatches(landing_zone)
        ]
        receiving.update(entry.users)
    problems += [
        Inconsistency(
            ("consumers", index, "account"),
            f"{consumer.account!r} gets no image ({', '.join(sorted(receiving))}); "
            "name it in the distribution, or remove the consumer",
        )
        for index, consumer in enumerate(product.consumers)
        if consumer.account not in receiving
    ]
    return problems


def _schedule_without_updates(product: Product, landing_zone: LandingZone) -> list[Inconsistency]:
    """A schedule that waits for updates of an image in which nothing moves by itself."""
    schedule = product.schedule
    if schedule is None or schedule.start_condition is StartCondition.ALWAYS or product.dependencies(landing_zone):
        return []
    message = (
        f"is {schedule.start_condition.value!r}, but base image and components move with a deployment only "
        "and never have updates; state 'always', start from an ssmParameter or product, or give a component's "
        "version with x"
    )
    return [Inconsistency(("schedule", "startCondition"), message)]
