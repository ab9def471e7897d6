"""The functions' environment, read once per start of a function's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Self


class SettingsError(Exception):
    """An environment variable that the function needs is missing."""


@dataclass(frozen=True)
class Environment:
    """Base of what a function reads of its environment: a variable for each field, in upper case."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raises `SettingsError` naming every variable that is missing."""
        required = [field.name.upper() for field in fields(cls) if field.default is MISSING]
        missing = [name for name in required if not environment.get(name)]
        if missing:
            raise SettingsError(f"environment variables missing: {', '.join(missing)}")
        return cls(**{field.name: environment.get(field.name.upper(), "") for field in fields(cls)})

    def environment(self) -> dict[str, str]:
        """The environment that `from_environment` reads back."""
        stated = {field.name.upper(): getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in stated.items() if value}


@dataclass(frozen=True)
class Settings(Environment):
    """Where a product's function finds what it works on."""

    product: str
    operating_system: str
    entry_script: str
    bucket: str
    hub: str
    data_key_arn: str
    pipeline_arn: str
    topic_arn: str
    dependencies: str = ""
    """What a schedule looks at before it builds, parted by spaces; empty where it builds always."""
    retention: str = ""
    """Rules by which images go, as JSON; empty where they stay."""


@dataclass(frozen=True)
class ScanSettings(Environment):
    """Where the function that judges scans reports."""

    product: str
    topic_arn: str
