"""Types of single values in the files: each states AWS's own pattern or limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from model.names import PRODUCT_NAME_MAXIMUM, PRODUCT_NAME_PATTERN


class FileModel(BaseModel):
    """Base of everything in a file: frozen, strict, in camel case as Pulumi's configuration is, nothing unknown."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


class Inconsistency(NamedTuple):
    """A rule between several fields that a file breaks, and the place where a reader would mend it."""

    location: tuple[str | int, ...]
    message: str


def refuse(inconsistencies: list[Inconsistency]) -> None:
    """Raise one validation error that carries all inconsistencies; none, and nothing happens."""
    if inconsistencies:
        raise PydanticCustomError(
            "inconsistent",
            "{text}",
            {"text": "; ".join(entry.message for entry in inconsistencies), "inconsistencies": inconsistencies},
        )


def repeated(values: Sequence[str]) -> list[str]:
    """What stands more than once among values, each once."""
    return sorted({value for value in values if list(values).count(value) > 1})


AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
"""Twelve digits, quoted: YAML reads bare digits as a number."""

AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""How files refer to an account: lower-case letters, digits and hyphens, at most 32."""

AMI_ID = re.compile(r"^ami-([0-9a-f]{8}|[0-9a-f]{17})$")

AmiId = Annotated[str, StringConstraints(pattern=AMI_ID.pattern)]

InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]

ParameterName = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./-]+$", max_length=1011)]
"""Name of an SSM parameter, with its leading slash."""

ProductName = Annotated[str, StringConstraints(pattern=PRODUCT_NAME_PATTERN, max_length=PRODUCT_NAME_MAXIMUM)]
"""Lower-case words joined by hyphens; every name of the product's resources contains it."""

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]

RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws:iam::[0-9]{12}:role/[\w+=,.@/-]+$")]

RolePath = Annotated[str, StringConstraints(pattern=r"^([\w+=,.@-]+/)*[\w+=,.@-]+$", max_length=512)]
"""A role's name, with its path in front where it has one: `application/ledger-runtime`."""

SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]

TagKey = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]+$", max_length=128)]
TagValue = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]*$", max_length=256)]

HUB = "hub"
"""The name by which a product file refers to the hub account itself."""
