"""Asks EC2 for the AMI that a product starts from, before anything is declared."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.look_up import RefusedError, asked
from model.files.base_facts import BaseFacts, check_base_facts
from model.files.base_image import NewestImage
from model.files.fields import AMI_ID
from model.files.loading import PRODUCT_KEY, StackFile
from model.files.problems import FileError, Problem, dotted
from model.files.product import Product

AWS_ALIASES = ("amazon", "aws-marketplace")
"""What EC2 calls AWS's own accounts; `self` beside them is whoever asks."""


def resolved(product: Product, provider: aws.Provider, file: StackFile) -> Product:
    """The product with its AMI and whose that is, its file held against what EC2 says of the base.

    What `provider` cannot find out yet, because a parameter is not there, is left to the build. Raises `FileError`.
    """
    facts = _facts(product, pulumi.InvokeOptions(provider=provider), file)
    if facts is None:
        return product
    check_base_facts(product, facts, file)
    base = product.base_image
    # A parameter names another AMI as soon as it likes: whose the present one is says nothing of the next.
    return product.starting_from(facts.name, facts.owner) if base.newest or base.ami_id else product


def _facts(product: Product, options: pulumi.InvokeOptions, file: StackFile) -> BaseFacts | None:
    base = product.base_image
    try:
        if base.newest:
            return _described(_newest(base.newest, options))
        if base.ami_id:
            return _described(_image(base.ami_id, options))
    except _NotFoundError as error:
        raise _problem(file, product, str(error)) from None
    parameter = base.parent_image.removeprefix("ssm:")
    ami_id = _value(parameter, options)
    if ami_id is None:
        return None
    if not AMI_ID.match(ami_id):
        raise _problem(file, product, f"{parameter} holds {ami_id!r}, which is no AMI id; choose another parameter")
    try:
        return _described(_image(ami_id, options))
    except _NotFoundError as error:
        raise _problem(file, product, f"{parameter} holds {ami_id}: {error}") from None


class _NotFoundError(Exception):
    """EC2 shows no such AMI."""


def _newest(wanted: NewestImage, options: pulumi.InvokeOptions) -> aws.ec2.AwaitableGetAmiResult:
    filters = {"name": wanted.name, "architecture": wanted.processors.value, "state": "available"}
    values = [aws.ec2.GetAmiFilterArgs(name=name, values=[value]) for name, value in filters.items()]
    try:
        return asked(lambda: aws.ec2.get_ami(owners=[wanted.owner], filters=values, most_recent=True, opts=options))
    except RefusedError as error:
        told = f"no AMI of {wanted.owner} is called {wanted.name!r} and for {wanted.processors} ({error})"
        raise _NotFoundError(f"{told}; correct owner, name or architecture") from None


def _image(ami_id: str, options: pulumi.InvokeOptions) -> aws.ec2.AwaitableGetAmiResult:
    by_id = aws.ec2.GetAmiFilterArgs(name="image-id", values=[ami_id])
    try:
        return asked(lambda: aws.ec2.get_ami(filters=[by_id], include_deprecated=True, opts=options))
    except RefusedError as error:
        told = f"the hub's build Region shows no AMI {ami_id} ({error})"
        raise _NotFoundError(f"{told}; choose another one, or have it shared with the hub") from None


def _value(parameter: str, options: pulumi.InvokeOptions) -> str | None:
    try:
        return asked(lambda: aws.ssm.get_parameter(name=parameter, opts=options)).value
    except RefusedError as error:
        pulumi.log.info(f"what {parameter} holds is not known yet, so the base image is not checked: {error}")
        return None


def _described(image: aws.ec2.AwaitableGetAmiResult) -> BaseFacts:
    return BaseFacts(
        name=image.image_id,
        architecture=image.architecture,
        # EC2 states a platform for Windows only (API Reference, Image).
        platform="Windows" if image.platform else "Linux",
        root_device=image.root_device_name,
        volumes={
            device.device_name: size
            for device in image.block_device_mappings
            # Instance store has no size.
            if (size := int(device.ebs.get("volume_size", 0)))
        },
        owner=image.image_owner_alias if image.image_owner_alias in AWS_ALIASES else image.owner_id,
    )


def _problem(file: StackFile, product: Product, message: str) -> FileError:
    (stated,) = product.base_image.model_dump(exclude_none=True, by_alias=True)
    place = ("baseImage", stated)
    return FileError([Problem(file.name, file.line(PRODUCT_KEY, place), dotted(place), message)])
