"""What the pack asks of security groups and of images that are shared."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import ec2
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, changed, verdict

NETWORKS = [
    ("10.0.0.0/8", KEPT),
    ("192.0.2.7/32", KEPT),
    (None, KEPT),
    ("0.0.0.0/0", BROKEN),
    ("192.0.2.7/0", BROKEN),
    # Two halves make a whole.
    ("128.0.0.0/1", BROKEN),
    ("anywhere", BROKEN),
    (UNKNOWN, PENDING),
]
NETWORKS6 = [("2001:db8::/32", KEPT), (None, KEPT), ("::/0", BROKEN), ("8000::/1", BROKEN), (UNKNOWN, PENDING)]


@pytest.mark.parametrize(
    ("name", "single", "network", "expected"),
    [
        *(("cidrBlocks", "cidrIpv4", network, expected) for network, expected in NETWORKS),
        *(("ipv6CidrBlocks", "cidrIpv6", network, expected) for network, expected in NETWORKS6),
    ],
)
def test_the_world_comes_in_through_no_kind_of_rule(name: str, single: str, network: Any, expected: str) -> None:
    check = ec2.forbid_world_ingress
    blocks = {name: ["10.1.0.0/16", network]}
    assert verdict(check, {"ingress": [{"cidrBlocks": ["10.0.0.0/16"]}, blocks]}, ec2.GROUP) == expected
    assert verdict(check, {"type": "ingress", **blocks}, ec2.RULE) == expected
    assert verdict(check, changed({}, network, single), ec2.INGRESS_RULE) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, KEPT),
        ({"egress": [{"cidrBlocks": ["0.0.0.0/0"]}]}, KEPT),
        ({"ingress": UNKNOWN}, PENDING),
        ({"ingress": [UNKNOWN]}, PENDING),
        ({"ingress": [{"cidrBlocks": UNKNOWN}]}, PENDING),
    ],
)
def test_a_group_without_world_ingress_is_left_alone(properties: dict[str, Any], expected: str) -> None:
    assert verdict(ec2.forbid_world_ingress, properties, ec2.GROUP) == expected


@pytest.mark.parametrize(("kind", "expected"), [("egress", KEPT), ("ingress", BROKEN), (UNKNOWN, BROKEN)])
def test_a_rule_of_its_own_counts_unless_it_is_for_egress(kind: Any, expected: str) -> None:
    assert verdict(ec2.forbid_world_ingress, {"type": kind, "cidrBlocks": ["0.0.0.0/0"]}, ec2.RULE) == expected


ALL, TLS, EVERY_TCP_PORT = ("-1", 0, 0), ("tcp", 443, 443), ("tcp", 0, 65535)
WAYS_OUT = [
    ("every protocol to the world", ALL, "0.0.0.0/0", BROKEN),
    ("every protocol in its other spelling", ("ALL", None, None), "0.0.0.0/0", BROKEN),
    ("every protocol to half of the world", ALL, "128.0.0.0/1", BROKEN),
    ("every port of one protocol to the world", EVERY_TCP_PORT, "0.0.0.0/0", BROKEN),
    ("every port but the one that nobody uses", ("tcp", 1, 65535), "0.0.0.0/0", BROKEN),
    ("every protocol to a private network", ALL, "10.0.0.0/8", KEPT),
    ("every protocol to no network", ALL, None, KEPT),
    ("one port to the world", TLS, "0.0.0.0/0", KEPT),
    ("the first ports to the world", ("tcp", 0, 65534), "0.0.0.0/0", KEPT),
    ("the last ports to the world", ("tcp", 2, 65535), "0.0.0.0/0", KEPT),
    ("every protocol to an unknown network", ALL, UNKNOWN, PENDING),
    ("an unknown protocol to the world", (UNKNOWN, 0, 0), "0.0.0.0/0", PENDING),
    ("unknown ports to the world", ("tcp", 0, UNKNOWN), "0.0.0.0/0", PENDING),
    ("an unknown protocol to a private network", (UNKNOWN, 0, 0), "10.0.0.0/8", KEPT),
    ("one port to an unknown network", TLS, UNKNOWN, KEPT),
]


@pytest.mark.parametrize(
    ("way", "network", "expected"), [case[1:] for case in WAYS_OUT], ids=[case[0] for case in WAYS_OUT]
)
def test_not_everything_goes_out_to_the_world(way: tuple[Any, Any, Any], network: Any, expected: str) -> None:
    check = ec2.forbid_world_egress
    protocol, first, last = way
    ports = {"fromPort": first, "toPort": last}
    rule = {"protocol": protocol, **ports, "cidrBlocks": ["10.1.0.0/16", network]}
    narrow = {"protocol": "-1", "cidrBlocks": ["10.1.0.0/16"]}
    assert verdict(check, {"egress": [narrow, rule]}, ec2.GROUP) == expected
    assert verdict(check, {"type": "egress", **rule}, ec2.RULE) == expected
    assert verdict(check, changed({"ipProtocol": protocol, **ports}, network, "cidrIpv4"), ec2.EGRESS_RULE) == expected


@pytest.mark.parametrize(("network", "expected"), NETWORKS6)
def test_not_everything_goes_out_over_ipv6(network: Any, expected: str) -> None:
    check = ec2.forbid_world_egress
    rule = {"protocol": "-1", "ipv6CidrBlocks": [network]}
    assert verdict(check, {"egress": [rule]}, ec2.GROUP) == expected
    assert verdict(check, {"type": "egress", **rule}, ec2.RULE) == expected
    assert verdict(check, changed({"ipProtocol": "-1"}, network, "cidrIpv6"), ec2.EGRESS_RULE) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, KEPT),
        ({"egress": []}, KEPT),
        ({"ingress": [{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}]}, KEPT),
        ({"egress": UNKNOWN}, PENDING),
        ({"egress": [UNKNOWN]}, PENDING),
    ],
)
def test_a_group_without_world_egress_is_left_alone(properties: dict[str, Any], expected: str) -> None:
    assert verdict(ec2.forbid_world_egress, properties, ec2.GROUP) == expected


@pytest.mark.parametrize(("kind", "expected"), [("ingress", KEPT), ("egress", BROKEN), (UNKNOWN, BROKEN)])
def test_a_rule_of_its_own_lets_out_unless_it_is_for_ingress(kind: Any, expected: str) -> None:
    properties = {"type": kind, "protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}
    assert verdict(ec2.forbid_world_egress, properties, ec2.RULE) == expected


@pytest.mark.parametrize("kind", ec2.require_description.types)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Build instances", KEPT),
        (None, BROKEN),
        ("", BROKEN),
        (" ", BROKEN),
        ("Managed by Pulumi", BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_a_group_and_each_rule_says_what_it_is_for(kind: str, text: Any, expected: str) -> None:
    assert verdict(ec2.require_description, changed({}, text, "description"), kind) == expected


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_last_rule_inside_a_group_says_what_it_is_for_too(direction: str) -> None:
    rules: list[dict[str, Any]] = [{"description": "Endpoints"}, {"description": "Mirrors"}]
    group: dict[str, Any] = {"description": "Build instances", direction: rules}
    assert verdict(ec2.require_description, group) == KEPT
    assert verdict(ec2.require_description, {**group, direction: [*rules, {}]}) == BROKEN
    assert verdict(ec2.require_description, {**group, direction: [*rules, UNKNOWN]}) == PENDING


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"accountId": "222222222222"}, KEPT),
        ({"organizationArn": "arn:aws:organizations::111111111111:organization/o-abcdefghij"}, KEPT),
        ({"accountId": "222222222222", "group": ""}, KEPT),
        ({"group": "all"}, BROKEN),
        ({"accountId": "222222222222", "group": "all"}, BROKEN),
        ({"group": UNKNOWN}, PENDING),
    ],
)
def test_no_image_may_be_launched_by_everybody(properties: dict[str, Any], expected: str) -> None:
    assert verdict(ec2.forbid_public_launch, properties) == expected
