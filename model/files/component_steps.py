"""What a recipe is made of beside the team's script: components, in the order in which they run."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.component_bucket import BucketDocumentName
from model.files.component_document import VariableName
from model.files.fields import FileModel, Inconsistency, refuse
from model.files.operating_system import OperatingSystem

DocumentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}\.yaml$")]
"""Name of a document's file: lower-case letters, digits and hyphens, ending in `.yaml`."""

LABEL_MAXIMUM = 60
"""Characters of a document's name without its extension."""

ReadyMadeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]

ComponentArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws:imagebuilder:[a-z0-9-]+:([0-9]{12}|aws(-[a-z-]+)?|third-party):component/[a-z0-9_-]+"
        r"/((x|[0-9]+)\.(x|[0-9]+)\.(x|[0-9]+)|[0-9]+\.[0-9]+\.[0-9]+/[0-9]+)$"
    ),
]
"""ARN of a component that Image Builder has: exact, or with `x` for what may move (`x.x.x` is always the newest)."""

SemanticVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$")]
"""`<major>.<minor>.<patch>`."""


class ComponentStep(FileModel):
    """One component: exactly one of a document of one's own, a ready-made one, and one that Image Builder has.

    Source: seed 002, Component_Config; Image Builder API Reference, ComponentConfiguration.
    """

    document: DocumentName | None = None
    """AWSTOE document of one's own, by its file's name in `stacks/<stack>/`."""
    bucket_document: BucketDocumentName | None = None
    """AWSTOE document of one's own, by its key in `componentBucket` behind the prefix (seed 002: file)."""
    ready_made: ReadyMadeName | None = None
    """Ready-made component, by its name in `runtime/components/` without system and extension."""
    arn: ComponentArn | None = None
    """ARN of a component of AWS, of the Marketplace or of another account; with `x.x.x` always its newest version."""
    version: SemanticVersion | None = None
    """Version of a document of one's own; left out, it follows the content."""
    parameters: dict[VariableName, str] = Field(default_factory=dict)
    """Values for the component's parameters."""

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        sources = (self.document, self.bucket_document, self.ready_made, self.arn)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("state exactly one of document, bucketDocument, readyMade and arn")
        if self.version is not None and self.document is None and self.bucket_document is None:
            refuse([Inconsistency(("version",), "can be stated for a document of one's own only; remove it")])
        return self

    @property
    def source(self) -> str:
        """What the step runs, as a reader would call it."""
        return self.document or self.bucket_document or self.ready_made or self.arn or ""


def moves(arn: str) -> bool:
    """Whether an ARN leaves a part of its component's version open, so that Image Builder takes the newest."""
    return any("x" in version for version in arn.split("/")[2:3])


def label_of(text: str) -> str:
    """What a component is called for a document's name: lower-case words, as Image Builder's ARNs have them."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:LABEL_MAXIMUM].strip("-") or "component"


class Components(FileModel):
    """A recipe's steps before the team's script, after it, and on the test instance.

    Source: seed 002, Component_Config; Image Builder takes 20 components (User Guide, "Quotas").
    """

    build: tuple[ComponentStep, ...] = ()
    """Run before the team's script."""
    finish: tuple[ComponentStep, ...] = ()
    """Run after the team's script, before the image is made of the instance."""
    test: tuple[ComponentStep, ...] = ()
    """Run on an instance of the finished image."""

    @property
    def bucket_documents(self) -> tuple[tuple[tuple[str, int, str], str], ...]:
        """The documents that lie in a bucket, with their places."""
        return tuple(
            ((stage, index, "bucketDocument"), step.bucket_document)
            for stage in ("build", "finish", "test")
            for index, step in enumerate(getattr(self, stage))
            if step.bucket_document is not None
        )


class MandatoryComponents(FileModel):
    """Steps of every product: first in `build`, last in `finish` and in `test` (seed 002, default_component.json)."""

    linux: Components = Field(default_factory=Components)
    """Steps of all Linux products."""
    windows: Components = Field(default_factory=Components)
    """Steps of all Windows products."""

    def of(self, system: OperatingSystem) -> Components:
        """Steps of all products of a family of operating systems."""
        return self.windows if system is OperatingSystem.WINDOWS else self.linux
