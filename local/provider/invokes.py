"""The functions of the aws package that programs here call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.provider import ami_functions, image_builder_functions, object_functions, tags
from local.provider.declarations import declarations
from local.provider.errors import ProviderError
from local.provider.invocation import Invocation
from local.provider.mapping import Mapper

SUBNET_FILTERS = {
    "availabilityZone": "availability-zone",
    "availabilityZoneId": "availability-zone-id",
    "cidrBlock": "cidr-block",
    "defaultForAz": "default-for-az",
    "ipv6CidrBlock": "ipv6-cidr-block-association.ipv6-cidr-block",
    "state": "state",
    "vpcId": "vpc-id",
}
"""Argument to filter (EC2 API reference, DescribeSubnets)."""

SUBNET_RENAMES = {
    "id": "SubnetId",
    "enableDns64": "EnableDns64",
    "mapCustomerOwnedIpOnLaunch": "MapCustomerOwnedIpOnLaunch",
    "arn": "SubnetArn",
}


def get_subnet(invocation: Invocation) -> dict[str, Any]:
    """The one subnet that the arguments describe."""
    given = invocation.arguments
    filters = [
        {"Name": name, "Values": [_filter_text(given[argument])]}
        for argument, name in SUBNET_FILTERS.items()
        if argument in given
    ]
    filters += _stated_filters(given)
    answer = invocation.call(
        "ec2",
        "DescribeSubnets",
        SubnetIds=[given["id"]] if "id" in given else None,
        Filters=filters or None,
    )["Subnets"]
    if len(answer) != 1:
        found = "no" if not answer else f"{len(answer)}"
        raise ProviderError(f"{invocation.token}: {found} matching EC2 subnets for {dict(given)}")
    subnet = answer[0]
    options = subnet.get("PrivateDnsNameOptionsOnLaunch") or {}
    ipv6 = next(iter(subnet.get("Ipv6CidrBlockAssociationSet") or ()), {})
    region, account = invocation.region, invocation.sessions.account
    properties = Mapper(invocation.token, SUBNET_RENAMES).from_aws(
        declarations()[invocation.token].outputs, {**options, **subnet}
    )
    return {
        **properties,
        "privateDnsHostnameTypeOnLaunch": options.get("HostnameType"),
        "ipv6CidrBlock": ipv6.get("Ipv6CidrBlock", ""),
        "ipv6CidrBlockAssociationId": ipv6.get("AssociationId", ""),
        "arn": subnet.get("SubnetArn") or f"arn:aws:ec2:{region}:{account}:subnet/{subnet['SubnetId']}",
        "ownerId": subnet.get("OwnerId") or account,
        "tags": tags.from_list(subnet.get("Tags") or ()),
        "filters": given.get("filters"),
        "region": region,
    }


ENDPOINT_FILTERS = {
    "serviceName": "service-name",
    "state": "vpc-endpoint-state",
    "vpcEndpointType": "vpc-endpoint-type",
    "vpcId": "vpc-id",
}
"""Argument to filter (EC2 API reference, DescribeVpcEndpoints)."""


def get_vpc_endpoint(invocation: Invocation) -> dict[str, Any]:
    """The one VPC endpoint that the arguments describe; none and several are told in the words of AWS's provider."""
    given = invocation.arguments
    filters = [{"Name": name, "Values": [given[key]]} for key, name in ENDPOINT_FILTERS.items() if key in given]
    answer = invocation.call(
        "ec2",
        "DescribeVpcEndpoints",
        VpcEndpointIds=[given["id"]] if "id" in given else None,
        Filters=[*filters, *_stated_filters(given)] or None,
    )["VpcEndpoints"]
    if not answer:
        raise ProviderError(f"{invocation.token}: reading EC2 VPC Endpoint: no matching EC2 VPC Endpoint found")
    if len(answer) > 1:
        raise ProviderError(f"{invocation.token}: reading EC2 VPC Endpoint: multiple EC2 VPC Endpoints matched")
    (endpoint,) = answer
    owner = endpoint.get("OwnerId") or invocation.sessions.account
    return {
        **Mapper(invocation.token, {}).from_aws(declarations()[invocation.token].outputs, endpoint),
        "arn": f"arn:aws:ec2:{invocation.region}:{owner}:vpc-endpoint/{endpoint['VpcEndpointId']}",
        "id": endpoint["VpcEndpointId"],
        "filters": given.get("filters"),
        "tags": tags.from_list(endpoint.get("Tags") or ()),
        "region": invocation.region,
    }


def get_subnets(invocation: Invocation) -> dict[str, Any]:
    """Ids of all subnets that fit."""
    given = invocation.arguments
    filters = _stated_filters(given)
    ids, token = list[str](), None
    while True:
        page = invocation.call("ec2", "DescribeSubnets", Filters=filters or None, NextToken=token)
        ids += [subnet["SubnetId"] for subnet in page["Subnets"]]
        token = page.get("NextToken")
        if not token:
            break
    region = invocation.region
    return {"ids": ids, "id": region, "region": region, "filters": given.get("filters"), "tags": given.get("tags")}


def _stated_filters(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arguments `filters` and `tags` as EC2's filters."""
    filters = [{"Name": item["name"], "Values": list(item["values"])} for item in given.get("filters") or ()]
    return filters + [{"Name": f"tag:{key}", "Values": [value]} for key, value in (given.get("tags") or {}).items()]


def _filter_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def get_caller_identity(invocation: Invocation) -> dict[str, Any]:
    """Who the provider is, after its roles."""
    answer = invocation.call("sts", "GetCallerIdentity")
    return {
        "accountId": answer["Account"],
        "arn": answer["Arn"],
        "userId": answer["UserId"],
        "id": answer["Account"],
    }


def get_region(invocation: Invocation) -> dict[str, Any]:
    """A Region by name or endpoint, else the provider's."""
    given = invocation.arguments
    name = given.get("region") or given.get("name")
    if name is None and "endpoint" in given:
        host = str(given["endpoint"])
        if not (host.startswith("ec2.") and host.endswith(".amazonaws.com")):
            raise ProviderError(f"{invocation.token}: endpoint {host!r} is no EC2 endpoint of a Region")
        name = host.removeprefix("ec2.").removesuffix(".amazonaws.com")
    region = str(name or invocation.sessions.configuration.region)
    description = _regions().get(region, {}).get("description")
    if description is None:
        raise ProviderError(f"{invocation.token}: no such Region: {region}")
    return {
        "description": description,
        "endpoint": f"ec2.{region}.{_partition(region)['dnsSuffix']}",
        "id": region,
        "name": region,
        "region": region,
    }


def get_partition(invocation: Invocation) -> dict[str, Any]:
    """Partition of the provider's Region."""
    found = _partition(invocation.sessions.configuration.region)
    suffix = str(found["dnsSuffix"])
    return {
        "partition": found["partition"],
        "id": found["partition"],
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def _partition(region: str) -> dict[str, Any]:
    from botocore.loaders import Loader

    partitions: list[dict[str, Any]] = Loader().load_data("endpoints")["partitions"]
    return next((item for item in partitions if region in item["regions"]), partitions[0])


def _regions() -> dict[str, Any]:
    from botocore.loaders import Loader

    return {
        name: region
        for item in Loader().load_data("endpoints")["partitions"]
        for name, region in item["regions"].items()
    }


def get_parameter(invocation: Invocation) -> dict[str, Any]:
    """A parameter of Systems Manager; its value is secret, and also `insecureValue` where it is plain text."""
    from local.provider.values import Secret

    given = invocation.arguments
    if not given.get("name"):
        raise ProviderError(f"{invocation.token}: missing required argument 'name'")
    decrypt = given.get("withDecryption", True)
    answer = invocation.call("ssm", "GetParameter", Name=given["name"], WithDecryption=decrypt)["Parameter"]
    return {
        "arn": answer.get("ARN"),
        "id": answer["Name"],
        "insecureValue": None if answer["Type"] == "SecureString" else answer["Value"],
        "name": answer["Name"],
        "region": invocation.region,
        "type": answer["Type"],
        "value": Secret(answer["Value"]),
        "version": answer["Version"],
        "withDecryption": decrypt,
    }


def get_roles(invocation: Invocation) -> dict[str, Any]:
    """Names and ARNs of all roles whose path and name fit."""
    given, names, arns = invocation.arguments, list[str](), list[str]()
    marker = None
    while True:
        page = invocation.call("iam", "ListRoles", PathPrefix=given.get("pathPrefix"), Marker=marker)
        for role in page["Roles"]:
            if re.search(given.get("nameRegex") or "", role["RoleName"]):
                names.append(role["RoleName"])
                arns.append(role["Arn"])
        marker = page.get("Marker")
        if not page.get("IsTruncated"):
            break
    stated = {key: given[key] for key in ("nameRegex", "pathPrefix") if key in given}
    return {"names": names, "arns": arns, "id": invocation.region, **stated}


FUNCTIONS: Mapping[str, Callable[[Invocation], dict[str, Any]]] = {
    **ami_functions.FUNCTIONS,
    **image_builder_functions.FUNCTIONS,
    **object_functions.FUNCTIONS,
    "aws:ec2/getSubnet:getSubnet": get_subnet,
    "aws:ec2/getSubnets:getSubnets": get_subnets,
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": get_vpc_endpoint,
    "aws:iam/getRoles:getRoles": get_roles,
    "aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity,
    "aws:index/getPartition:getPartition": get_partition,
    "aws:index/getRegion:getRegion": get_region,
    "aws:ssm/getParameter:getParameter": get_parameter,
}
