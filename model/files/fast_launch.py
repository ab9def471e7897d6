"""Fast launch of Windows images: snapshots that are made ready before anybody launches.

Sources: EC2 User Guide, "Use EC2 Fast Launch for your Windows instances"; Image Builder API Reference,
FastLaunchConfiguration; EC2 API Reference, EnableFastLaunch.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from model.files.fields import FileModel

LaunchTemplateId = Annotated[str, StringConstraints(pattern=r"^lt-[a-z0-9-_]{17}$")]


class FastLaunchTemplate(FileModel):
    """Launch template of the hub with which EC2 makes the snapshots ready.

    Source: Image Builder API Reference, FastLaunchLaunchTemplateSpecification.
    """

    id: LaunchTemplateId
    """Id of the launch template, in the one Region in which the hub keeps the image."""
    version: Annotated[int, Field(ge=1)]
    """Version of the launch template."""


class FastLaunch(FileModel):
    """How EC2 makes snapshots of the hub's own image ready; each of them, and what makes them, costs.

    Source: Image Builder API Reference, FastLaunchConfiguration; EC2 User Guide, "Configure EC2 Fast Launch".
    """

    maximum_parallel_launches: Annotated[int, Field(ge=6)] = 6
    """Instances that EC2 launches at once to make snapshots ready, 6 at least."""
    snapshots: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Snapshots to keep ready, 1 to 10,000."""
    launch_template: FastLaunchTemplate | None = None
    """Launch template for the instances that make them ready; left out, EC2 makes its own network for them."""
