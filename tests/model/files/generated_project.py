"""A project folder with what drawn files refer to: documents of every kind, and products to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from model.files.loading import LANDING_ZONE_STACK, PRODUCT_KEY, stack_path

REPOSITORY = Path(__file__).parents[3]

PRODUCT_NAMES = ("a", "ledger", "x1-y2-z3", "n" * 24)
"""Names that drawn products have: the shortest, the longest, and ordinary ones."""

BASE_PRODUCTS = ("base-linux", "base-windows")
"""Products that drawn ones may start from."""

_FOLDER = """\
schemaVersion: 1.0
phases:
  - name: {phase}
    steps:
      - name: MakeFolder
        action: CreateFolder
        inputs:
          - path: "{path}"
"""

_PARAMETER = """\
parameters:
  - Folder:
      type: string
"""

DOCUMENTS: Mapping[str, str] = {
    "plain.yaml": _FOLDER.format(phase="build", path="/opt/plain"),
    "with-default.yaml": f"{_PARAMETER}      default: /opt/default\n"
    + _FOLDER.format(phase="build", path="{{ Folder }}"),
    "without-default.yaml": _PARAMETER + _FOLDER.format(phase="validate", path="{{ Folder }}"),
    "too-large-for-a-call.yaml": f"# {'x' * 16_000}\n" + _FOLDER.format(phase="build", path="/opt/large"),
    "test-only.yaml": _FOLDER.format(phase="test", path="/opt/test"),
}
"""Texts of AWSTOE documents by the names of their files; they run on every operating system."""


def write_project(folder: Path) -> Path:
    """Write what drawn files refer to, and return the folder."""
    (folder / "runtime").symlink_to(REPOSITORY / "runtime")
    for stack in (LANDING_ZONE_STACK, *PRODUCT_NAMES):
        (folder / "stacks" / stack).mkdir(parents=True)
        for name, text in DOCUMENTS.items():
            (folder / "stacks" / stack / name).write_text(text, encoding="utf-8")
    for name in BASE_PRODUCTS:
        windows = name.endswith("windows")
        values = {
            "name": name,
            "description": "What others start from",
            "operatingSystem": name.removeprefix("base-"),
            "baseImage": {"amiId": "ami-0123456789abcdef0"},
            "entryScript": "install.ps1" if windows else "install.sh",
        }
        text = yaml.safe_dump({"config": {PRODUCT_KEY: values}})
        stack_path(folder, name).write_text(text, encoding="utf-8")
    return folder
