"""The functions' environment, read once per start of a function's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """An environment variable that the function needs is missing."""


@dataclass(frozen=True)
class Settings:
    """Where a product's function finds what it works on."""

    product: str
    operating_system: str
    entry_script: str
    bucket: str
    hub: str
    data_key_arn: str
    pipeline_arn: str
    topic_arn: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; raises `SettingsError` naming every variable that is missing."""
        missing = [name.upper() for name in cls.__annotations__ if not environment.get(name.upper())]
        if missing:
            raise SettingsError(f"environment variables missing: {', '.join(missing)}")
        return cls(**{name: environment[name.upper()] for name in cls.__annotations__})

    def environment(self) -> dict[str, str]:
        """The environment that `from_environment` reads back."""
        return {name.upper(): getattr(self, name) for name in self.__annotations__}
