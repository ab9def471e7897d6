"""The manifest of a build: exactly which versions of which uploaded files it installs.

The start function writes it beside the pinned copies of the files; the build instance checks every byte against it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

MANIFEST_FILE = "manifest.json"
CHECKSUM_FILE = "SHA256SUMS"
FILES_FOLDER = "files/"


@dataclass(frozen=True, order=True)
class PinnedFile:
    """One uploaded file as it will be installed.

    `path` is relative to the product's script prefix, `version_id` S3's version of the object, `sha256` the digest of
    its bytes in hexadecimal, `size` in bytes.
    """

    path: str
    version_id: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What one build installs; two builds with the same digest install the same bytes."""

    product: str
    entry: str
    files: tuple[PinnedFile, ...]

    def json(self) -> str:
        """The manifest as written to the bucket; equal manifests give equal text."""
        content = {
            "product": self.product,
            "entry": self.entry,
            "files": [
                {"path": file.path, "versionId": file.version_id, "sha256": file.sha256, "size": file.size}
                for file in sorted(self.files)
            ],
        }
        return json.dumps(content, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest back; raises `KeyError` or `ValueError` where it is none."""
        content = json.loads(text)
        files = tuple(
            PinnedFile(path=file["path"], version_id=file["versionId"], sha256=file["sha256"], size=file["size"])
            for file in content["files"]
        )
        return cls(product=content["product"], entry=content["entry"], files=files)

    @property
    def sha256(self) -> str:
        """Digest of the manifest in hexadecimal, 64 characters: it fits Image Builder's `clientToken`."""
        return hashlib.sha256(self.json().encode()).hexdigest()

    @property
    def entry_version_id(self) -> str:
        """Version of the entry script, by which a team knows its upload; raises `KeyError` where it is missing."""
        for file in self.files:
            if file.path == self.entry:
                return file.version_id
        raise KeyError(self.entry)

    def checksums(self) -> str:
        """What `sha256sum --check` reads on a build instance; it covers the manifest itself too."""
        lines = [f"{self.sha256}  {MANIFEST_FILE}"]
        lines += [f"{file.sha256}  {FILES_FOLDER}{file.path}" for file in sorted(self.files)]
        return "\n".join(lines) + "\n"
