"""Everything that is stored, by account and Region."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

from local.cloud.call import ServiceError
from local.cloud.compute.records import Image, Instance, Kind, Record, Snapshot, Volume

AnyRecord = TypeVar("AnyRecord", bound=Record)

NOT_FOUND = {
    Kind.IMAGE: ("InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    Kind.SNAPSHOT: ("InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
    Kind.INSTANCE: ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    Kind.VOLUME: ("InvalidVolume.NotFound", "The volume '{}' does not exist."),
}
"""Codes and words of EC2 for an id that the caller cannot see (API Reference, "Error codes")."""


def not_found(kind: Kind, record_id: str) -> ServiceError:
    """EC2's answer to an id that does not exist, or that the caller cannot see."""
    code, words = NOT_FOUND[kind]
    return ServiceError(code, words.format(record_id))


class Store:
    """Records by `[account][region]`; a lock makes changes of one call appear at once.

    `memberships` tells the ARNs of the organisation and units that an account is in.
    """

    def __init__(self, memberships: Callable[[str], frozenset[str]]) -> None:
        self.lock = threading.RLock()
        self._memberships = memberships
        self._records: dict[str, dict[str, dict[Kind, dict[str, Record]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(dict))
        )
        self.client_tokens: dict[tuple[str, str, str, str], list[str]] = {}

    def add(self, record: AnyRecord) -> AnyRecord:
        """Keep a record."""
        with self.lock:
            self._records[record.owner][record.region][record.kind][record.id] = record
        return record

    def remove(self, record: Record) -> None:
        """Forget a record."""
        with self.lock:
            del self._records[record.owner][record.region][record.kind][record.id]

    def of(self, kind: Kind, account: str, region: str) -> list[Record]:
        """An account's own records of a kind in a Region, oldest first."""
        with self.lock:
            return list(self._records[account][region][kind].values())

    def everywhere(self, kind: Kind, region: str) -> Iterator[Record]:
        """Records of a kind in a Region, of all accounts."""
        with self.lock:
            accounts = [regions[region][kind] for regions in self._records.values()]
            records = [record for found in accounts for record in found.values()]
        yield from records

    def find(self, kind: Kind, record_id: str, region: str) -> Record | None:
        """A record by its id, whoever owns it."""
        return next((record for record in self.everywhere(kind, region) if record.id == record_id), None)

    def own(self, kind: Kind, record_id: str, account: str, region: str) -> Record:
        """An account's own record; raises `ServiceError` where it has none of that id."""
        record = self._records[account][region][kind].get(record_id)
        if record is None:
            raise not_found(kind, record_id)
        return record

    def snapshot(self, snapshot_id: str, region: str) -> Snapshot:
        """A snapshot whoever owns it; raises `ServiceError` where there is none."""
        record = self.find(Kind.SNAPSHOT, snapshot_id, region)
        if not isinstance(record, Snapshot):
            raise not_found(Kind.SNAPSHOT, snapshot_id)
        return record

    def image(self, image_id: str, account: str, region: str) -> Image:
        """An image that an account can see; raises `ServiceError` in EC2's words otherwise."""
        if not image_id.startswith("ami-"):
            raise ServiceError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
        record = self.find(Kind.IMAGE, image_id, region)
        if not isinstance(record, Image) or not self.shows(record, account):
            raise not_found(Kind.IMAGE, image_id)
        return record

    def shows(self, image: Image, account: str) -> bool:
        """Whether an account may launch from an image, and so sees it."""
        return image.may_be_launched_by(account, self._memberships(account))

    def instance(self, instance_id: str, account: str, region: str) -> Instance:
        """An account's own instance; raises `ServiceError`."""
        record = self.own(Kind.INSTANCE, instance_id, account, region)
        assert isinstance(record, Instance)
        return record

    def volume(self, volume_id: str, account: str, region: str) -> Volume:
        """An account's own volume; raises `ServiceError`."""
        record = self.own(Kind.VOLUME, volume_id, account, region)
        assert isinstance(record, Volume)
        return record

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._records.clear()
            self.client_tokens.clear()
