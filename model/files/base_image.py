"""What a product's image starts from, and which processors run it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from model.files.fields import AmiId, FileModel, ParameterName, ProductName
from model.names import channel_parameter


class Architecture(StrEnum):
    """Processors, as EC2 names them."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


JSON_PARAMETER = re.compile(r"^/aws/service/(eks|ecs)/.+/recommended$")
"""Parameters of EKS and ECS that hold a JSON object; its AMI id is a parameter of its own below (EKS User Guide,
"Retrieve recommended Amazon Linux AMI IDs"; ECS Developer Guide, "Retrieving Amazon ECS-optimized Linux AMI metadata").
"""

STATED_ARCHITECTURE = re.compile(r"(?<![a-z0-9])(x86_64|amd64|arm64)(?![a-z0-9])")
"""How names of public parameters tell the architecture of their image."""

ARM64_TYPE = re.compile(r"^(a1|[a-z]+\d+[a-z]*g[a-z]*|[a-z]+\d+[a-z]*-gb\d+)[.-]")
"""Instance types with Graviton or Grace processors: a `g` among the letters after the generation (EC2 Instance Types,
"Amazon EC2 instance type naming conventions")."""

MAC_TYPE = re.compile(r"^mac\d")


class BaseImage(FileModel):
    """What the product's image starts from: exactly one of the fields."""

    ssm_parameter: ParameterName | None = None
    """SSM parameter that holds an AMI id; a new value is taken at the next build and replaces nothing."""
    ami_id: AmiId | None = None
    """AMI id in the hub's build Region."""
    product: ProductName | None = None
    """Another product, whose newest stable image in the hub's build Region this one starts from."""

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        if sum(source is not None for source in (self.ssm_parameter, self.ami_id, self.product)) != 1:
            raise ValueError("state exactly one of ssmParameter, amiId and product")
        return self

    @property
    def parent_image(self) -> str:
        """The recipe's parent: by its parameter, so that a new base image replaces no resource."""
        if self.ami_id:
            return self.ami_id
        if self.product:
            return f"ssm:{channel_parameter(self.product)}"
        name = self.ssm_parameter or ""
        return f"ssm:{name}/image_id" if JSON_PARAMETER.match(name) else f"ssm:{name}"

    @property
    def architecture(self) -> Architecture | None:
        """The processors that the image is for, where its parameter's name tells."""
        found = STATED_ARCHITECTURE.search(self.ssm_parameter or "")
        if found is None:
            return None
        return Architecture.ARM64 if found[1] == "arm64" else Architecture.X86_64


def architecture_of(instance_type: str) -> Architecture | None:
    """The processors of an instance type; None for Macs, which run neither Linux nor Windows."""
    if MAC_TYPE.match(instance_type):
        return None
    return Architecture.ARM64 if ARM64_TYPE.match(instance_type) else Architecture.X86_64
