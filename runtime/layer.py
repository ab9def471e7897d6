"""The functions' layer in the project's ignored folder: what it is made from, where it lies, and whether it is current.

`python -m commands.function_layer` makes it. Nothing here writes, or needs more than the standard library, so that a
component, a command and a test may ask alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parent.parent

PYTHON_VERSION = "3.13"
ARCHITECTURE = "x86_64"

PIP_OPTIONS = (
    "--only-binary=:all:",
    "--no-deps",
    "--require-hashes",
    "--no-compile",
    "--implementation=cp",
    f"--python-version={PYTHON_VERSION}",
    f"--platform=manylinux2014_{ARCHITECTURE}",
)
"""What picks Lambda's wheels, whatever machine and Python this is."""

VARYING_FILES = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
"""Metadata that tells of an installation, not of a package (PyPA, "Recording installed projects")."""

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Bytes that a function and its layers may have together (AWS Lambda Developer Guide, "Lambda quotas")."""

UPLOAD_LIMIT = 50 * 1024 * 1024
"""Bytes of a zip file that is uploaded without a bucket (same page)."""


class LayerError(Exception):
    """The functions' layer is missing, or could not be made."""


@dataclass(frozen=True)
class FunctionLayer:
    """The layer of one folder, made from one file of requirements."""

    folder: Path = PROJECT / ".local" / "layer"
    requirements: Path = PROJECT / "requirements-functions.txt"

    @property
    def python(self) -> Path:
        """What Lambda has as `/opt/python`, on the functions' `sys.path`."""
        return self.folder / "python"

    @property
    def archive(self) -> Path:
        """The same as a zip file that is equal, byte for byte, wherever it is made.

        Pulumi sends a zip file as it is, but leaves the executable bits out of archives that it makes itself.
        """
        return self.folder / "layer.zip"

    @property
    def stamp(self) -> Path:
        """Holds the `recipe` from which the layer was made."""
        return self.folder / "recipe.sha256"

    def recipe(self) -> str:
        """Digest of all that decides what the layer holds; raises `OSError` where there are no requirements."""
        parts = (self.requirements.read_text(encoding="utf-8"), *PIP_OPTIONS, *sorted(VARYING_FILES))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def is_current(self) -> bool:
        """Whether the layer is there, made from the requirements as they are now."""
        return self.stamp.is_file() and self.stamp.read_text(encoding="utf-8") == self.recipe()

    def files(self) -> list[str]:
        """Every file of the layer, sorted, as a path below its root (`python/…`)."""
        paths = (path for path in self.python.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)

    def current_archive(self) -> Path:
        """The zip file to deploy; raises `LayerError` where it is not made from the requirements as they are now."""
        if not self.is_current():
            raise LayerError("the functions' layer is missing or stale; make it: python -m commands.function_layer")
        return self.archive
