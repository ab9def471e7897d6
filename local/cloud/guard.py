"""What stands before ministack: checks of AWS's that ministack does not make, on requests that it carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from local.cloud.call import Caller
from local.cloud.protocol import HttpRequest


@dataclass(frozen=True)
class SignedRequest:
    """A request on its way to ministack, which checks the signature right after.

    `signature_version` is 2 or 4; version 2 names no Region, and is only heard by S3.
    """

    service: str
    region: str
    caller: Caller
    request: HttpRequest
    signature_version: int = 4


class Guard(Protocol):
    """Refuses requests; it runs in worker threads and may call the cloud itself."""

    @property
    def services(self) -> frozenset[str]:
        """Names of the services whose requests it looks at, as botocore has them."""
        ...

    def check(self, signed: SignedRequest) -> None:
        """Raise `ServiceError` where AWS refuses the request."""
        ...
