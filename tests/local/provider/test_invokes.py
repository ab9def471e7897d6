"""Functions of the aws package that look things up."""

from __future__ import annotations

from typing import Any

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
