"""The functions' environment."""

import pytest

from runtime.functions.settings import Settings, SettingsError

SETTINGS = Settings("ledger", "linux", "install.sh", "bucket", "111111111111", "key", "pipeline", "topic")


def test_settings_are_read_back_from_the_environment_they_make() -> None:
    assert Settings.from_environment(SETTINGS.environment()) == SETTINGS


def test_every_missing_variable_is_named_at_once() -> None:
    environment = SETTINGS.environment()
    del environment["BUCKET"]
    environment["TOPIC_ARN"] = ""
    with pytest.raises(SettingsError, match="BUCKET, TOPIC_ARN"):
        Settings.from_environment(environment)
