"""Functions of the aws package that look things up."""

from __future__ import annotations

from typing import Any

import pytest

from local.provider.errors import ProviderError
from local.provider.requests import Provider
from tests.local.provider.conftest import FakeSessions


def test_subnets_are_told_from_all_pages_by_their_filters(provider: Provider, sessions: FakeSessions) -> None:
    pages: dict[str | None, dict[str, Any]] = {
        None: {"Subnets": [{"SubnetId": "subnet-1"}], "NextToken": "more"},
        "more": {"Subnets": [{"SubnetId": "subnet-2"}]},
    }
    sessions.operations["DescribeSubnets"] = lambda NextToken=None, **_: pages[NextToken]
    filters = [{"name": "default-for-az", "values": ["true"]}]
    found = provider.invoke("aws:ec2/getSubnets:getSubnets", {"filters": filters, "tags": {"team": "platform"}})
    assert (found["ids"], found["id"]) == (["subnet-1", "subnet-2"], "us-east-1")
    assert sessions.called("DescribeSubnets")[0]["Filters"] == [
        {"Name": "default-for-az", "Values": ["true"]},
        {"Name": "tag:team", "Values": ["platform"]},
    ]


def test_a_vpc_endpoint_is_found_by_its_service_and_vpc(provider: Provider, sessions: FakeSessions) -> None:
    endpoint = {
        "VpcEndpointId": "vpce-1",
        "VpcId": "vpc-1",
        "ServiceName": "com.amazonaws.us-east-1.ssm",
        "State": "available",
        "OwnerId": "111111111111",
        "SubnetIds": ["subnet-1"],
    }
    sessions.operations["DescribeVpcEndpoints"] = lambda **_: {"VpcEndpoints": [endpoint]}
    token = "aws:ec2/getVpcEndpoint:getVpcEndpoint"
    given = {"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.ssm", "state": "available"}
    found = provider.invoke(token, given)
    assert (found["id"], found["subnetIds"], found["state"]) == ("vpce-1", ["subnet-1"], "available")
    assert found["arn"] == "arn:aws:ec2:us-east-1:111111111111:vpc-endpoint/vpce-1"
    filters = {entry["Name"]: entry["Values"] for entry in sessions.called("DescribeVpcEndpoints")[0]["Filters"]}
    assert filters == {
        "vpc-id": ["vpc-1"],
        "service-name": ["com.amazonaws.us-east-1.ssm"],
        "vpc-endpoint-state": ["available"],
    }


@pytest.mark.parametrize(("number", "told"), [(0, "no matching EC2 VPC Endpoint found"), (2, "multiple EC2 VPC Endp")])
def test_none_and_several_vpc_endpoints_are_told(
    provider: Provider, sessions: FakeSessions, number: int, told: str
) -> None:
    endpoints = [{"VpcEndpointId": f"vpce-{each}"} for each in range(number)]
    sessions.operations["DescribeVpcEndpoints"] = lambda **_: {"VpcEndpoints": endpoints}
    with pytest.raises(ProviderError, match=told):
        provider.invoke("aws:ec2/getVpcEndpoint:getVpcEndpoint", {"vpcId": "vpc-1"})


def test_roles_are_told_from_all_pages_by_path_and_name(provider: Provider, sessions: FakeSessions) -> None:
    pages: dict[str | None, dict[str, Any]] = {
        None: {"Roles": [{"RoleName": "one", "Arn": "arn:one"}], "IsTruncated": True, "Marker": "more"},
        "more": {"Roles": [{"RoleName": "another", "Arn": "arn:another"}], "IsTruncated": False},
    }
    sessions.operations["ListRoles"] = lambda Marker=None, **_: pages[Marker]
    arguments = {"nameRegex": "^one$", "pathPrefix": "/service/"}
    found = provider.invoke("aws:iam/getRoles:getRoles", arguments)
    assert (found["names"], found["arns"]) == (["one"], ["arn:one"])
    assert {asked["PathPrefix"] for asked in sessions.called("ListRoles")} == {"/service/"}
