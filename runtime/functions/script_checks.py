"""What is looked for in a product's uploads before they are built, and before they are uploaded.

Names and sizes come first, since they cost nothing; then each file's content. All findings are told at once, and none
of them holds a value of the file.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from runtime.functions.findings import Finding
from runtime.functions.secret_scan import find_secrets
from runtime.functions.shell_lint import find_shell_errors

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

SCRIPT_MAXIMUM = 256 * KIB
"""Bytes of a script: more is no text that somebody has read, and shellcheck takes seconds for this much."""

TEXT_MAXIMUM = 2 * MIB
"""Bytes of another text file, all of which are searched for secrets, at about half a MiB per second in a function."""

FILE_MAXIMUM = GIB
"""Bytes of any file: a function reads this much in about 20 seconds, and S3 copies up to 5 GB in one call."""

TOTAL_MAXIMUM = 2 * GIB
"""Bytes of all files, each of which is read for its digest: at about 50 MiB per second a function needs 40 of its 300
seconds."""

FILES_MAXIMUM = 500
"""Files of an upload: each one is copied for the build; more belong into an archive."""

SHELL_EXTENSIONS = frozenset({".sh", ".bash"})
WINDOWS_EXTENSIONS = frozenset({".ps1", ".psm1", ".bat", ".cmd"})
SCRIPT_EXTENSIONS = SHELL_EXTENSIONS | WINDOWS_EXTENSIONS

FOREIGN_EXTENSIONS: Mapping[str, frozenset[str]] = {"linux": WINDOWS_EXTENSIONS, "windows": SHELL_EXTENSIONS}
"""Scripts that the operating system, by its name in a product's file, does not run."""

_UNSAFE_SIGNS = frozenset("\\")
"""What `sha256sum` writes otherwise than it is, as it does with line ends (GNU Coreutils, "md5sum invocation")."""

_BYTE_ORDER_MARK = "\ufeff"
"""PowerShell's editors write it; bash takes it for a command, which shellcheck tells."""

_UTF_16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class ScriptChecks:
    """The checks of one product, whose system is `linux` or `windows`."""

    entry_script: str
    operating_system: str

    @property
    def content_maximum(self) -> int:
        """Bytes of a file's beginning that `content` wants; that one more tells a text that is too large."""
        return TEXT_MAXIMUM + 1

    def listing(self, sizes: Mapping[str, int]) -> list[Finding]:
        """What names and sizes (bytes by path) tell, by path; nothing needs to be read for it."""
        findings: list[Finding] = []
        if self.entry_script not in sizes:
            findings.append(_refused(self.entry_script, "entry-script", "the entry script is missing; upload it too"))
        for path, size in sizes.items():
            if any(sign in _UNSAFE_SIGNS or not sign.isprintable() for sign in path):
                findings.append(_refused(path, "name", "a name has printable signs and no backslash; rename the file"))
            if (extension := _extension(path)) in FOREIGN_EXTENSIONS[self.operating_system]:
                findings.append(_refused(path, "extension", f"{extension} is no script for {self.operating_system}"))
            if size == 0:
                findings.append(_refused(path, "empty", "the file is empty; fill it or remove it"))
            elif size > (maximum := SCRIPT_MAXIMUM if _is_script(path) else FILE_MAXIMUM):
                findings.append(_refused(path, "size", f"has {size:,} bytes, more than {maximum:,}; make it smaller"))
        if len(sizes) > FILES_MAXIMUM:
            message = f"the upload has {len(sizes):,} files, more than {FILES_MAXIMUM:,}; put them into an archive"
            findings.append(_refused(self.entry_script, "files", message))
        if (total := sum(sizes.values())) > TOTAL_MAXIMUM:
            message = f"the upload has {total:,} bytes, more than {TOTAL_MAXIMUM:,}; fetch large files from elsewhere"
            findings.append(_refused(self.entry_script, "total-size", message))
        return in_order(findings)

    def content(self, path: str, content: bytes) -> list[Finding]:
        """What a file, or its first `content_maximum` bytes, tells, by line; raises `ShellcheckError`."""
        # What `listing` tells already is not told again.
        if not content:
            return []
        if _is_script(path):
            if len(content) > SCRIPT_MAXIMUM:
                return []
            try:
                text = _script_text(content)
            except ValueError:
                return [_refused(path, "text", "a script has to be text in UTF-8 without NUL; save it as that")]
            if not text.lstrip(_BYTE_ORDER_MARK).strip():
                return [_refused(path, "empty", "the script has nothing but white space; fill it or remove it")]
        else:
            text = _any_text(content)
            if text is None:
                return []
            if len(content) > TEXT_MAXIMUM:
                message = f"a text of more than {TEXT_MAXIMUM:,} bytes is not searched for secrets; make it smaller"
                return [_refused(path, "size", message)]
        findings = find_secrets(path, text)
        # shellcheck's messages quote the script, so they come once there is no secret to quote.
        if _extension(path) in SHELL_EXTENSIONS and not any(finding.refuses for finding in findings):
            findings += find_shell_errors(path, text)
        return in_order(findings)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Findings by path, line and rule."""
    return sorted(findings, key=lambda finding: (finding.path, finding.line or 0, finding.rule, finding.message))


def _refused(path: str, rule: str, message: str) -> Finding:
    return Finding(path, None, rule, message, True)


def _extension(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _is_script(path: str) -> bool:
    return _extension(path) in SCRIPT_EXTENSIONS


def _script_text(content: bytes) -> str:
    """A script's text; raises `ValueError` where it is none."""
    if b"\0" in content:
        raise ValueError
    return content.decode("utf-8")


def _any_text(content: bytes) -> str | None:
    """A file's text in whatever encoding, or None for what is none.

    In latin-1 every byte is a sign, and so a secret is found whatever the encoding of the signs around it.
    """
    encoding = _UTF_16_MARKS.get(content[:2])
    if encoding is None:
        return None if b"\0" in content else content.decode("latin-1")
    return content.decode(encoding, errors="replace")
