from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from local.script_upload import ScriptFolder, UploadError


class Bucket:
    """A versioned bucket; every write is a new version."""

    def __init__(self) -> None:
        self.versions: list[tuple[str, str, bytes]] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        self.versions.append((Key, f"v{len(self.versions)}", Body))

    def get_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        found = (body for key, version, body in self.versions if (key, version) == (Key, VersionId))
        return {"Body": BytesIO(next(found))}

    def get_paginator(self, _operation: str) -> Bucket:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        newest = {key: version for key, version, _ in self.versions}
        entries = [
            {"Key": key, "VersionId": version, "IsLatest": newest[key] == version}
            for key, version, _ in self.versions
            if key.startswith(Prefix)
        ]
        return [{"Versions": entries[:1]}, {"Versions": entries[1:]}]


@pytest.fixture
def bucket() -> Any:
    return Bucket()


@pytest.fixture
def scripts(tmp_path: Path) -> ScriptFolder:
    (tmp_path / "z").mkdir()
    (tmp_path / "install.sh").write_text("echo one\n")
    (tmp_path / "z" / "settings").write_text("a=1\n")
    return ScriptFolder("ledger", "install.sh", tmp_path)


def test_the_entry_script_goes_last_so_that_its_files_are_there(bucket: Any, scripts: ScriptFolder) -> None:
    assert scripts.upload(bucket, "b").uploaded == 2
    assert [key for key, _, _ in bucket.versions] == ["scripts/z/settings", "scripts/install.sh"]


def test_the_same_scripts_are_not_sent_twice(bucket: Any, scripts: ScriptFolder) -> None:
    first = scripts.upload(bucket, "b")
    second = scripts.upload(bucket, "b")
    assert second.uploaded == 0
    assert second.manifest.sha256 == first.manifest.sha256
    assert len(bucket.versions) == 2


def test_a_changed_file_is_sent_alone_and_makes_another_manifest(bucket: Any, scripts: ScriptFolder) -> None:
    first = scripts.upload(bucket, "b")
    (scripts.folder / "z" / "settings").write_text("a=2\n")
    second = scripts.upload(bucket, "b")
    assert second.uploaded == 1
    assert second.manifest.sha256 != first.manifest.sha256
    assert second.manifest.entry_version_id == first.manifest.entry_version_id


def test_a_folder_without_the_entry_script_is_refused_by_name(bucket: Any, scripts: ScriptFolder) -> None:
    (scripts.folder / "install.sh").unlink()
    with pytest.raises(UploadError, match=r"holds no install\.sh, the entry script of product ledger"):
        scripts.upload(bucket, "b")
    assert bucket.versions == []
