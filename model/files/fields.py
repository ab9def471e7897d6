"""Types of single values in the files: each states AWS's own pattern or limit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from model.names import PRODUCT_NAME_MAXIMUM, PRODUCT_NAME_PATTERN, REGION_MAXIMUM


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


def stated_twice(location: tuple[str, ...], values: Sequence[str]) -> list[Inconsistency]:
    """What a list must hold once and holds more often."""
    return [Inconsistency(location, f"holds {value!r} twice; keep one") for value in repeated(values)]


def tag_problems(location: tuple[str, ...], tags: Mapping[str, str]) -> list[Inconsistency]:
    """Tags that AWS or the program sets itself, and keys that IAM takes for the same."""
    first: dict[str, str] = {}
    problems: list[Inconsistency] = []
    for key in tags:
        if key in RESERVED_TAGS or key.lower().startswith(RESERVED_PREFIXES):
            message = f"{key!r} is set by AWS or by this program; choose another key"
            problems.append(Inconsistency((*location, key), message))
        if (other := first.setdefault(key.lower(), key)) != key:
            message = f"{key!r} differs from {other!r} in case only, and IAM takes them for the same; keep one"
            problems.append(Inconsistency((*location, key), message))
    return problems


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

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", max_length=REGION_MAXIMUM)]

RoleArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$"),
]

RolePath = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$", max_length=512)
]
"""A role's name, with its path in front where it has one: `application/ledger-runtime`."""

SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]

OneLine = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Text without line ends or other control characters."""

TagKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ .:/=+@-]+$", max_length=128)]
"""Image Builder's pattern, which is narrower than that of other services (API Reference, TagResource)."""


def of_letters(value: str) -> str:
    r"""Refuse what a pattern's `\w` takes beside letters and digits, such as accents of their own.

    AWS's pattern of tag values is `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`.
    """
    for character in value:
        if not (character.isascii() or character.isalnum()):
            raise ValueError(f"must hold letters, digits, spaces and _.:/=+@- only, got {value!r} with {character!r}")
    return value


TagValue = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@-]*$", max_length=256), AfterValidator(of_letters)]

RESERVED_TAGS = frozenset({"CreatedBy", "Ec2ImageBuilderArn"})
"""Tags that Image Builder puts on what it makes; its own permissions hang on the first."""

RESERVED_PREFIXES = ("aws:", "golden-ami:")

TAG_MAXIMUM = 40
"""Tags that a file may state, so that AWS's 50 hold the program's own and Image Builder's too."""

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})( 00:00:00 \+0000 UTC)?")


def _day(value: object) -> object:
    """A day as a file states it: YAML knows unquoted ones, and the engine hands those over as midnight in UTC."""
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be a day of the form YYYY-MM-DD, got {value!r}")
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        raise ValueError(f"must be a day of the calendar, got {match[1]!r}") from None


Day = Annotated[date, BeforeValidator(_day)]
"""A day of the form YYYY-MM-DD."""

HUB = "hub"
"""The name by which a product file refers to the hub account itself."""
