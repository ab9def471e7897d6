"""Manifests: what a build installs."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from model.manifest import CHECKSUM_FILE, Manifest, PinnedFile


def pinned(path: str, content: bytes, version: str = "v1") -> PinnedFile:
    return PinnedFile(path, version, hashlib.sha256(content).hexdigest(), len(content))


FILES = {"install.sh": b"echo hello\n", "config/app.ini": b"[app]\n"}
MANIFEST = Manifest("ledger", "install.sh", tuple(pinned(path, content) for path, content in FILES.items()))


def write(folder: Path) -> None:
    (folder / "manifest.json").write_text(MANIFEST.json(), encoding="utf-8")
    (folder / CHECKSUM_FILE).write_text(MANIFEST.checksums(), encoding="utf-8")
    for path, content in FILES.items():
        place = folder / "files" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def check(folder: Path) -> int:
    command = ["sha256sum", "--check", "--strict", CHECKSUM_FILE]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.json()).sha256 == MANIFEST.sha256


def test_the_order_of_files_does_not_change_the_digest() -> None:
    assert Manifest("ledger", "install.sh", tuple(reversed(MANIFEST.files))).sha256 == MANIFEST.sha256


def test_another_version_of_a_file_changes_the_digest() -> None:
    newer = (pinned("install.sh", b"echo hello\n", "v2"), MANIFEST.files[1])
    assert Manifest("ledger", "install.sh", newer).sha256 != MANIFEST.sha256


def test_the_digest_fits_a_client_token() -> None:
    assert len(MANIFEST.sha256) == 64


def test_the_version_of_the_entry_script_identifies_an_upload() -> None:
    assert MANIFEST.entry_version_id == "v1"
    with pytest.raises(KeyError, match=r"missing\.sh"):
        _ = Manifest("ledger", "missing.sh", MANIFEST.files).entry_version_id


def test_sha256sum_accepts_exactly_the_pinned_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    assert check(tmp_path) == 0


@pytest.mark.parametrize("path", ["files/install.sh", "files/config/app.ini", "manifest.json"])
def test_sha256sum_refuses_any_other_byte(tmp_path: Path, path: str) -> None:
    write(tmp_path)
    with (tmp_path / path).open("ab") as file:
        file.write(b" ")
    assert check(tmp_path) != 0
