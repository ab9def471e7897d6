"""Image workflows of one's own in place of Image Builder's default ones.

Source: Image Builder User Guide, "Manage build and test workflows for Image Builder images".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from model.files.fields import FileModel, Inconsistency, refuse

WorkflowArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws:imagebuilder:[a-z0-9-]+:([0-9]{12}|aws(-[a-z-]+)?):workflow/(build|test)/[a-z0-9_-]+"
        r"/((x|[0-9]+)\.(x|[0-9]+)\.(x|[0-9]+)|[0-9]+\.[0-9]+\.[0-9]+/[0-9]+)$",
        max_length=1024,
    ),
]
"""ARN of a build or test workflow: exact, or with `x` for what may move (API Reference, WorkflowConfiguration)."""

ParameterName = Annotated[str, StringConstraints(min_length=1, max_length=128)]

ParallelGroup = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+#-]{0,99}$")]


class OnFailure(StrEnum):
    """What becomes of the image where a test workflow fails."""

    ABORT = "abort"
    CONTINUE = "continue"


class Workflow(FileModel):
    """One workflow that Image Builder runs.

    Source: Image Builder API Reference, WorkflowConfiguration.
    """

    arn: WorkflowArn
    """ARN of a build or test workflow in the build Region, exact or with `x.x.x` for its newest version."""
    parameters: dict[ParameterName, str] = Field(default_factory=dict)
    """Values for the workflow's parameters; left out, the workflow's own defaults."""
    on_failure: OnFailure = OnFailure.ABORT
    """`abort` fails the image with the workflow, `continue`, for test workflows only, goes on with the next."""
    parallel_group: ParallelGroup | None = None
    """Test workflows of one group run at the same time, five at once; left out, one after the other."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if not self.is_test:
            only = "is for test workflows only; remove it"
            refuse(
                [
                    Inconsistency((field,), only)
                    for field, stated in (
                        ("onFailure", self.on_failure is not OnFailure.ABORT),
                        ("parallelGroup", self.parallel_group is not None),
                    )
                    if stated
                ]
            )
        return self

    @property
    def is_test(self) -> bool:
        """Whether it runs on an instance of the finished image."""
        return ":workflow/test/" in self.arn

    @property
    def region(self) -> str:
        """Region of the ARN."""
        return self.arn.split(":")[3]


def completed(stated: Sequence[Workflow], region: str, *, tests: bool) -> tuple[Workflow, ...]:
    """Stated workflows in Image Builder's order, and Amazon's own where none is stated of a kind.

    A pipeline that states workflows runs no others; without `tests` none is added for the test stage.
    """
    of_kind = {kind: [one for one in stated if one.is_test == (kind == "test")] for kind in ("build", "test")}
    for kind, found in of_kind.items():
        if not found and (tests or kind == "build"):
            found.append(Workflow(arn=managed_workflow_arn(region, kind)))
    return (*of_kind["build"], *of_kind["test"])


def managed_workflow_arn(region: str, kind: str) -> str:
    """ARN of the newest of Amazon's own workflows (User Guide, "Use managed workflows for your images")."""
    return f"arn:aws:imagebuilder:{region}:aws:workflow/{kind}/{kind}-image/x.x.x"
