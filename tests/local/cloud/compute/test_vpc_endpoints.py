"""VPC endpoints are found by their filters."""

from __future__ import annotations

from typing import Any

import pytest

from local.cloud.call import ServiceError
from tests.local.cloud.compute.conftest import Ec2


def endpoint(number: int, service: str, vpc: str = "vpc-00000001", state: str = "available") -> dict[str, Any]:
    return {
        "VpcEndpointId": f"vpce-0000000{number}",
        "VpcEndpointType": "Gateway" if service == "s3" else "Interface",
        "VpcId": vpc,
        "ServiceName": f"com.amazonaws.us-east-1.{service}",
        "State": state,
        "Tags": [{"Key": "team", "Value": "network"}] if number == 1 else [],
    }


@pytest.fixture
def endpoints(ec2: Ec2, gateway: Any) -> Ec2:
    kept = [
        endpoint(1, "s3"),
        endpoint(2, "ssm"),
        endpoint(3, "ssm", "vpc-00000002"),
        endpoint(4, "logs", state="failed"),
    ]
    gateway.beneath = {"VpcEndpoints": kept}
    return ec2


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"service-name": "com.amazonaws.us-east-1.ssm"}, [2, 3]),
        ({"service-name": "com.amazonaws.us-east-1.ssm", "vpc-id": "vpc-00000001"}, [2]),
        ({"vpc-endpoint-state": "available"}, [1, 2, 3]),
        ({"vpc-endpoint-type": "Gateway"}, [1]),
        ({"vpc-endpoint-id": "vpce-00000003"}, [3]),
        ({"tag:team": "network"}, [1]),
        ({"service-name": "com.amazonaws.us-east-1.kms"}, []),
    ],
)
def test_an_endpoint_is_found_by_what_it_is(endpoints: Ec2, filters: dict[str, str], found: list[int]) -> None:
    stated = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    answer = endpoints("DescribeVpcEndpoints", Filters=stated)["VpcEndpoints"]
    assert [entry["VpcEndpointId"] for entry in answer] == [f"vpce-0000000{number}" for number in found]


def test_a_filter_that_is_not_known_is_an_error(endpoints: Ec2) -> None:
    with pytest.raises(ServiceError, match="The filter 'owner' is invalid"):
        endpoints("DescribeVpcEndpoints", Filters=[{"Name": "owner", "Values": ["x"]}])


def test_who_looks_needs_the_right_to(endpoints: Ec2, gateway: Any) -> None:
    endpoints("DescribeVpcEndpoints", VpcEndpointIds=["vpce-00000001"])
    assert gateway.asked[-1][0] == "ec2:DescribeVpcEndpoints"
    assert gateway.forwarded[-1].parameters == {"VpcEndpointIds": ["vpce-00000001"]}
