"""An archive's bytes depend on names and contents alone."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from local.provider.archives import zip_bytes
from local.provider.errors import ProviderError
from local.provider.values import ARCHIVE, ASSET, SIGNATURE, Blob


def text(content: str) -> Blob:
    return Blob({SIGNATURE: ASSET, "text": content})


def archive(**assets: Blob) -> Blob:
    return Blob({SIGNATURE: ARCHIVE, "assets": {name.replace("_", "."): asset for name, asset in assets.items()}})


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_order_and_time_of_files_change_nothing(tmp_path: Path) -> None:
    early, late = tmp_path / "early.py", tmp_path / "late.py"
    for path, when in ((early, 1_000_000_000), (late, 1_700_000_000)):
        path.write_text("a = 1\n")
        os.utime(path, (when, when))
    first = archive(a_py=Blob({SIGNATURE: ASSET, "path": str(early)}), b_py=text("b"))
    second = archive(b_py=text("b"), a_py=Blob({SIGNATURE: ASSET, "path": str(late)}))
    assert zip_bytes(first) == zip_bytes(second)
    assert contents(zip_bytes(first)) == {"a.py": b"a = 1\n", "b.py": b"b"}


def test_an_archive_inside_an_archive_is_a_folder() -> None:
    nested = Blob({SIGNATURE: ARCHIVE, "assets": {"inner": archive(x_py=text("x")), "y.py": text("y")}})
    assert contents(zip_bytes(nested)) == {"inner/x.py": b"x", "y.py": b"y"}


def test_a_zip_that_is_named_is_sent_as_it_is(tmp_path: Path) -> None:
    made = tmp_path / "made.zip"
    made.write_bytes(zip_bytes(archive(a_py=text("a"))))
    assert zip_bytes(Blob({SIGNATURE: ARCHIVE, "path": str(made)})) == made.read_bytes()


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("a")
    assert contents(zip_bytes(Blob({SIGNATURE: ARCHIVE, "path": str(tmp_path)}))) == {"package/a.py": b"a"}


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = Blob({SIGNATURE: ASSET, "path": str(tmp_path / "gone.py")})
    with pytest.raises(ProviderError, match=r"gone\.py: No such file"):
        zip_bytes(archive(a_py=missing))


def test_only_a_zip_that_is_named_keeps_executable_files(tmp_path: Path) -> None:
    """Pulumi's archives know names and contents alone, so a program that must run comes in a zip file."""
    folder, named = tmp_path / "folder", tmp_path / "named.zip"
    folder.mkdir()
    (folder / "tool").write_text("a tool")
    (folder / "tool").chmod(0o755)
    with zipfile.ZipFile(named, "w") as file:
        file.write(folder / "tool", "tool")
    modes: list[int] = []
    for path in (folder, named):
        with zipfile.ZipFile(io.BytesIO(zip_bytes(Blob({SIGNATURE: ARCHIVE, "path": str(path)})))) as file:
            modes.append(file.getinfo("tool").external_attr >> 16)
    assert modes == [0o100644, 0o100755]
