"""How a product's AMIs are called, and what they say of themselves in every account and Region."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from model.files.fields import TAG_MAXIMUM, FileModel, Inconsistency, OneLine, TagKey, of_letters, refuse, tag_problems

BUILD_DATE = "imagebuilder:buildDate"
PLACEHOLDERS = frozenset({BUILD_DATE, "imagebuilder:buildVersion"})
"""What Image Builder fills in (API Reference, AmiDistributionConfiguration)."""

LITERAL = re.compile(r"[A-Za-z0-9_ .-]*")
"""What EC2 takes in a name, of what Image Builder takes (EC2 API Reference, CreateImage, Name)."""

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

AmiTagValue = Annotated[
    str, StringConstraints(pattern=r"^[\w .:/=+@{}-]*$", max_length=256), AfterValidator(of_letters)
]

AmiName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_{-][A-Za-z0-9_\s:{}.-]*[A-Za-z0-9_}-]$", max_length=127)
]
"""Image Builder's pattern and length of an AMI's name (API Reference, AmiDistributionConfiguration)."""


AmiDescription = Annotated[OneLine, StringConstraints(max_length=255)]
"""EC2's length of an AMI's description (API Reference, CreateImage)."""


class Image(FileModel):
    """The product's AMIs.

    Source: seed 002, amitag; Image Builder API Reference, AmiDistributionConfiguration.
    """

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
        refuse([*problems, *tag_problems(("tags",), self.tags)])
        return self


def name_problems(location: tuple[str, ...], name: str) -> list[Inconsistency]:
    """What keeps Image Builder from making names of a pattern, each once."""
    problems = unknown_placeholders(location, name)
    if found := LITERAL.sub("", PLACEHOLDER.sub("", name)).strip("{}"):
        message = f"holds {found[0]!r}, which EC2 takes in no name, got {name!r}; use letters, digits, _.-"
        problems.append(Inconsistency(location, message))
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
