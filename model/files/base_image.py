"""What a product's image starts from, and which processors run it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import PrivateAttr, StringConstraints, model_validator

from model.files.fields import AmiId, FileModel, Inconsistency, ParameterName, ProductName, refuse
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
"""How names of public parameters and of AMIs tell the architecture of their image."""

ARM64_TYPE = re.compile(r"^(a1|[a-z]+\d+[a-z]*g[a-z]*|[a-z]+\d+[a-z]*-gb\d+)[.-]")
"""Instance types with Graviton or Grace processors: a `g` among the letters after the generation (EC2 Instance Types,
"Amazon EC2 instance type naming conventions")."""

MAC_TYPE = re.compile(r"^mac\d")

AmiOwner = Annotated[str, StringConstraints(pattern=r"^([0-9]{12}|amazon|aws-marketplace|self)$")]
"""An account id in quotes, or an alias of EC2's (API Reference, DescribeImages, Owner)."""

AmiNameFilter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9()\[\] ./'@_*?-]{3,128}$")]
"""What a name of an AMI is made of (API Reference, CreateImage), with `*` and `?` for what may differ."""


class NewestImage(FileModel):
    """The newest AMI that fits: a newer one is found by the next preview, and moves the recipe's version.

    Source: EC2 API Reference, DescribeImages.
    """

    owner: AmiOwner
    """Who publishes the AMI: an account id in quotes, `amazon`, `aws-marketplace`, or `self` for the hub; a name alone
    could be anybody's."""
    name: AmiNameFilter
    """Name of the AMI, 3 to 128 characters, with `*` for any text and `?` for any character."""
    architecture: Architecture | None = None
    """`x86_64` or `arm64`; left out, what the name tells, else `x86_64`."""

    @model_validator(mode="after")
    def _is_for_one_architecture(self) -> Self:
        told = stated_architecture(self.name)
        if self.architecture and told and told is not self.architecture:
            message = f"is {self.architecture.value!r}, and the name is for {told}; state one of them only"
            refuse([Inconsistency(("architecture",), message)])
        return self

    @property
    def processors(self) -> Architecture:
        """The processors that the AMI is for."""
        return self.architecture or stated_architecture(self.name) or Architecture.X86_64


class BaseImage(FileModel):
    """What the product's image starts from: exactly one of the fields.

    Source: seed 002, baseImage and baseImageType; Image Builder API Reference, CreateImageRecipe.
    """

    ssm_parameter: ParameterName | None = None
    """SSM parameter that holds an AMI id; a new value is taken at the next build and replaces nothing."""
    ami_id: AmiId | None = None
    """AMI id in the hub's build Region."""
    product: ProductName | None = None
    """Another product, whose newest stable image in the hub's build Region this one starts from."""
    newest: NewestImage | None = None
    """The newest AMI that fits in the hub's build Region, found at every preview."""

    _owner: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        sources = (self.ssm_parameter, self.ami_id, self.product, self.newest)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("state exactly one of ssmParameter, amiId, product and newest")
        return self

    def found(self, ami_id: str, owner: str = "") -> BaseImage:
        """The same base with the AMI that fits now, and who published that."""
        base = self.model_copy(update={"ami_id": ami_id})
        base._owner = owner
        return base

    @property
    def owner(self) -> str:
        """Who published the AMI, where it was looked up; "" where a parameter names it, today's or the next."""
        return self._owner

    @property
    def parent_image(self) -> str:
        """The recipe's parent: by its parameter, so that a new base image replaces no resource.

        Raises `ValueError` for a newest image that was not looked up (`found`).
        """
        if self.ami_id:
            return self.ami_id
        if self.newest:
            raise ValueError(f"the newest AMI called {self.newest.name!r} was not looked up")
        if self.product:
            return f"ssm:{channel_parameter(self.product)}"
        name = self.ssm_parameter or ""
        return f"ssm:{name}/image_id" if JSON_PARAMETER.match(name) else f"ssm:{name}"

    @property
    def own_parameter(self) -> str | None:
        """The SSM parameter where it is the hub's own; AWS publishes its own under `/aws/`."""
        name = self.ssm_parameter or ""
        return name if name and not name.startswith("/aws/") else None

    @property
    def architecture(self) -> Architecture | None:
        """The processors that the image is for, where the file tells."""
        return self.newest.processors if self.newest else stated_architecture(self.ssm_parameter or "")


def stated_architecture(name: str) -> Architecture | None:
    """The processors that a name tells; None where it tells none."""
    found = STATED_ARCHITECTURE.search(name)
    if found is None:
        return None
    return Architecture.ARM64 if found[1] == "arm64" else Architecture.X86_64


def architecture_of(instance_type: str) -> Architecture | None:
    """The processors of an instance type; None for Macs, which run neither Linux nor Windows."""
    if MAC_TYPE.match(instance_type):
        return None
    return Architecture.ARM64 if ARM64_TYPE.match(instance_type) else Architecture.X86_64
