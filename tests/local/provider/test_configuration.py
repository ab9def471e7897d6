"""A provider's settings are understood or refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.provider.configuration import Configuration, understood
from local.provider.errors import ConfigurationError
from local.provider.values import Secret

ROLE = "arn:aws:iam::222222222222:role/golden-ami-deployment"


def parse(**settings: Any) -> Configuration:
    return Configuration.parse({"region": "us-east-1", **settings})


def test_settings_arrive_as_the_sdk_sends_them() -> None:
    found = parse(
        assumeRoles=json.dumps([{"roleArn": ROLE, "sessionName": "s1", "externalId": "e", "duration": "1h30m"}]),
        defaultTags=json.dumps({"tags": {"owner": "platform"}}),
        allowedAccountIds='["222222222222"]',
        accessKey=Secret("AKIA"),
        secretKey=Secret("hidden"),
        skipCredentialsValidation="false",
    )
    assert found.assumed_roles[0].parameters == {
        "RoleArn": ROLE,
        "RoleSessionName": "s1",
        "ExternalId": "e",
        "DurationSeconds": 5400,
    }
    assert found.default_tags == {"owner": "platform"}
    assert found.allowed_accounts == {"222222222222"}
    assert (found.access_key, found.secret_key) == ("AKIA", "hidden")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"endpoints": '[{"s3":"http://x"}]'}, "endpoints: not supported"),
        ({"useFipsEndpoint": "true"}, "useFipsEndpoint: not supported"),
        ({"assumeRoles": '[{"role_arn":"x"}]'}, r"assumeRoles\[0\].role_arn: .*ProviderAssumeRoleArgs"),
        ({"assumeRoles": '[{"sessionName":"x"}]'}, r"assumeRoles\[0\].roleArn: missing"),
        ({"assumeRoles": '[{"roleArn":"x","duration":"5m"}]'}, "duration: must be such as"),
        ({"defaultTags": "{"}, "defaultTags: not JSON"),
        ({"allowedAccountIds": '["1"]', "forbiddenAccountIds": '["2"]'}, "allowedAccountIds: conflicts"),
        ({"accessKey": "a"}, "accessKey: needs secretKey"),
    ],
)
def test_what_cannot_be_used_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse(**settings)


def test_every_fault_is_told_at_once() -> None:
    _, faults = understood({"useFipsEndpoint": "true", "endpoints": '[{"s3":"x"}]'})
    assert len(faults) == 2


def test_settings_that_say_nothing_are_no_fault() -> None:
    assert understood({"endpoints": "[]", "useFipsEndpoint": "false"})[1] == []


def test_a_region_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(ConfigurationError, match="region: not set"):
        Configuration.parse({})


def test_ignored_tags_are_known_by_key_and_by_prefix() -> None:
    found = parse(ignoreTags=json.dumps({"keys": ["cost"], "keyPrefixes": ["auto:"]}))
    assert found.ignores("cost")
    assert found.ignores("auto:x")
    assert not found.ignores("owner")
