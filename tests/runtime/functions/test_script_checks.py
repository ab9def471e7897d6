"""What an upload is refused for, and what only warns."""

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.findings import Finding
from runtime.functions.script_checks import (
    FILE_MAXIMUM,
    FILES_MAXIMUM,
    SCRIPT_MAXIMUM,
    TEXT_MAXIMUM,
    TOTAL_MAXIMUM,
    ScriptChecks,
)

PROJECT = Path(__file__).parent.parent.parent.parent
LINUX = ScriptChecks("install.sh", "linux")
WINDOWS = ScriptChecks("install.ps1", "windows")
SECRET = "AK" + "IA" + "".join(random.Random(4).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.path, finding.rule) for finding in findings]


def test_an_upload_with_its_entry_script_passes() -> None:
    assert LINUX.listing({"install.sh": 100, "files/ledger.conf": 10, "files/jdk.rpm": FILE_MAXIMUM}) == []
    assert WINDOWS.listing({"install.ps1": 100, "files/Module.psm1": 10, "run.bat": 1, "a.cmd": 1}) == []


def test_a_missing_entry_script_is_refused() -> None:
    for sizes in ({}, {"other.sh": 1}, {"files/install.sh": 1}):
        assert told(LINUX.listing(sizes)) == [("install.sh", "entry-script")]


@pytest.mark.parametrize("extension", [".ps1", ".psm1", ".bat", ".cmd", ".PS1"])
def test_a_windows_script_is_refused_for_linux(extension: str) -> None:
    [finding] = LINUX.listing({"install.sh": 1, f"parts/a{extension}": 1})
    assert (finding.path, finding.rule, finding.refuses) == (f"parts/a{extension}", "extension", True)
    assert "linux" in finding.message


@pytest.mark.parametrize("extension", [".sh", ".bash", ".SH"])
def test_a_shell_script_is_refused_for_windows(extension: str) -> None:
    [finding] = WINDOWS.listing({"install.ps1": 1, f"a{extension}": 1})
    assert (finding.rule, finding.refuses) == ("extension", True)
    assert "windows" in finding.message


@pytest.mark.parametrize("path", ["a\nb.conf", "a\\b.conf", "a\x1bb.conf"])
def test_a_name_that_a_list_of_digests_would_not_hold_as_it_is_is_refused(path: str) -> None:
    findings = ScriptChecks("install.sh", "linux").listing({"install.sh": 1, path: 1})
    assert [(finding.rule, finding.refuses) for finding in findings] == [("name", True)]


def test_an_empty_file_is_refused() -> None:
    assert told(LINUX.listing({"install.sh": 0, "files/a": 0})) == [("files/a", "empty"), ("install.sh", "empty")]


@pytest.mark.parametrize(
    ("sizes", "rule", "limit", "received"),
    [
        ({"install.sh": SCRIPT_MAXIMUM + 1}, "size", "262,144", "262,145"),
        ({"install.sh": 1, "jdk.rpm": FILE_MAXIMUM + 1}, "size", "1,073,741,824", "1,073,741,825"),
        ({"install.sh": 1} | {f"files/{n}": 1 for n in range(FILES_MAXIMUM)}, "files", "500", "501"),
        ({"install.sh": 1, "a": FILE_MAXIMUM, "b": FILE_MAXIMUM}, "total-size", "2,147,483,648", "2,147,483,649"),
    ],
)
def test_what_is_over_a_limit_is_refused_with_limit_and_size(
    sizes: dict[str, int], rule: str, limit: str, received: str
) -> None:
    [finding] = LINUX.listing(sizes)
    assert (finding.rule, finding.refuses) == (rule, True)
    assert limit in finding.message
    assert received in finding.message


def test_what_is_at_a_limit_passes() -> None:
    files = {f"files/{n}": 1 for n in range(FILES_MAXIMUM - 1)}
    assert LINUX.listing({"install.sh": SCRIPT_MAXIMUM} | files) == []
    rest = TOTAL_MAXIMUM - FILE_MAXIMUM - 1
    assert LINUX.listing({"install.sh": 1, "a": FILE_MAXIMUM, "b": rest}) == []


def test_all_findings_are_told_at_once_by_path() -> None:
    sizes = {"z.ps1": 0, "a.bat": SCRIPT_MAXIMUM + 1}
    expected = [("a.bat", "extension"), ("a.bat", "size"), ("install.sh", "entry-script")]
    assert told(LINUX.listing(sizes)) == [*expected, ("z.ps1", "empty"), ("z.ps1", "extension")]


@pytest.mark.parametrize("content", [b"echo \0", b"echo \xff\xfe", "echo größer".encode("latin-1"), b"\x7fELF\0\0"])
@pytest.mark.parametrize("path", ["install.sh", "a.ps1", "a.bat"])
def test_a_script_that_is_no_text_is_refused(path: str, content: bytes) -> None:
    [finding] = LINUX.content(path, content)
    assert (finding.path, finding.rule, finding.refuses) == (path, "text", True)


def test_a_powershell_script_in_utf_16_is_refused_and_one_with_a_mark_passes() -> None:
    assert told(WINDOWS.content("install.ps1", "Write-Host größer".encode("utf-16"))) == [("install.ps1", "text")]
    assert WINDOWS.content("install.ps1", "Write-Host größer".encode("utf-8-sig")) == []


def test_a_mark_that_bash_takes_for_a_command_is_told() -> None:
    [finding] = LINUX.content("install.sh", "#!/usr/bin/env bash\necho\n".encode("utf-8-sig"))
    assert (finding.rule, finding.refuses) == ("SC1082", False)


@pytest.mark.parametrize("content", [b" \n\t\n", "\ufeff\r\n".encode()])
def test_a_script_of_white_space_is_refused_as_empty(content: bytes) -> None:
    assert told(WINDOWS.content("install.ps1", content)) == [("install.ps1", "empty")]


@given(st.binary(max_size=300))
def test_any_other_file_may_be_binary(content: bytes) -> None:
    assert LINUX.content("files/logo.png", b"\x89PNG\0" + content) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "utf-8-sig"])
def test_a_secret_is_found_in_a_text_of_any_encoding(encoding: str) -> None:
    content = f"# größer\r\nid = {SECRET}\r\n".encode(encoding)
    [finding] = WINDOWS.content("files/settings.reg", content)
    assert (finding.line, finding.rule, finding.refuses) == (2, "secret-aws-access-key", True)
    assert SECRET not in repr(finding)


def test_a_text_that_is_too_large_to_be_searched_is_refused_and_a_binary_passes() -> None:
    size = LINUX.content_maximum
    assert size > TEXT_MAXIMUM
    assert told(LINUX.content("files/ledger.sql", b"a\n" * (size // 2 + 1))) == [("files/ledger.sql", "size")]
    assert LINUX.content("files/jdk.rpm", (b"\xed\xab\0" * size)[:size]) == []


def test_a_large_text_is_searched_to_its_end() -> None:
    text = "select 1;\n" * ((TEXT_MAXIMUM - 100) // 10)
    [finding] = LINUX.content("files/ledger.sql", f"{text}-- {SECRET}\n".encode())
    assert finding.line == text.count("\n") + 1


def test_what_the_listing_tells_is_not_told_again() -> None:
    assert LINUX.content("install.sh", b"") == []
    assert LINUX.content("install.sh", b"a\0" * SCRIPT_MAXIMUM) == []


def test_shell_errors_warn_by_line() -> None:
    findings = LINUX.content("install.sh", b"#!/usr/bin/env bash\nif true; then\n  echo\n")
    assert (2, "SC1046", False) in [(finding.line, finding.rule, finding.refuses) for finding in findings]
    assert [finding.line for finding in findings] == sorted(finding.line or 0 for finding in findings)


@pytest.mark.parametrize("line", ["cat <<{}", "cat <<'{}'\n", "${}=1", "if {}; then", "{} ()"])
def test_another_programs_message_does_not_quote_a_secret(line: str) -> None:
    content = f"#!/usr/bin/env bash\n{line.format(SECRET)}\necho\n".encode()
    findings = LINUX.content("install.sh", content)
    assert {finding.rule for finding in findings} == {"secret-aws-access-key"}
    assert SECRET not in repr(findings)


def test_only_shell_scripts_are_given_to_shellcheck() -> None:
    broken = b"if true; then\n"
    assert LINUX.content("files/readme.txt", broken) == []
    assert [finding.refuses for finding in LINUX.content("parts/a.bash", broken)].count(False) > 0


@pytest.mark.parametrize(("checks", "folder"), [(LINUX, "ledger"), (WINDOWS, "payroll")])
def test_the_examples_pass(checks: ScriptChecks, folder: str) -> None:
    root = PROJECT / "examples" / folder
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert checks.listing({path: len(content) for path, content in files.items()}) == []
    assert [finding for path, content in files.items() for finding in checks.content(path, content)] == []


def test_the_checks_need_nothing_that_a_function_lacks() -> None:
    program = (
        "import sys, runtime.functions.script_checks\n"
        "print(sorted({'boto3', 'pydantic', 'rich', 'typer', 'pulumi'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_checks_start_no_other_process_than_shellcheck() -> None:
    # A function has no semaphores that multiprocessing needs (AWS Compute Blog, "Parallel Processing in Python").
    for name in ("script_checks", "secret_scan", "secret_rules", "shell_lint"):
        tree = ast.parse((PROJECT / "runtime" / "functions" / f"{name}.py").read_text(encoding="utf-8"))
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "multiprocessing" not in modules
        assert ("subprocess" in modules) == (name == "shell_lint")
