"""How long a product's images are kept.

Source of the limits: Image Builder API Reference, LifecyclePolicyDetailFilter and
LifecyclePolicyDetailExclusionRulesAmisLastLaunched.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from model.files.fields import FileModel


class Retention(FileModel):
    """When an image goes: its AMIs with their snapshots in every account, and what Image Builder holds of it.

    What a channel names stays whatever its age, and so does what an instance, a launch template or a launch
    configuration of an account that holds it uses. Source: Image Builder API Reference, LifecyclePolicyDetail.
    """

    after_days: Annotated[int, Field(ge=1, le=1000)]
    """Days of age after which an image may go (seed: none)."""
    keep_newest: Annotated[int, Field(ge=1, le=10)] = 3
    """Newest images that stay in each account and Region whatever their age."""
    unused_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """Days for which nothing must have been launched from an AMI before it goes; EC2 tells of a launch a day later.
    Left out, launches do not count."""
