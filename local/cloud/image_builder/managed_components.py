"""Components that Amazon owns and every account may use, in every Region.

Amazon's own documents are not published for copying: those in `managed/` do what the console says of the components, in
this project's words. Their names, versions and parameters are Amazon's (User Guide, "Find and use Amazon-managed
components").
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from local.cloud.image_builder.documents import parse
from local.cloud.image_builder.store import Record
from local.cloud.image_builder.versions import ResourceArn

ACCOUNT = "aws"
"""What stands for an account in the ARNs of Amazon's components."""

PUBLISHED = "2026-01-01T00:00:00.000Z"

_DOCUMENTS = Path(__file__).parent / "managed"
_FILE = re.compile(r"(?P<name>.+-(?P<system>linux|windows))-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\.yaml")


@cache
def managed_components(region: str) -> tuple[Record, ...]:
    """All of them in a Region, as GetComponent describes them."""
    return tuple(_record(path, region) for path in sorted(_DOCUMENTS.glob("*.yaml")))


def _record(path: Path, region: str) -> Record:
    match = _FILE.fullmatch(path.name)
    assert match is not None
    text = path.read_text(encoding="utf-8")
    document = parse(text)
    record: dict[str, Any] = {
        "arn": str(ResourceArn(region, ACCOUNT, "component", match["name"], match["version"], 1)),
        "name": match["name"],
        "version": match["version"],
        "description": document.description,
        "platform": match["system"].title(),
        "type": document.type,
        "state": {"status": "ACTIVE"},
        "owner": "Amazon",
        "data": text,
        "encrypted": True,
        "dateCreated": PUBLISHED,
        "tags": {},
    }
    if document.parameters:
        record["parameters"] = [
            {
                "name": parameter.name,
                "type": parameter.type.lower(),
                "defaultValue": [parameter.default or ""],
                "description": parameter.description or "",
            }
            for parameter in document.parameters
        ]
    return record
