"""AWSTOE's `S3Download` and `S3Upload`, with the instance profile's credentials.

Source: Image Builder User Guide, "File download and upload modules".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud.image_builder.machine import WINDOWS
from local.cloud.image_builder.workbench import ActionError, Cancelled, Workbench, entries, flag, text

_CHUNK = 1 << 20


def download(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`S3Download`: an object, or with `*` at the end all objects whose keys begin so, into a folder.

    Below the folder the keys keep what follows the last slash before the star.
    """
    s3 = bench.s3()
    lines: list[str] = []
    for entry in entries(inputs):
        bucket, key = _split(text(entry, "source"))
        owner = {"ExpectedBucketOwner": str(entry["expectedBucketOwner"])} if "expectedBucketOwner" in entry else {}
        destination = text(entry, "destination")
        try:
            if key.endswith("*"):
                found = _download_prefix(bench, s3, bucket, key.removesuffix("*"), destination, entry, owner)
            else:
                found = [_download_one(bench, s3, bucket, key, destination, entry, owner)]
        except (ClientError, BotoCoreError) as error:
            raise ActionError(f"S3Download of s3://{bucket}/{key}: {error}") from error
        lines += found
    return "\n".join(lines)


def _download_prefix(
    bench: Workbench, s3: Any, bucket: str, prefix: str, destination: str, entry: dict[str, Any], owner: dict[str, str]
) -> list[str]:
    base = prefix.rpartition("/")[0]
    skipped = len(base) + 1 if base else 0
    separator = "\\" if bench.machine.platform == WINDOWS else "/"
    lines: list[str] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **owner):
        for found in page.get("Contents", []):
            key = found["Key"]
            if key.endswith("/"):
                continue
            below = key[skipped:].split("/")
            if ".." in below:
                raise ActionError(f"the key {key} leads out of the destination")
            name = separator.join([destination.rstrip("/\\"), *below])
            lines.append(_download_one(bench, s3, bucket, key, name, entry, owner))
    if not lines:
        raise ActionError(f"S3Download of s3://{bucket}/{prefix}*: no object matches")
    return lines


def _download_one(
    bench: Workbench, s3: Any, bucket: str, key: str, destination: str, entry: dict[str, Any], owner: dict[str, str]
) -> str:
    if bench.cancelled():
        raise Cancelled
    name = destination
    if name.endswith(("/", "\\")):
        name += key.rpartition("/")[2]
    path = bench.machine.path(name, write=True)
    if path.is_dir():
        path /= key.rpartition("/")[2]
    if path.exists() and not flag(entry, "overwrite", True):
        return f"s3://{bucket}/{key} kept {name}, which exists"
    body = s3.get_object(Bucket=bucket, Key=key, **owner)["Body"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK):
            file.write(chunk)
    return f"s3://{bucket}/{key} to {name}"


def upload(bench: Workbench, inputs: Any, _timeout: float | None) -> str:
    """`S3Upload`: a file, or with `recurse` a folder, to a bucket."""
    s3 = bench.s3()
    lines: list[str] = []
    for entry in entries(inputs):
        bucket, key = _split(text(entry, "destination"))
        owner = {"ExpectedBucketOwner": str(entry["expectedBucketOwner"])} if "expectedBucketOwner" in entry else {}
        source = bench.machine.path(text(entry, "source").rstrip("*"))
        for path, goal in _uploads(source, key, flag(entry, "recurse")):
            try:
                s3.put_object(Bucket=bucket, Key=goal, Body=path.read_bytes(), **owner)
            except (ClientError, BotoCoreError) as error:
                raise ActionError(f"S3Upload to s3://{bucket}/{goal}: {error}") from error
            lines.append(f"{path.name} to s3://{bucket}/{goal}")
    return "\n".join(lines)


def _uploads(source: Path, key: str, recurse: bool) -> list[tuple[Path, str]]:
    if source.is_file():
        return [(source, f"{key}{source.name}" if key.endswith("/") or not key else key)]
    if not source.is_dir():
        raise ActionError("the source does not exist")
    paths = source.rglob("*") if recurse else source.iterdir()
    stem = key.rstrip("*").rstrip("/")
    return [
        (path, "/".join([*([stem] if stem else []), path.relative_to(source).as_posix()]))
        for path in sorted(paths)
        if path.is_file()
    ]


def _split(uri: str) -> tuple[str, str]:
    if not uri.startswith("s3://") or "/" not in uri[5:]:
        raise ActionError(f"'{uri}' is not of the form s3://<bucket>/<key>")
    bucket, _, key = uri[5:].partition("/")
    return bucket, key
