"""What tells a secret from an ordinary value: names, literals, and forms that detect-secrets does not know.

detect-secrets reads a value without quotes only in a few configuration formats, and nothing from a command's
arguments; in install scripts that is how most secrets are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECRET_WORDS = (
    r"passw(?:or)?d|passphrase|secret|pwd|contrase[nñ]a|(?:key|db|database)[_-]?pass|"
    r"(?:api|auth|priv|private|account|service|client|db|database)[_-]?key"
)
_TOKEN_WORDS = r"token|credential|(?:access|encryption|signing|licen[cs]e)[_-]?key"

NAME = re.compile(_SECRET_WORDS, re.IGNORECASE)
"""Names whose value is a secret, whatever it looks like."""

TOKEN_NAME = re.compile(f"{_SECRET_WORDS}|{_TOKEN_WORDS}", re.IGNORECASE)
"""Names whose value is a secret where it looks made by a machine."""

PLACE_NAME = re.compile(
    r"(?:^|[_.-]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:name|id|arn|file|path|dir|folder|store|param|parameter|ref|reference|url|uri|endpoint|prefix|version|length|"
    r"policy|stdin|hash|checksum|digest|fingerprint|sha\d*|md5|required|type|provider|plugin|expires|expiry|label|field)s?$"
)
"""Ends of names that tell where a secret is, or how one must be, and hold none: SecretName, PASSWORD_FILE."""

CHECKSUM = re.compile(r"sha-?\d|md5|checksum|digest|fingerprint|integrity|gpg|public|recv-key", re.IGNORECASE)
"""What stands before a random-looking value that is meant to be read by all."""

_SWITCHES = frozenset(
    {"true", "false", "yes", "no", "none", "null", "nil", "on", "off", "auto", "prompt", "required", "optional"}
)
_PLACE = re.compile(r"arn:aws|(?:~|\.{1,2})?/[\w.+-]+(?:/|$)|[A-Za-z]:\\|(?:env|file|ssm|vault)://?|https?://[^@]*$")
_AFFIX = r"[\w.-]{0,64}"
_BARE = r"[^\s\"'`$<>{}()\[\]|&;,%*\\-][^\s\"'`$<>{}()\[\]|&;,%*\\]{3,}(?=$|[\s\"'`;&|)<,])"
_QUOTED = r"(?P<quote>[\"'])(?P<quoted>[^\"'`$]{4,}?)(?P=quote)"
_VALUE = rf"(?:{_QUOTED}|(?P<bare>{_BARE}))"

_SECRET_NAME = rf"(?P<name>{_AFFIX}(?:{TOKEN_NAME.pattern}){_AFFIX})"

# What a name after `$` is compared with in a shell is no assignment.
_ASSIGNMENT = re.compile(rf"(?<![\w.$}}{{-]){_SECRET_NAME}={_VALUE}", re.IGNORECASE)
_OPTION = re.compile(rf"(?<!\S)(?=-){_SECRET_NAME}\s+{_VALUE}", re.IGNORECASE)
_COMMANDS = (
    re.compile(rf"ConvertTo-SecureString\s+(?:-String\s+)?{_VALUE}", re.IGNORECASE),
    re.compile(r"(?<![^\s\"'])[\w.-]{1,64}:(?P<bare>[^\s\"'$:]{4,})[\"']?\s*\|\s*(?:sudo\s+)?(?:[\w/]*/)?chpasswd\b"),
    re.compile(rf"\bnet1?(?:\.exe)?\s+user\s+[\w.-]{{1,64}}\s+{_VALUE}", re.IGNORECASE),
    re.compile(r"\bcurl\b[^|;]*?\s(?:-u|--user)[ =]?[\"']?[\w.@-]{1,64}:(?P<bare>[^\s\"'$:]{4,})"),
    re.compile(r"\bauthorization:\s*(?:bearer|basic|token)\s+(?P<bare>[\w+/=.~-]{16,})", re.IGNORECASE),
)

_WITHOUT_UNQUOTED_VALUES = (
    *(".c", ".cc", ".cpp", ".cs", ".go", ".h", ".hpp", ".java", ".js", ".kt", ".mjs", ".php", ".pl", ".py", ".rb"),
    *(".rs", ".scala", ".swift", ".tf", ".ts", ".json", ".adoc", ".htm", ".html", ".md", ".rst", ".txt"),
)
"""Ends of names of programs, where an unquoted value is an expression, and of prose."""


def is_secret_name(name: str) -> bool:
    """Whether a variable, option or field of this name holds a secret itself."""
    return bool(NAME.search(name)) and not PLACE_NAME.search(name)


def is_random(value: str) -> bool:
    """Whether a value looks made by a machine."""
    return len(value) >= 16 and any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)


def is_literal(value: str) -> bool:
    """Whether a value is itself what its name promises: no switch, number, path, address or reference."""
    return (
        any(sign.isalpha() for sign in value)
        and value.lower() not in _SWITCHES
        and not _PLACE.match(value)
        and not (value[0] in "{<%" and value[-1] in "}>%")
    )


def has_unquoted_values(path: str) -> bool:
    """Whether a file of this name has values without quotes: scripts and settings, but neither programs nor prose."""
    return not path.lower().endswith(_WITHOUT_UNQUOTED_VALUES)


def assigned_secrets(text: str) -> Iterator[str]:
    """Values of `DB_PASSWORD=…`, `--password=…` and `…;Password=…;`, with and without quotes."""
    return _named_values(_ASSIGNMENT, text)


def secrets_in_commands(text: str) -> Iterator[str]:
    """Arguments of commands that are secrets by their place."""
    for pattern in _COMMANDS:
        for match in pattern.finditer(text):
            value = match.groupdict().get("quoted") or match["bare"]
            if is_literal(value) and not value.startswith("/"):
                yield value
    yield from _named_values(_OPTION, text)


def _named_values(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        name, value = match["name"], match["quoted"] or match["bare"]
        named = is_secret_name(name) or (not PLACE_NAME.search(name) and is_random(value))
        if named and is_literal(value):
            yield value
