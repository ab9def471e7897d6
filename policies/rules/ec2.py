"""Rules for EC2: security groups, and images that are made or shared outside Image Builder."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, ip_network
from typing import Any

from pulumi_policy import Severity

from .ebs import encryption
from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, Unknown, entries, is_given, is_true, look_up, require

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
IMAGE = "aws:ec2/ami:Ami"
IMAGE_COPY = "aws:ec2/amiCopy:AmiCopy"
LAUNCH_PERMISSION = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"

DEFAULT_DESCRIPTION = "Managed by Pulumi"
"""What pulumi-aws writes where a program gives none."""

WIDEST_IPV4 = 8
"""Prefix length of the widest private network, 10.0.0.0/8 (RFC 1918)."""

WIDEST_IPV6 = 16
"""Prefix length under which an IPv6 network is taken for the world; providers are allocated narrower ones."""

LAST_PORT = 65_535


@resource_rule(
    "ec2-group-forbid-world-ingress",
    Severity.CRITICAL,
    ("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277", "EC2.18", "EC2.19"),
    (GROUP, RULE, INGRESS_RULE),
)
def forbid_world_ingress(group: Resource) -> Findings:
    """No security group lets the world in, on any port."""
    for _, block in _openings(group, "ingress"):
        yield from require(
            block,
            lambda value: not _is_world(value),
            f"{_text(block)} may come in; name a narrower network or a security group.",
        )


@resource_rule(
    "ec2-group-bound-egress", Severity.MEDIUM, ("CKV_AWS_382",), (GROUP, RULE, EGRESS_RULE), field="product.egress"
)
def forbid_world_egress(group: Resource) -> Findings:
    """No security group lets traffic out to the world on every port."""
    for rule, block in _openings(group, "egress"):
        every = _is_every_port(rule)
        if every is False:
            continue
        for finding in require(
            block,
            lambda value: not _is_world(value),
            f"everything may go out to {_text(block)}; set the protocol and its ports, or name a narrower network.",
        ):
            yield replace(finding, pending=finding.pending or every is UNKNOWN)


@resource_rule(
    "ec2-group-require-description",
    Severity.LOW,
    ("CKV_AWS_23", "AWS-0099", "AWS-0124"),
    (GROUP, RULE, INGRESS_RULE, EGRESS_RULE),
    # A group's state lists the rules that other resources manage, too.
    recheck=False,
)
def require_description(group: Resource) -> Findings:
    """Every security group and each of its rules says what it is for."""
    yield from require(
        look_up(group.properties, "description"), _is_description, "nothing says what it is for; set description."
    )
    if group.type == GROUP:
        for direction in ("ingress", "egress"):
            for rule in entries(look_up(group.properties, direction)):
                yield from require(
                    look_up(rule, "description"), _is_description, f"a rule for {direction} has no description."
                )


@resource_rule(
    "ec2-image-forbid-public-launch", Severity.CRITICAL, ("CKV_AWS_205", "ec2_ami_public"), (LAUNCH_PERMISSION,)
)
def forbid_public_launch(permission: Resource) -> Findings:
    """No image may be launched by everybody."""
    yield from require(
        look_up(permission.properties, "group"),
        lambda value: not value,
        "a group may launch the image; set account_id, organization_arn or organizational_unit_arn.",
    )


@resource_rule("ec2-image-require-encrypted-volumes", Severity.HIGH, ("CKV_AWS_204",), (IMAGE,))
def require_encrypted_volumes(image: Resource) -> Findings:
    """Every volume of a registered image is encrypted, or comes from a snapshot, which decides for it.

    AWS takes no key here, and no flag beside a snapshot.
    """
    for volume in entries(look_up(image.properties, "ebsBlockDevices")):
        yield from require(
            _is_encrypted(volume),
            bool,
            "a volume of the image is not encrypted; set ebs_block_devices.encrypted to true, "
            "or snapshot_id to an encrypted snapshot.",
        )


@resource_rule("ec2-image-require-customer-key", Severity.HIGH, ("CKV_AWS_235", "CKV_AWS_236"), (IMAGE_COPY,))
def require_copy_key(copy: Resource) -> Findings:
    """Every copy of an image is encrypted under a customer key by its full ARN."""
    yield from encryption("the copy", copy.properties)


def _openings(group: Resource, direction: str) -> list[tuple[Any, Any]]:
    """Each rule of a direction with each of its networks; an unknown list counts as one unknown entry."""
    properties = group.properties
    if group.type in (INGRESS_RULE, EGRESS_RULE):
        return [(properties, look_up(properties, block)) for block in ("cidrIpv4", "cidrIpv6")]
    if group.type == RULE:
        rules = [properties] if look_up(properties, "type") in (direction, UNKNOWN) else []
    else:
        rules = entries(look_up(properties, direction))
    return [
        (rule, block)
        for rule in rules
        for blocks in ("cidrBlocks", "ipv6CidrBlocks")
        for block in entries(look_up(rule, blocks))
    ]


def _is_every_port(rule: Any) -> bool | Unknown:
    protocols = (look_up(rule, "protocol"), look_up(rule, "ipProtocol"))
    if any(str(protocol).lower() in ("-1", "all") for protocol in protocols):
        return True
    first, last = look_up(rule, "fromPort"), look_up(rule, "toPort")
    if UNKNOWN in (*protocols, first, last):
        return UNKNOWN
    return isinstance(first, int | float) and isinstance(last, int | float) and first <= 1 and last >= LAST_PORT


def _is_encrypted(volume: Any) -> bool | Unknown:
    encrypted, snapshot = look_up(volume, "encrypted"), look_up(volume, "snapshotId")
    if is_true(encrypted) or (is_given(snapshot) and snapshot is not UNKNOWN):
        return True
    return UNKNOWN if UNKNOWN in (encrypted, snapshot) else False


def _is_world(block: Any) -> bool:
    if not is_given(block):
        return False
    try:
        network = ip_network(str(block), strict=False)
    except ValueError:
        # What cannot be read cannot be called narrow.
        return True
    return network.prefixlen < (WIDEST_IPV4 if isinstance(network, IPv4Network) else WIDEST_IPV6)


def _is_description(value: Any) -> bool:
    return isinstance(value, str) and value.strip() not in ("", DEFAULT_DESCRIPTION)


def _text(block: Any) -> str:
    return "an address that is unknown yet" if block is UNKNOWN else str(block)
