"""What a product's image is made of that may move by itself: a base image by its parameter, components by `x`."""

from __future__ import annotations

from collections.abc import Iterable

from model.files.base_image import BaseImage
from model.files.component_steps import Components, moves


def dependencies(base_image: BaseImage, components: Iterable[Components]) -> tuple[str, ...]:
    """The parent as `ssm:<parameter>` and the ARNs with wildcards, each once; empty where everything is exact."""
    steps = [step for each in components for step in (*each.build, *each.finish, *each.test)]
    arns = [step.arn for step in steps if step.arn and moves(step.arn)]
    # The newest AMI that fits is found at a preview: it moves with a deployment alone.
    parents = [base_image.parent_image] if base_image.ssm_parameter or base_image.product else []
    return tuple(dict.fromkeys((*parents, *arns)))
