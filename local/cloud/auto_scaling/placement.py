"""Where a group launches."""

from __future__ import annotations

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway, service_error


def placement(call: Call, gateway: Gateway) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Subnets and zones of a new group: the stated subnets, or the default ones of the stated zones.

    Raises `ServiceError` (ValidationError) where there are none.
    """
    stated = [one.strip() for one in call.parameters.get("VPCZoneIdentifier", "").split(",") if one.strip()]
    zones: list[str] = call.parameters.get("AvailabilityZones", [])
    if not stated and not zones:
        message = "At least one Availability Zone or VPC Subnet is required."
        raise ServiceError("ValidationError", message)
    ec2 = gateway.root_client("ec2", call.caller.account, call.region)
    try:
        if stated:
            found = ec2.describe_subnets(SubnetIds=stated)["Subnets"]
        else:
            filters = [
                {"Name": "default-for-az", "Values": ["true"]},
                {"Name": "availability-zone", "Values": zones},
            ]
            found = ec2.describe_subnets(Filters=filters)["Subnets"]
    except ClientError as error:
        raise ServiceError("ValidationError", service_error(error).message) from error
    of_zones = {subnet["AvailabilityZone"] for subnet in found}
    if missing := sorted(set(zones) - of_zones):
        message = f"No default subnet was found for Availability Zones {missing}."
        if stated:
            message = "The availability zones of the specified subnets and the Auto Scaling group do not match"
        raise ServiceError("ValidationError", message)
    return tuple(subnet["SubnetId"] for subnet in found), tuple(sorted(of_zones))
