"""Rules for how instances start, by themselves or from a launch template."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from .ebs import encryption
from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, entries, is_given, look_up, require

INSTANCE = "aws:ec2/instance:Instance"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

SECRETS = re.compile(
    r"""(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])
    |-----BEGIN\ (?:[A-Z0-9]+\ )*PRIVATE\ KEY
    |(?i:secret[_-]?(?:access[_-]?)?key)[\s:=>"'\\]+[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])""",
    re.VERBOSE,
)
"""An AWS access key id, the head of a private key, and an AWS secret access key beside its name."""

ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}(?:\r?\n[A-Za-z0-9+/]+)*")
"""What may be base64, on one line or wrapped; shorter text holds no secret."""

LAYERS = 3
"""Encodings inside each other: a template's own, that of a MIME part, that of a file in it."""

UNPACKED_MAXIMUM = 1 << 20
"""Bytes that are read of a packed text; all user data is at most 16 KiB when packed."""


@resource_rule(
    "ec2-instance-require-metadata-tokens",
    Severity.HIGH,
    ("CKV_AWS_79", "CKV_AWS_341", "AWS-0028", "AWS-0130", "EC2.8", "EC2.170"),
    (INSTANCE, TEMPLATE),
)
def require_metadata_tokens(instance: Resource) -> Findings:
    """Instances serve metadata to token holders on the instance itself only.

    An instance has to say so even where it starts from a template: that one may lie outside the stack.
    """
    options = look_up(instance.properties, "metadataOptions")
    yield from require(
        look_up(options, "httpTokens"),
        lambda value: value == "required",
        'metadata is served without a token; set metadata_options.http_tokens to "required".',
    )
    yield from require(
        look_up(options, "httpPutResponseHopLimit"),
        lambda value: value == 1,
        "metadata tokens may leave the instance; set metadata_options.http_put_response_hop_limit to 1.",
    )


@resource_rule(
    "ec2-instance-forbid-internet-address", Severity.HIGH, ("CKV_AWS_88", "EC2.9", "EC2.25"), (INSTANCE, TEMPLATE)
)
def forbid_public_address(instance: Resource) -> Findings:
    """No instance asks for a public address.

    Where it asks for nothing its subnet decides; the state after the update shows what an instance got.
    """
    where, holders = "", [instance.properties]
    if instance.type == TEMPLATE:
        where, holders = "network_interfaces.", entries(look_up(instance.properties, "networkInterfaces"))
    for holder in holders:
        yield from require(
            look_up(holder, "associatePublicIpAddress"),
            lambda value: value in (None, "", False, "false"),
            f"the instance is given a public address; set {where}associate_public_ip_address to false.",
        )


@resource_rule(
    "ec2-instance-forbid-secrets", Severity.CRITICAL, ("CKV_AWS_46", "AWS-0029", "AWS-0129"), (INSTANCE, TEMPLATE)
)
def forbid_secrets(instance: Resource) -> Findings:
    """No user data holds an AWS key or a private key, in plain text or encoded."""
    for name, argument in (("userData", "user_data"), ("userDataBase64", "user_data_base64")):
        yield from require(
            look_up(instance.properties, name),
            lambda value: not _holds_secret(value),
            f"{argument} holds an AWS key or a private key, open to all on the instance; "
            "read it from Secrets Manager, or give the instance a role in iam_instance_profile.",
        )


@resource_rule(
    "ec2-instance-require-encrypted-volumes",
    Severity.HIGH,
    ("CKV_AWS_8", "AWS-0131", "EC2.3", "EC2.181"),
    (INSTANCE, TEMPLATE),
)
def require_encrypted_volumes(instance: Resource) -> Findings:
    """Every volume that an instance or a template lists, and an instance's root, is encrypted under a customer key.

    A volume that a template does not list is encrypted as the image has it.
    """
    for what, path, volume in _template_volumes(instance) if instance.type == TEMPLATE else _own_volumes(instance):
        yield from encryption(what, volume, path)


def _own_volumes(instance: Resource) -> Iterator[tuple[str, str, Any]]:
    yield "the root volume", "root_block_device.", look_up(instance.properties, "rootBlockDevice")
    for volume in entries(look_up(instance.properties, "ebsBlockDevices")):
        yield _named(volume), "ebs_block_devices.", volume


def _template_volumes(template: Resource) -> Iterator[tuple[str, str, Any]]:
    for mapping in entries(look_up(template.properties, "blockDeviceMappings")):
        volume = look_up(mapping, "ebs")
        # Neither a device that is left out nor an instance's own disk is a volume.
        others = [look_up(mapping, name) for name in ("noDevice", "virtualName")]
        if is_given(volume) or not any(is_given(other) for other in others):
            yield _named(mapping), "block_device_mappings.ebs.", volume
        elif all(other is UNKNOWN or not is_given(other) for other in others):
            yield _named(mapping), "block_device_mappings.ebs.", UNKNOWN


def _named(device: Any) -> str:
    name = look_up(device, "deviceName")
    return f"volume {name}" if isinstance(name, str) else "a volume"


def _holds_secret(text: Any, layers: int = LAYERS) -> bool:
    if not isinstance(text, str):
        return False
    if SECRETS.search(text):
        return True
    return layers > 0 and any(_holds_secret(_decoded(found[0]), layers - 1) for found in ENCODED.finditer(text))


def _decoded(text: str) -> str:
    joined = "".join(text.split())
    # A last character alone encodes nothing.
    whole = joined[:-1] if len(joined) % 4 == 1 else joined
    data = b64decode(whole + "=" * (-len(whole) % 4))
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, UNPACKED_MAXIMUM)
        except zlib.error:
            return ""
    return data.decode(errors="replace")
