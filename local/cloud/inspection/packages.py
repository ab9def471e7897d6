"""Packages that lie in an instance's files, as Inspector's agents find them: Python distributions and Java archives.

Source: Amazon Inspector User Guide, "Supported operating systems and programming languages".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

JAR, PYTHON = "JAR", "PYTHONPKG"
"""Package managers as Inspector calls them (API Reference, VulnerablePackage)."""

_JAR = re.compile(r"(?P<name>.+?)-(?P<version>[0-9][A-Za-z0-9.]*)\.jar")


@dataclass(frozen=True)
class Package:
    """One package in a file tree; `path` is the file that tells of it, from the tree's root."""

    manager: str
    name: str
    version: str
    path: str


def packages(tree: Path) -> Iterator[Package]:
    """All packages below a root, links not followed."""
    for folder, names, files in os.walk(tree):
        names.sort()
        place = f"/{Path(folder).relative_to(tree)}".replace("/.", "/")
        if folder.endswith(".dist-info") and "METADATA" in files:
            found = _distribution(Path(folder, "METADATA"), f"{place}/METADATA")
            if found:
                yield found
        for name in sorted(files):
            match = _JAR.fullmatch(name)
            if match:
                yield Package(JAR, match["name"], match["version"], f"{place}/{name}")


def _distribution(metadata: Path, place: str) -> Package | None:
    """A Python distribution by its core metadata, its name normalised (Python Packaging User Guide)."""
    lines = metadata.read_text(encoding="utf-8", errors="replace").splitlines()
    fields = {key: value.strip() for key, mark, value in (line.partition(":") for line in lines) if mark}
    if not fields.get("Name") or not fields.get("Version"):
        return None
    return Package(PYTHON, re.sub(r"[-_.]+", "-", fields["Name"]).lower(), fields["Version"], place)
