"""Component documents in a bucket that is there already (seed 002: ami_component_bucket_name, components_prefix)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from model.files.component_document import DocumentFile
from model.files.fields import FileModel
from model.files.infrastructure import BucketName
from model.files.problems import FileError, encoding_problem

BucketDocumentName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9!_.*'()-]+/)*[A-Za-z0-9!_.*'()-]+\.ya?ml$")]
"""Key of a document below the prefix, of characters that are safe in S3 (S3 User Guide, "Naming objects")."""


class ComponentBucket(FileModel):
    """A bucket of the hub's build Region that has documents; they are read at every preview.

    Source: seed 002, ami_component_bucket_name and components_prefix.
    """

    name: BucketName
    """Name of the bucket; it keeps versions of its objects and encrypts them (seed 002: ami_component_bucket_name)."""
    prefix: Annotated[str, Field(max_length=900), StringConstraints(pattern=r"^([A-Za-z0-9!_.*'()-]+/)*$")] = ""
    """What the keys of all documents begin with, up to and with a slash (seed 002: components_prefix)."""

    def key(self, document: str) -> str:
        """Key of a document in the bucket."""
        return f"{self.prefix}{document}"

    def address(self, document: str) -> str:
        """Where a document is, as messages name it."""
        return f"s3://{self.name}/{self.key(document)}"

    @property
    def objects_arn(self) -> str:
        """ARN pattern of all documents."""
        return f"arn:aws:s3:::{self.name}/{self.prefix}*"


def documents_arns(buckets: Iterable[ComponentBucket | None]) -> tuple[str, ...]:
    """ARN patterns of all documents of products' buckets, each once."""
    return tuple(sorted({bucket.objects_arn for bucket in buckets if bucket is not None}))


@dataclass(frozen=True)
class StoredDocument:
    """What S3 answers of a document: its bytes and how it is kept, or why it could not be read."""

    content: bytes = b""
    version_id: str | None = None
    encryption: str | None = None
    refused: str | None = None


StoredDocuments = Mapping[str, StoredDocument]
"""Documents by their name below the prefix."""


def bucket_problems(bucket: ComponentBucket, stored: StoredDocument) -> Iterator[str]:
    """Why a document cannot be taken from its bucket; AWS answers `null` for a version that is not kept."""
    if stored.refused is not None:
        yield f"cannot be read from {bucket.name}: {stored.refused}"
        return
    if stored.version_id in {None, "", "null"}:
        yield f"is kept without versions in {bucket.name}; turn the bucket's versioning on and upload it again"
    if not stored.encryption:
        yield f"is not encrypted in {bucket.name}; give the bucket default encryption and upload it again"


def read_stored(bucket: ComponentBucket, document: str, stored: StoredDocument) -> DocumentFile:
    """A document of a bucket, checked; raises `FileError`."""
    name = bucket.address(document)
    try:
        text = stored.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError([encoding_problem(error, name)]) from None
    return DocumentFile.parse(text, name)
