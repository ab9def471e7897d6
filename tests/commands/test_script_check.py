"""Checking scripts before they are uploaded."""

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from rich.console import Console

from commands.project import CommandError
from commands.script_check import check
from model.files.problems import FileError

PROJECT = Path(__file__).parent.parent.parent
SECRET = "AK" + "IA" + "Q3EGRIZ7BXPLOYAB"


def printed(product: str, script: Path) -> tuple[int, str]:
    output = io.StringIO()
    code = check(product, PROJECT, script, Console(file=output, width=200))
    return code, output.getvalue()


def upload(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("product", ["ledger", "payroll"])
def test_the_examples_pass(product: str) -> None:
    code, text = printed(product, PROJECT / "examples" / product)
    assert code == 0
    assert "0 refusals, 0 warnings" in text
    assert "may be uploaded" in text


def test_a_secret_is_told_with_file_line_and_rule_and_not_shown(tmp_path: Path) -> None:
    code, text = printed("ledger", upload(tmp_path, install_sh=f"#!/bin/bash\nuse {SECRET}\n") / "install.sh")
    assert code == 1
    row = next(line for line in text.splitlines() if "install.sh" in line)
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["install.sh", "2", "secret-aws-access-key"]
    assert SECRET not in text
    assert "Warnings" not in text


def test_a_folder_is_checked_as_the_upload_it_would_be(tmp_path: Path) -> None:
    code, text = printed("ledger", upload(tmp_path, other_sh="#!/bin/bash\n", run_ps1="exit", empty_conf=""))
    assert code == 1
    assert all(rule in text for rule in ("entry-script", "extension", "empty"))
    assert "3 files, 3 refusals" in text


def test_a_script_alone_needs_no_entry_script_beside_it(tmp_path: Path) -> None:
    assert printed("ledger", upload(tmp_path, other_sh="#!/bin/bash\n") / "other.sh")[0] == 0
    assert printed("payroll", tmp_path / "other.sh")[0] == 1


def test_a_warning_is_told_apart_and_does_not_fail(tmp_path: Path) -> None:
    code, text = printed("ledger", upload(tmp_path, install_sh="#!/bin/bash\nif true; then\n  echo\n"))
    assert code == 0
    assert "Warnings" in text
    assert "Refused" not in text
    assert "SC1046" in text


def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "[red]a.ps1").write_text("exit", encoding="utf-8")
    assert "[red]a.ps1" in printed("ledger", tmp_path)[1]


def test_a_large_file_is_read_only_at_its_beginning(tmp_path: Path) -> None:
    upload(tmp_path, install_sh="#!/bin/bash\n")
    with (tmp_path / "jdk.rpm").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        assert printed("ledger", tmp_path)[0] == 0
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not there"):
        printed("ledger", tmp_path / "install.sh")
    with pytest.raises(FileError):
        printed("unknown", tmp_path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "commands.script_check", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)


def test_the_command_ends_as_a_build_server_expects(tmp_path: Path) -> None:
    assert run("--product", "ledger", "--script", "examples/ledger").returncode == 0
    refused = run("--product", "ledger", "--script", str(tmp_path))
    assert (refused.returncode, refused.stderr) == (1, "")
    missing = run("--product", "ledger", "--script", str(tmp_path / "no.sh"))
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr
    assert "is not there" in missing.stderr
    assert "--script" in run("--help").stdout
