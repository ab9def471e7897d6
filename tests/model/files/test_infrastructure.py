"""Where build instances run, and what they reach."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.infrastructure import ANYWHERE_OVER_TLS
from model.files.landing_zone import LandingZone
from model.files.problems import FileError
from tests.model.files.journal import journal

GROUP = "sg-0123456789abcdef0"
PROXY = {"description": "Proxy", "cidr": "10.0.0.8/32", "port": 3128}


def test_nothing_stated_is_the_default_network_with_tls_to_anywhere(landing_zone: LandingZone) -> None:
    made = journal(landing_zone)
    assert (made.subnet, made.security_groups, made.egress) == (None, (), (ANYWHERE_OVER_TLS,))


def test_a_proxy_and_endpoints_may_be_all_that_is_reached(landing_zone: LandingZone) -> None:
    endpoint = {"description": "S3", "prefixList": "pl-0123456789abcdef0"}
    made = journal(landing_zone, egress=[PROXY, endpoint])
    assert [(egress.cidr, egress.prefix_list, egress.port) for egress in made.egress] == [
        ("10.0.0.8/32", None, 3128),
        (None, "pl-0123456789abcdef0", 443),
    ]


def test_what_a_proxy_does_not_serve_is_awss_own(landing_zone: LandingZone) -> None:
    made = journal(landing_zone, proxy={"url": "http://proxy.example.com:3128"}, egress=[PROXY])
    assert made.proxy
    assert (made.proxy.port, made.proxy.direct) == (3128, (".amazonaws.com",))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"proxy": {"url": "http://proxy.example.com:3128"}},
            "egress: has no entry for port 3128, and so nothing reaches the proxy; add one",
        ),
        ({"proxy": {"url": "http://user:secret@proxy.example.com:3128"}}, "proxy.url: must match"),
        ({"proxy": {"url": "http://proxy.example.com:443", "direct": ["a b"]}}, "proxy.direct.0: must match"),
        ({"internet": False}, "subnet: is missing: the default VPC has a way to the internet; add the subnet that"),
        ({"securityGroups": [GROUP]}, "subnet: is missing: security groups belong to its VPC; add it"),
        ({"securityGroups": ["default"]}, "securityGroups.0: must match"),
        (
            {"subnet": "subnet-00000001", "securityGroups": [GROUP], "egress": [PROXY]},
            "egress: is for the product's own security group; set it at the given ones, or remove securityGroups",
        ),
        ({"egress": []}, "egress: must have at least 1 entry, got []; add one"),
        ({"egress": [{"description": "All"}]}, "egress.0: state exactly one of cidr and prefixList"),
        ({"egress": [{**PROXY, "prefixList": "pl-01234567"}]}, "egress.0: state exactly one of cidr and prefixList"),
        ({"egress": [{**PROXY, "cidr": "10.0.0.1/24"}]}, "egress.0.cidr: must be an IPv4 network such as 10.0.0.0/16"),
        ({"egress": [{**PROXY, "port": 0}]}, "egress.0.port: "),
        ({"egress": [{"cidr": "10.0.0.0/16"}]}, "egress.0.description: is missing; add it"),
        ({"buildLogs": {"bucket": "Logs"}}, "buildLogs.bucket: must match"),
        ({"buildLogs": {"bucket": "logs", "key": "alias/logs"}}, "buildLogs.key: must match"),
    ],
)
def test_a_mistake_is_told_with_its_place(landing_zone: LandingZone, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(FileError) as raised:
        journal(landing_zone, **changed)
    assert told in str(raised.value)
