"""What a build would be made from now: the base image by its parameter, and components given by wildcards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient
    from types_boto3_ssm import SSMClient

PARAMETER = "ssm:"
"""Begins the name of a parameter that a recipe's parent image is given by (API Reference, CreateImageRecipe)."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies by their names: `ssm:<parameter>`, a component's ARN with wildcards, or what is exact by itself."""

    names: Sequence[str]
    ssm: SSMClient
    image_builder: ImagebuilderClient

    def newest(self) -> Mapping[str, str]:
        """What each name stands for now; raises `ClientError` where AWS does not know it."""
        return {name: self._newest(name) for name in self.names}

    def _newest(self, name: str) -> str:
        if name.startswith(PARAMETER):
            return self.ssm.get_parameter(Name=name.removeprefix(PARAMETER))["Parameter"].get("Value", "")
        if ":component/" in name:
            found: Any = self.image_builder.get_component(componentBuildVersionArn=name)
            return found["component"]["arn"]
        return name
