"""License Manager: configurations, and the AMIs that they are associated with. What is used of them is not counted.

Source: License Manager API Reference; Service Authorization Reference, AWS License Manager.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.service import Operation


class Licenses:
    """The operations that associating AMIs takes."""

    name = "license-manager"
    whole = True
    resource_of = None

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._configurations: dict[str, dict[str, Any]] = {}
        self._associated: dict[str, list[str]] = {}
        self.operations: Mapping[str, Operation] = {
            "CreateLicenseConfiguration": self._create,
            "DeleteLicenseConfiguration": self._delete,
            "GetLicenseConfiguration": self._get,
            "ListLicenseSpecificationsForResource": self._list,
            "UpdateLicenseSpecificationsForResource": self._update,
        }

    def reset(self) -> None:
        """Forget everything."""
        self._configurations.clear()
        self._associated.clear()

    def _create(self, call: Call) -> dict[str, Any]:
        self._authorize(call, "*")
        name = f"lic-{secrets.token_hex(16)}"
        arn = f"arn:aws:license-manager:{call.region}:{call.caller.account}:license-configuration:{name}"
        kept = ("Name", "Description", "LicenseCountingType", "LicenseRules", "LicenseCount", "LicenseCountHardLimit")
        self._configurations[arn] = {
            **{key: call.parameters[key] for key in kept if key in call.parameters},
            "LicenseConfigurationId": name,
            "LicenseConfigurationArn": arn,
            "OwnerAccountId": call.caller.account,
            "Status": "AVAILABLE",
        }
        return {"LicenseConfigurationArn": arn}

    def _get(self, call: Call) -> dict[str, Any]:
        return dict(self._configuration(call, call.parameters["LicenseConfigurationArn"]))

    def _delete(self, call: Call) -> dict[str, Any]:
        arn = call.parameters["LicenseConfigurationArn"]
        self._configuration(call, arn)
        if any(arn in associated for associated in self._associated.values()):
            raise ServiceError("InvalidParameterValueException", "The license configuration has associations.")
        del self._configurations[arn]
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        self._authorize(call, "*")
        arns = self._associated.get(call.parameters["ResourceArn"], [])
        return {"LicenseSpecifications": [{"LicenseConfigurationArn": arn} for arn in arns]}

    def _update(self, call: Call) -> dict[str, Any]:
        """UpdateLicenseSpecificationsForResource: for an AMI of the caller's account."""
        given = call.parameters
        resource = given["ResourceArn"]
        added = [one["LicenseConfigurationArn"] for one in given.get("AddLicenseSpecifications", [])]
        removed = [one["LicenseConfigurationArn"] for one in given.get("RemoveLicenseSpecifications", [])]
        for arn in (*added, *removed):
            self._configuration(call, arn)
        if added and not self._is_own_image(call, resource):
            raise ServiceError("InvalidParameterValueException", f"The resource {resource} is no AMI of the account.")
        kept = [arn for arn in self._associated.get(resource, []) if arn not in removed]
        self._associated[resource] = list(dict.fromkeys((*kept, *added)))
        return {}

    def _configuration(self, call: Call, arn: str) -> dict[str, Any]:
        """A configuration of the caller's account and Region, once the caller may do the call on it."""
        self._authorize(call, arn)
        found = self._configurations.get(arn)
        if found is None or arn.split(":")[3:5] != [call.region, call.caller.account]:
            raise ServiceError("InvalidParameterValueException", f"The license configuration {arn} does not exist.")
        return found

    def _is_own_image(self, call: Call, resource: str) -> bool:
        prefix, _, image = resource.rpartition("/")
        if prefix != f"arn:aws:ec2:{call.region}::image":
            return False
        ec2 = self._gateway.root_client("ec2", call.caller.account, call.region)
        try:
            return bool(ec2.describe_images(ImageIds=[image], Owners=["self"])["Images"])
        except ClientError:
            return False

    def _authorize(self, call: Call, resource: str) -> None:
        self._gateway.authorize(call.caller, f"license-manager:{call.operation}", resource, call.region)
