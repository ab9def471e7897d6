"""Archives as the bytes of a zip file that depend on nothing but names and contents."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.provider.errors import ProviderError
from local.provider.values import Blob

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: the time of day must not change a function's code."""

MODE = 0o100644 << 16
"""Readable, not executable: Pulumi loses executable bits in archives that it makes; a named zip file keeps its own."""


def zip_bytes(archive: Blob) -> bytes:
    """Content of a lambda's code: the zip itself where one is named, else a zip made of its files."""
    wire = archive.wire
    if not archive.is_archive:
        return _asset(archive)
    if "assets" not in wire and _is_file(wire) and _name(wire).endswith((".zip", ".jar")):
        return _location(wire)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(_files(archive).items()):
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = MODE
            target.writestr(entry, content)
    return buffer.getvalue()


def code_sha256(content: bytes) -> str:
    """Base64 of the SHA-256, as Lambda's `CodeSha256`."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _files(archive: Blob) -> dict[str, bytes]:
    wire = archive.wire
    files: dict[str, bytes] = {}
    if "assets" in wire:
        assets: Mapping[str, Any] = wire["assets"]
        for name, item in assets.items():
            if not isinstance(item, Blob):
                raise ProviderError(f"archive entry {name!r} is neither an asset nor an archive")
            if item.is_archive:
                files |= {f"{name}/{inner}": content for inner, content in _files(item).items()}
            else:
                files[name] = _asset(item)
        return files
    if "path" in wire and Path(wire["path"]).is_dir():
        folder = Path(wire["path"])
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return _unpacked(_name(wire), _location(wire))


def _unpacked(name: str, content: bytes) -> dict[str, bytes]:
    if name.endswith((".zip", ".jar")):
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            return {entry.filename: source.read(entry) for entry in source.infolist() if not entry.is_dir()}
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        with tarfile.open(fileobj=io.BytesIO(content)) as source:
            members = [(member.name, source.extractfile(member)) for member in source.getmembers()]
            return {member: file.read() for member, file in members if file is not None}
    raise ProviderError(f"archive {name!r} is neither a folder, a zip nor a tar file")


def _asset(asset: Blob) -> bytes:
    text = asset.wire.get("text")
    return str(text).encode() if text is not None else _location(asset.wire)


def _is_file(wire: Mapping[str, Any]) -> bool:
    return "uri" in wire or ("path" in wire and Path(wire["path"]).is_file())


def _name(wire: Mapping[str, Any]) -> str:
    return str(wire.get("path") or wire.get("uri") or "")


def _location(wire: Mapping[str, Any]) -> bytes:
    if wire.get("path"):
        try:
            return Path(wire["path"]).read_bytes()
        except OSError as error:
            raise ProviderError(f"cannot read {wire['path']}: {error.strerror}") from error
    if wire.get("uri"):
        with urllib.request.urlopen(str(wire["uri"])) as response:
            return bytes(response.read())
    if wire.get("hash") == hashlib.sha256(b"").hexdigest():
        # The engine leaves an empty text out.
        return b""
    raise ProviderError("an asset has neither text, path nor uri")
