"""Rules for EC2: security groups, and images that are shared outside Image Builder."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import Any

from pulumi_policy import Severity

from .rule import Resource, resource_rule
from .values import UNKNOWN, Findings, entries, is_given, look_up, require

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
LAUNCH_PERMISSION = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"

DEFAULT_DESCRIPTION = "Managed by Pulumi"
"""What pulumi-aws writes where a program gives none."""

WIDEST_IPV4 = 8
"""Prefix length of the widest private network, 10.0.0.0/8 (RFC 1918)."""

WIDEST_IPV6 = 16
"""Prefix length under which an IPv6 network is taken for the world; providers are allocated narrower ones."""


@resource_rule(
    "ec2-group-forbid-world-ingress",
    Severity.CRITICAL,
    ("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277", "EC2.18", "EC2.19"),
    (GROUP, RULE, INGRESS_RULE),
)
def forbid_world_ingress(group: Resource) -> Findings:
    """No security group lets the world in, on any port."""
    for block in _admitted(group):
        yield from require(
            block,
            lambda value: not _is_world(value),
            f"{_text(block)} may come in; name a narrower network or a security group.",
        )


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


def _admitted(group: Resource) -> list[Any]:
    """Networks that may come in; an unknown list counts as one unknown network."""
    properties = group.properties
    if group.type == INGRESS_RULE:
        return [look_up(properties, "cidrIpv4"), look_up(properties, "cidrIpv6")]
    if group.type == RULE:
        kind = look_up(properties, "type")
        rules = [properties] if kind in ("ingress", UNKNOWN) else []
    else:
        rules = entries(look_up(properties, "ingress"))
    return [
        block
        for rule in rules
        for blocks in ("cidrBlocks", "ipv6CidrBlocks")
        for block in entries(look_up(rule, blocks))
    ]


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
