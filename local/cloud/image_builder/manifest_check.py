"""Lists of SHA-256 digests, as `sha256sum` writes and reads them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<path>.+)")
_CHUNK = 1 << 20


def check_digests(listed: Path, folder: Path) -> tuple[list[str], int]:
    """Compare the files of a folder with a list of digests.

    Returns:
        The paths that are missing, differ, or stand on a line that is no such line; and how many lines there are.
    """
    wrong: list[str] = []
    count = 0
    for line in listed.read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        count += 1
        match = _LINE.fullmatch(line)
        if match is None:
            wrong.append(line)
            continue
        path = folder.joinpath(*match["path"].split("/"))
        if not path.is_file() or sha256(path) != match["digest"].lower():
            wrong.append(match["path"])
    return wrong, count


def sha256(path: Path) -> str:
    """Digest of a file in lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
