"""Settings of an `aws.Provider`: what is understood, and an error that names what is not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.provider.errors import ConfigurationError
from local.provider.values import UNKNOWN, contains_unknown, reveal

JSON_SETTINGS = frozenset(
    {
        "allowedAccountIds",
        "assumeRoles",
        "defaultTags",
        "forbiddenAccountIds",
        "ignoreTags",
        "insecure",
        "maxRetries",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "sharedConfigFiles",
        "sharedCredentialsFiles",
        "s3UsePathStyle",
        "assumeRole",
    }
)
"""What the SDK sends as JSON text."""

TEXT_SETTINGS = frozenset({"region", "accessKey", "secretKey", "token", "profile", "stsRegion", "retryMode"})

WITHOUT_EFFECT = frozenset({"version", "pluginDownloadURL", "skipMetadataApiCheck", "skipRegionValidation"})
"""Understood, and true of this plugin already: it asks no instance metadata and checks no Region's name."""

KNOWN = JSON_SETTINGS | TEXT_SETTINGS | WITHOUT_EFFECT

ROLE_SETTINGS = frozenset(
    {
        "duration",
        "externalId",
        "policy",
        "policyArns",
        "roleArn",
        "sessionName",
        "sourceIdentity",
        "tags",
        "transitiveTagKeys",
    }
)

SHORTEST_SESSION, LONGEST_SESSION = 900, 43200
"""Seconds (AWS STS API reference, AssumeRole)."""


@dataclass(frozen=True)
class AssumedRole:
    """One role of the chain; named as STS's parameters are."""

    parameters: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return str(self.parameters["RoleArn"])


@dataclass(frozen=True)
class Configuration:
    """A provider's settings."""

    region: str
    access_key: str | None
    secret_key: str | None
    token: str | None
    profile: str | None
    sts_region: str | None
    assumed_roles: tuple[AssumedRole, ...]
    default_tags: Mapping[str, str]
    ignored_tags: tuple[frozenset[str], tuple[str, ...]]
    allowed_accounts: frozenset[str]
    forbidden_accounts: frozenset[str]
    validates_credentials: bool
    path_style: bool
    max_attempts: int | None
    retry_mode: str | None
    verifies_certificates: bool
    shared_files: tuple[tuple[str, ...], tuple[str, ...]]

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Configuration:
        """Read the engine's settings; raises `ConfigurationError` with every fault at once."""
        values, faults = understood(settings)
        roles = values.get("assumeRoles") or ([values["assumeRole"]] if values.get("assumeRole") else [])
        region = values.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            faults.append("region: not set; set it on the provider, or in AWS_REGION")
        if faults:
            raise ConfigurationError("; ".join(faults))
        ignored = values.get("ignoreTags") or {}
        return cls(
            region=str(region),
            access_key=values.get("accessKey"),
            secret_key=values.get("secretKey"),
            token=values.get("token"),
            profile=values.get("profile"),
            sts_region=values.get("stsRegion"),
            assumed_roles=tuple(_role(role) for role in roles),
            default_tags=dict((values.get("defaultTags") or {}).get("tags") or {}),
            ignored_tags=(frozenset(ignored.get("keys") or ()), tuple(ignored.get("keyPrefixes") or ())),
            allowed_accounts=frozenset(values.get("allowedAccountIds") or ()),
            forbidden_accounts=frozenset(values.get("forbiddenAccountIds") or ()),
            validates_credentials=not values.get("skipCredentialsValidation"),
            path_style=bool(values.get("s3UsePathStyle")),
            max_attempts=int(values["maxRetries"]) if values.get("maxRetries") else None,
            retry_mode=values.get("retryMode"),
            verifies_certificates=not values.get("insecure"),
            shared_files=(
                tuple(values.get("sharedConfigFiles") or ()),
                tuple(values.get("sharedCredentialsFiles") or ()),
            ),
        )

    def ignores(self, key: str) -> bool:
        """Whether a tag's key is none of the program's business."""
        keys, prefixes = self.ignored_tags
        return key in keys or key.startswith(prefixes) if prefixes else key in keys


def understood(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Settings with their JSON read, and what is wrong with them, each fault beginning with the setting's name."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in reveal(dict(settings)).items():
        if value is None or value == "":
            continue
        if name not in KNOWN:
            if not _says_nothing(value):
                faults.append(f"{name}: not supported by the local aws provider")
            continue
        values[name] = value
        if name in JSON_SETTINGS and isinstance(value, str):
            try:
                values[name] = json.loads(value)
            except ValueError:
                faults.append(f"{name}: not JSON: {value!r}")
    if not faults and not contains_unknown(values):
        faults += _role_faults(values)
        faults += _account_faults(values)
    return values, faults


def _says_nothing(value: Any) -> bool:
    return value in ("[]", "{}", "false", "null", False) or value == [] or value == {}


def _role_faults(values: Mapping[str, Any]) -> list[str]:
    faults: list[str] = []
    roles = values.get("assumeRoles") or ([values["assumeRole"]] if values.get("assumeRole") else [])
    for index, role in enumerate(roles):
        unknown = sorted(set(role) - ROLE_SETTINGS)
        if unknown:
            hint = " (use aws.ProviderAssumeRoleArgs)" if any("_" in name for name in unknown) else ""
            faults.append(f"assumeRoles[{index}].{unknown[0]}: not supported by the local aws provider{hint}")
        elif not role.get("roleArn"):
            faults.append(f"assumeRoles[{index}].roleArn: missing")
        elif role.get("duration") and _seconds(role["duration"]) is None:
            faults.append(
                f"assumeRoles[{index}].duration: must be such as '1h30m',"
                f" {SHORTEST_SESSION} s to {LONGEST_SESSION} s, not {role['duration']!r}"
            )
    return faults


def _account_faults(values: Mapping[str, Any]) -> list[str]:
    if values.get("allowedAccountIds") and values.get("forbiddenAccountIds"):
        return ["allowedAccountIds: conflicts with forbiddenAccountIds"]
    if any(values.get(name) for name in ("accessKey", "secretKey")) and not (
        values.get("accessKey") and values.get("secretKey")
    ):
        return ["accessKey: needs secretKey, and the other way round"]
    return []


def _seconds(duration: str) -> int | None:
    """Seconds of a Go duration, None where it is none or outside of what STS takes."""
    if not re.fullmatch(r"(\d+h)?(\d+m)?(\d+s)?", duration):
        return None
    units = {"h": 3600, "m": 60, "s": 1}
    seconds = sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))
    return seconds if SHORTEST_SESSION <= seconds <= LONGEST_SESSION else None


def _role(role: Mapping[str, Any]) -> AssumedRole:
    parameters: dict[str, Any] = {
        "RoleArn": role["roleArn"],
        "RoleSessionName": role.get("sessionName") or "pulumi",
        "ExternalId": role.get("externalId"),
        "Policy": role.get("policy"),
        "PolicyArns": [{"arn": arn} for arn in role.get("policyArns") or ()],
        "DurationSeconds": _seconds(role["duration"]) if role.get("duration") else None,
        "SourceIdentity": role.get("sourceIdentity"),
        "Tags": [{"Key": key, "Value": value} for key, value in (role.get("tags") or {}).items()],
        "TransitiveTagKeys": list(role.get("transitiveTagKeys") or ()),
    }
    return AssumedRole({name: value for name, value in parameters.items() if value})


def is_unknown(settings: Mapping[str, Any]) -> bool:
    """Whether a preview leaves any setting open."""
    return any(value is UNKNOWN or contains_unknown(value) for value in settings.values())
