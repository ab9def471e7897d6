"""VPC endpoints: ministack keeps them, and ignores the filters by which they are looked for."""

from __future__ import annotations

from typing import Any

from local.cloud.call import Call
from local.cloud.compute.access import Access, reject_others
from local.cloud.compute.filters import matching, page
from local.cloud.gateway import Gateway

READERS = {
    "service-name": lambda endpoint: [endpoint["ServiceName"]],
    "vpc-endpoint-id": lambda endpoint: [endpoint["VpcEndpointId"]],
    "vpc-endpoint-state": lambda endpoint: [endpoint["State"]],
    "vpc-endpoint-type": lambda endpoint: [endpoint["VpcEndpointType"]],
    "vpc-id": lambda endpoint: [endpoint["VpcId"]],
}
"""EC2 API Reference, DescribeVpcEndpoints."""


class VpcEndpoints:
    """The look-up of endpoints; making and deleting them stays with ministack."""

    def __init__(self, gateway: Gateway, access: Access) -> None:
        self._gateway = gateway
        self._access = access

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeVpcEndpoints."""
        reject_others(call, frozenset({"VpcEndpointIds", "Filters", "MaxResults", "NextToken"}))
        self._access.describe(call)
        ids = {name: value for name, value in call.parameters.items() if name == "VpcEndpointIds"}
        kept = self._gateway.forward(Call(call.service, call.operation, call.region, call.caller, ids))["VpcEndpoints"]
        found = matching(kept, call.parameters.get("Filters", []), READERS, _tags)
        endpoints, following = page(found, call.parameters)
        return {"VpcEndpoints": endpoints, **({"NextToken": following} if following else {})}


def _tags(endpoint: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in endpoint.get("Tags", [])}
