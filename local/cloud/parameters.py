"""SSM parameters: Amazon's public ones, and values that must be AMI ids; all others are ministack's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.public_images import PublicImages
from local.cloud.service import Operation

IMAGE_TYPE = "aws:ec2:image"
PUBLIC_PREFIX = "/aws/service/"


class Parameters:
    """Reads and writes of Parameter Store."""

    name = "ssm"
    whole = False
    resource_of = None

    def __init__(self, gateway: Gateway, public_images: PublicImages) -> None:
        self._gateway = gateway
        self._public_images = public_images
        self.operations: Mapping[str, Operation] = {
            "GetParameter": self._get,
            "GetParameters": self._get_several,
            "GetParametersByPath": self._get_by_path,
            "PutParameter": self._put,
        }

    def reset(self) -> None:
        """Nothing is kept here."""

    def _get(self, call: Call) -> dict[str, Any]:
        name = call.parameters["Name"]
        self._authorize(call, name)
        public = self._public(name, call.region)
        if public is not None:
            return {"Parameter": public}
        if name.startswith(PUBLIC_PREFIX):
            raise ServiceError("ParameterNotFound", f"Systems Manager could not find the parameter {name}.")
        return self._gateway.forward(call)

    def _get_several(self, call: Call) -> dict[str, Any]:
        names: list[str] = call.parameters["Names"]
        for name in names:
            self._authorize(call, name)
        public = {name: self._public(name, call.region) for name in names if name.startswith(PUBLIC_PREFIX)}
        others = [name for name in names if name not in public]
        answer: dict[str, Any] = {"Parameters": [], "InvalidParameters": []}
        if others:
            parameters = {**call.parameters, "Names": others}
            answer = self._gateway.forward(Call(call.service, call.operation, call.region, call.caller, parameters))
        answer["Parameters"] += [found for found in public.values() if found]
        answer["InvalidParameters"] += [name for name, found in public.items() if not found]
        return answer

    def _get_by_path(self, call: Call) -> dict[str, Any]:
        """GetParametersByPath: allowed on the path as it is stated (Systems Manager API Reference)."""
        path = call.parameters["Path"]
        if path.startswith(PUBLIC_PREFIX):
            raise ServiceError("UnsupportedOperation", "The local cloud lists no public parameters.")
        self._authorize(call, path)
        return self._gateway.forward(call)

    def _put(self, call: Call) -> dict[str, Any]:
        """PutParameter. A value of type `aws:ec2:image` is checked by an AMI that its writer can describe.

        AWS answers first and checks then (Systems Manager User Guide, "Native parameter support for AMI IDs"): a value
        that is no image never becomes a version.
        """
        parameters = call.parameters
        self._authorize(call, parameters["Name"])
        if parameters.get("DataType") == IMAGE_TYPE:
            self._gateway.authorize(call.caller, "ec2:DescribeImages", "*", call.region)
            if not self._is_image(call, parameters["Value"]):
                version = self._next_version(call)
                if version > 1 and not parameters.get("Overwrite"):
                    message = (
                        "The parameter already exists. To overwrite this value, set the overwrite option in the "
                        "request to true."
                    )
                    raise ServiceError("ParameterAlreadyExists", message)
                return {"Version": version, "Tier": "Standard"}
        return self._gateway.forward(call)

    def _is_image(self, call: Call, value: str) -> bool:
        ec2 = self._gateway.root_client("ec2", call.caller.account, call.region)
        try:
            return bool(ec2.describe_images(ImageIds=[value])["Images"])
        except ClientError:
            return False

    def _next_version(self, call: Call) -> int:
        known = Call(call.service, "GetParameter", call.region, call.caller, {"Name": call.parameters["Name"]})
        try:
            return self._gateway.forward(known)["Parameter"]["Version"] + 1
        except ServiceError:
            return 1

    def _authorize(self, call: Call, name: str) -> None:
        self._gateway.authorize(call.caller, f"ssm:{call.operation}", _arn(call, name), call.region)

    def _public(self, name: str, region: str) -> dict[str, Any] | None:
        image = self._public_images.image(name, region)
        if image is None:
            return None
        arn = f"arn:aws:ssm:{region}::parameter{name}"
        return {"Name": name, "Type": "String", "Value": image, "Version": 1, "ARN": arn, "DataType": "text"}


def _arn(call: Call, name: str) -> str:
    if name.startswith("arn:"):
        return name
    bare = name.split(":")[0]
    account = "" if bare.startswith(PUBLIC_PREFIX) else call.caller.account
    return f"arn:aws:ssm:{call.region}:{account}:parameter/{bare.lstrip('/')}"
