"""What Image Builder keeps: resources by account, Region, kind and ARN, in the shapes of its API."""

from __future__ import annotations

import base64
import binascii
import copy
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from local.cloud.call import ServiceError
from local.cloud.image_builder import errors

Record = dict[str, Any]
"""A resource in botocore's output shape."""

PAGE = 25
"""Entries a list operation returns unless asked otherwise; 25 at most (API Reference, maxResults)."""


@dataclass
class Answer:
    """What a client token has been answered with."""

    request: Mapping[str, Any]
    response: dict[str, Any]


@dataclass
class Shelf:
    """The resources of one account in one Region."""

    kinds: dict[str, dict[str, Record]] = field(default_factory=lambda: defaultdict(dict))
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict[tuple[str, str], Answer])

    def put(self, kind: str, record: Record) -> None:
        """Keep a resource under its ARN."""
        self.kinds[kind][record["arn"]] = record

    def find(self, kind: str, arn: str) -> Record | None:
        """A resource, if there; the record itself, to be changed in place."""
        return self.kinds[kind].get(arn)

    def get(self, kind: str, arn: str) -> Record:
        """A resource; the record itself.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        record = self.find(kind, arn)
        if record is None:
            raise errors.not_found(arn)
        return record

    def all(self, kind: str) -> list[Record]:
        """All resources of a kind, oldest first."""
        return list(self.kinds[kind].values())

    def delete(self, kind: str, arn: str) -> None:
        """Forget a resource."""
        del self.kinds[kind][arn]


class Store:
    """All shelves, and the lock under which they are read and changed."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def shelf(self, account: str, region: str) -> Shelf:
        """The resources of an account in a Region."""
        return self._shelves.setdefault((account, region), Shelf())

    def shelves(self) -> list[Shelf]:
        """Those of all accounts and Regions."""
        return list(self._shelves.values())

    def clear(self) -> None:
        """Forget everything."""
        # Not under the lock: an operation may hold it while it waits for the very loop that resets the cloud.
        self._shelves = {}


def timestamp(moment: datetime) -> str:
    """A time as Image Builder writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def picked(record: Mapping[str, Any], keys: Iterable[str]) -> Record:
    """A copy of some members, without those that are not set."""
    return {key: copy.deepcopy(record[key]) for key in keys if record.get(key) is not None}


def page(entries: list[Record], parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One page of a list operation, with the token of the next.

    Raises:
        ServiceError: InvalidPaginationTokenException; InvalidParameterValueException for a maxResults beyond 1 to 25.
    """
    size = int(parameters.get("maxResults") or PAGE)
    if not 1 <= size <= PAGE:
        raise errors.invalid_value("maxResults", f"It must be between 1 and {PAGE}.")
    start = _offset(parameters.get("nextToken"))
    result: dict[str, Any] = {name: entries[start : start + size]}
    if start + size < len(entries):
        result["nextToken"] = base64.urlsafe_b64encode(f"offset:{start + size}".encode()).decode()
    return result


def _offset(token: object) -> int:
    if not token:
        return 0
    try:
        label, _, number = base64.urlsafe_b64decode(str(token)).decode().partition(":")
        if label == "offset":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ServiceError("InvalidPaginationTokenException", "The pagination token is not valid.")


def filtered(entries: list[Record], parameters: Mapping[str, Any], allowed: Iterable[str]) -> list[Record]:
    """The entries that fit a list operation's filters.

    Raises:
        ServiceError: InvalidParameterValueException for a filter that the operation does not have.
    """
    known = tuple(allowed)
    for condition in cast("list[dict[str, Any]]", parameters.get("filters") or []):
        name = str(condition.get("name"))
        if name not in known:
            raise errors.invalid_value("filters", f"'{name}' is none of {', '.join(known)}.")
        values = [str(value) for value in condition.get("values") or []]
        entries = [entry for entry in entries if str(entry.get(name)) in values]
    return entries


def own_only(parameters: Mapping[str, Any]) -> None:
    """Only the caller's own resources are kept here, and listed by version.

    Raises:
        ServiceError: The request asks for shared, Amazon's or Marketplace's resources, or for one entry a name.
    """
    if parameters.get("byName"):
        raise errors.invalid_value("byName", "The local cloud lists by version only.")
    owner = parameters.get("owner", "Self")
    if owner != "Self":
        raise errors.invalid_value("owner", f"The local cloud holds resources with owner Self only, not {owner}.")
