"""Instance types: which images their processors run."""

from __future__ import annotations

import re

from local.cloud.call import ServiceError
from local.cloud.compute.records import Image

ARM64_TYPE = re.compile(r"(a1|[a-z]+\d+[a-z]*g[a-z]*|[a-z]+\d+[a-z]*-gb\d+)[.-]")
"""Instance types with AWS's own processors (EC2 Instance Types, "Amazon EC2 instance type naming conventions")."""


def check_architecture(image: Image, instance_type: str) -> None:
    """Raises `ServiceError` where an image is for other processors than an instance type has."""
    architecture = "arm64" if ARM64_TYPE.match(instance_type) else "x86_64"
    if architecture != image.architecture:
        message = (
            f"The architecture '{architecture}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again."
        )
        raise ServiceError("InvalidParameterValue", message)
