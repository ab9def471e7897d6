"""How a product's AMIs are called, and what they say of themselves in every account and Region."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.fields import FileModel, Inconsistency, TagKey, refuse

BUILD_DATE = "imagebuilder:buildDate"
PLACEHOLDERS = frozenset({BUILD_DATE, "imagebuilder:buildVersion"})
"""What Image Builder fills in (API Reference, AmiDistributionConfiguration)."""

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

RESERVED_TAGS = frozenset({"CreatedBy", "Ec2ImageBuilderArn"})
"""Tags that Image Builder puts on what it makes; its own permissions hang on the first."""

RESERVED_PREFIXES = ("aws:", "golden-ami:")

TAG_MAXIMUM = 40
"""Tags that a file may state, so that AWS's 50 hold the program's own and Image Builder's too."""

AmiTagValue = Annotated[str, StringConstraints(pattern=r"^[\w .:/=+@{}-]*$", max_length=256)]

AmiName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_{-][A-Za-z0-9_\s:{}.-]*[A-Za-z0-9_}-]$", max_length=127)
]
"""Image Builder's pattern and length of an AMI's name (API Reference, AmiDistributionConfiguration)."""


AmiDescription = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\r\n]+$")]
"""EC2's length of an AMI's description (API Reference, CreateImage)."""


class Image(FileModel):
    """The product's AMIs."""

    name: AmiName | None = None
    """Name of each AMI, with `{{ imagebuilder:buildDate }}` or `{{ imagebuilder:buildVersion }}`; left out,
    `golden-ami-<product>-{{ imagebuilder:buildDate }}`."""
    description: AmiDescription | None = None
    """Description of each AMI; left out, the product's."""
    tags: Annotated[dict[TagKey, AmiTagValue], Field(max_length=TAG_MAXIMUM)] = Field(default_factory=dict)
    """Tags of each AMI in every account, with the same placeholders as the name."""

    @model_validator(mode="after")
    def _is_taken_by_image_builder(self) -> Self:
        problems: list[Inconsistency] = []
        if self.name is not None:
            problems += name_problems(("name",), self.name)
        for key, value in self.tags.items():
            problems += unknown_placeholders(("tags", key), value)
        refuse([*problems, *reserved_tags(("tags",), self.tags)])
        return self


def name_problems(location: tuple[str, ...], name: str) -> list[Inconsistency]:
    """What keeps Image Builder from making names of a pattern, each once."""
    problems = unknown_placeholders(location, name)
    if not PLACEHOLDER.search(name):
        message = f"must hold a placeholder, got {name!r}: names are unique; add {{{{ {BUILD_DATE} }}}}"
        problems.append(Inconsistency(location, message))
    return problems


def unknown_placeholders(location: tuple[str, ...], text: str) -> list[Inconsistency]:
    """Placeholders that Image Builder does not fill in, and braces that are none."""
    known = ", ".join(sorted(PLACEHOLDERS))
    problems = [
        Inconsistency(location, f"{found!r} is no placeholder of Image Builder ({known}); correct its spelling")
        for found in PLACEHOLDER.findall(text)
        if found not in PLACEHOLDERS
    ]
    if set("{}") & set(PLACEHOLDER.sub("", text)):
        problems.append(Inconsistency(location, f"has a brace without its partner, got {text!r}; write {{{{ … }}}}"))
    return problems


def reserved_tags(location: tuple[str, ...], tags: dict[str, str]) -> list[Inconsistency]:
    """Tags that AWS or the program sets itself."""
    return [
        Inconsistency((*location, key), f"{key!r} is set by AWS or by this program; choose another key")
        for key in tags
        if key in RESERVED_TAGS or key.startswith(RESERVED_PREFIXES)
    ]
