"""What each statement is for, and what shows it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import ClientError

from tests.stacks.permissions.documents import Change
from tests.stacks.world import World

Probe = Callable[[World], None]
"""Does one thing as whoever does it in earnest; raises `RefusedError` where it is refused."""


class Purpose(StrEnum):
    """What a statement is there for: to let the product run, to keep others out, or for those who administer it."""

    NEEDED = "needed"
    GUARD = "guard"
    ADMINISTRATION = "administration"


class RefusedError(Exception):
    """AWS refused; `place` is where in the run, the text AWS's own."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.place = place
        self.text = text


@contextmanager
def at(place: str) -> Generator[None]:
    """Turn a refused call into a refusal at a place of the run."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        raise RefusedError(place, f"{details.get('Code')}: {details.get('Message')}") from error


@dataclass(frozen=True)
class Classified:
    """A statement's purpose, and the probe that shows it.

    Without a statement that is needed or for administration the probe is refused at `place`, in words that match
    `says`; without a guard it is not, and with it it is. `change` is for a statement that is to be widened or narrowed
    instead of taken out.
    """

    document: str
    sid: str
    purpose: Purpose
    probe: Probe
    place: str
    says: str
    change: Change | None = None

    def __str__(self) -> str:
        return f"{self.document}: {self.sid}"
