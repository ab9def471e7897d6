"""What a service of the local cloud is to the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local.cloud.call import Call

Operation = Callable[[Call], dict[str, Any]]
"""Takes a checked call and returns the operation's output in the shape that botocore knows."""


class Service(Protocol):
    """Operations that stand in front of ministack. They run in worker threads and may call the cloud themselves."""

    @property
    def name(self) -> str:
        """Name of the service as botocore has it."""
        ...

    @property
    def whole(self) -> bool:
        """Whether nothing of the service is left to ministack: what is not in `operations` is then an error."""
        ...

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations by AWS's names."""
        ...

    @property
    def resource_of(self) -> Callable[[Call], str] | None:
        """Tells the ARN on which the front decides `<service>:<operation>`; None where operations decide themselves."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...
