"""Secrets in a text file, found by detect-secrets: which rule, on which line, and never which value.

The values do not leave this module, nor do their digests, and a rule only reads: `verify`, by which detect-secrets
would ask a service whether a secret is valid, is never called. Nothing is written, and no process is started.

Of detect-secrets' rules all are in use but public IP addresses, which are none. Its entropy rules count only where a
value is named as a secret, since a checksum, a fingerprint or a signed package's key looks as random as a secret. Its
keyword rule leaves out what names a secret's place (a name, an ARN, a path).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.filters.heuristic import is_sequential_string, is_templated_secret
from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.high_entropy_strings import (
    Base64HighEntropyString,
    HexHighEntropyString,
    HighEntropyStringsPlugin,
)
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import (
    FOLLOWED_BY_QUOTES_AND_SEMICOLON_REGEX,
    QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP,
    REGEX_BY_FILETYPE,
    KeywordDetector,
)
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector
from detect_secrets.util.code_snippet import get_code_snippet
from detect_secrets.util.filetype import determine_file_type

from runtime.functions.findings import Finding
from runtime.functions.secret_rules import (
    CHECKSUM,
    PLACE_NAME,
    TOKEN_NAME,
    assigned_secrets,
    has_unquoted_values,
    is_literal,
    is_random,
    secrets_in_commands,
)

FORMS: tuple[BasePlugin, ...] = (
    AWSKeyDetector(),
    ArtifactoryDetector(),
    AzureStorageKeyDetector(),
    BasicAuthDetector(),
    CloudantDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    IbmCloudIamDetector(),
    IbmCosHmacDetector(),
    MailchimpDetector(),
    NpmDetector(),
    OpenAIDetector(),
    PrivateKeyDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SoftlayerDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)
"""Rules that know a secret by its form alone."""

ENTROPY: tuple[HighEntropyStringsPlugin, ...] = (Base64HighEntropyString(limit=4.0), HexHighEntropyString(limit=3.0))
"""Rules that find random-looking values in quotes; the lower limit for base64 finds tokens of 20 characters."""

JWT = JwtTokenDetector()

ASSIGNMENT = "Secret Assignment"
COMMAND = "Secret in Command"
"""Names of this project's own rules."""

_SCRIPT_PATTERNS = {
    pattern: group
    for pattern, group in QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP.items()
    # In a shell that is a command's next argument: `grep secret "settings.conf";`.
    if pattern is not FOLLOWED_BY_QUOTES_AND_SEMICOLON_REGEX
}

WINDOW = 1024
"""Characters of a line that are looked at together, so that a long line does not take its square in time.

Two windows share their halves: what is cut by one is whole in the other.
"""

TOKEN_WINDOW = 8192
"""The same for JSON Web Tokens, which count only where they are whole."""

_NAME_BEFORE = re.compile(r"(?P<sign>\$?\{?)(?P<name>[\w.-]+)[\"'\]}]{0,2}\s*(?:[:=!]{1,3}>?|\(|\s)\s*@?[\"'`]?$")


def find_secrets(path: str, text: str) -> list[Finding]:
    """One finding for each line and rule, in the order of lines.

    A line marked `pragma: allowlist secret` (detect-secrets' own mark) is not refused, and still told.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    findings: list[Finding] = []
    for number, line in enumerate(lines, start=1):
        types = _secret_types(path, line)
        if not types:
            continue
        marked = is_line_allowlisted(path, line, get_code_snippet(lines, number))
        findings += [_finding(path, number, secret_type, marked) for secret_type in sorted(types)]
    return findings


def _finding(path: str, line: int, secret_type: str, marked: bool) -> Finding:
    rule = "secret-" + re.sub(r"[^a-z0-9]+", "-", secret_type.lower()).removeprefix("secret-")
    if marked:
        return Finding(path, line, rule, f"looks like a secret ({secret_type}), but is marked as none", False)
    return Finding(
        path,
        line,
        rule,
        f"looks like a secret ({secret_type}): take it out and read it at run time, for example from Secrets Manager; "
        "where it is none, end the line with the comment `# pragma: allowlist secret`",
        True,
    )


def _secret_types(path: str, line: str) -> set[str]:
    types = {secret_type for window in _windows(line, WINDOW) for secret_type in _types_in(path, window)}
    if any(value for window in _windows(line, TOKEN_WINDOW) for value in JWT.analyze_string(window)):
        types.add(str(JWT.secret_type))
    return types


def _windows(line: str, size: int) -> Iterator[str]:
    for start in range(0, max(len(line) - size // 2, 1), size // 2):
        yield line[start : start + size]


def _types_in(path: str, text: str) -> Iterator[str]:
    for detector in FORMS:
        if any(not _is_example(value, detector) for value in detector.analyze_string(text)):
            yield str(detector.secret_type)
    if any(not _is_example(value) for value in secrets_in_commands(text)):
        yield COMMAND
    if not TOKEN_NAME.search(text):
        return
    if has_unquoted_values(path) and any(not _is_example(value) for value in assigned_secrets(text)):
        yield ASSIGNMENT
    if any(not _is_example(value) for value in _keyword_values(path, text)):
        yield str(KeywordDetector.secret_type)
    for detector in ENTROPY:
        if any(_is_named_as_secret(text, value) for value in _random_values(detector, text)):
            yield str(detector.secret_type)


def _keyword_values(path: str, text: str) -> Iterator[str]:
    patterns = REGEX_BY_FILETYPE.get(determine_file_type(path), _SCRIPT_PATTERNS)
    in_shell = path.lower().endswith((".sh", ".bash"))
    for pattern, group in patterns.items():
        for match in pattern.finditer(text):
            value, sign = match[group], text[max(match.start(group) - 1, 0)]
            before = _NAME_BEFORE.search(text, 0, match.start(group))
            # A shell compares what has a `$`, and runs what is in backticks.
            expression = in_shell and (sign == "`" or (before is not None and before["sign"]))
            place = before is not None and PLACE_NAME.search(before["name"])
            # Without quotes, words are prose and a call is no value.
            prose = sign not in "\"'`" and any(other in value.strip() for other in " (")
            if not expression and not place and not prose and is_literal(value):
                yield value


def _random_values(detector: HighEntropyStringsPlugin, text: str) -> Iterable[str]:
    return (
        value
        for value in detector.analyze_string(text)
        if is_random(value)
        and not _is_example(value)
        and detector.calculate_shannon_entropy(value) > detector.entropy_limit
    )


def _is_named_as_secret(text: str, value: str) -> bool:
    before = text[: text.index(value)]
    name = _NAME_BEFORE.search(before)
    place = name is not None and PLACE_NAME.search(name["name"])
    return bool(TOKEN_NAME.search(before)) and not CHECKSUM.search(before) and not place and is_literal(value)


def _is_example(value: str, detector: BasePlugin | None = None) -> bool:
    """Whether a value stands for a secret: AWS's documented keys end in EXAMPLE or EXAMPLEKEY."""
    if isinstance(detector, ArtifactoryDetector):
        # Its pattern is as wide as a word in capitals: APACHEVERSION.
        return not any(sign.isdigit() for sign in value)
    return value.endswith(("EXAMPLE", "EXAMPLEKEY")) or is_templated_secret(value) or is_sequential_string(value)
