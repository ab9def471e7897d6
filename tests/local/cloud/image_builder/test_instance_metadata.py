"""The metadata service as a script on an instance meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud.image_builder import instance_metadata
from local.cloud.image_builder.machine import LINUX, Machine
from local.cloud.image_builder.sandbox import Sandbox

SERVICE = "http://169.254.169.254/latest"
INSTANCE = {
    "InstanceId": "i-0123456789abcdef0",
    "ImageId": "ami-0123456789abcdef0",
    "InstanceType": "m5.large",
    "Placement": {"AvailabilityZone": "eu-west-1a"},
}
TOKEN = f"token=$(curl -sfX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {SERVICE}/api/token)"
ASK = f'curl -s -H "X-aws-ec2-metadata-token: $token" {SERVICE}/meta-data'

Script = Callable[..., str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """What a script prints, on an instance with these metadata options."""

    def run(text: str, code: int = 0, **options: str) -> str:
        machine = Machine.boot(tmp_path / "instance", LINUX, "al2023-ami", None)
        described: dict[str, Any] = {**INSTANCE, "MetadataOptions": {"HttpTokens": "required", **options}}
        instance_metadata.lay_out(machine.folder, described, "eu-west-1")
        result = Sandbox(machine, tmp_path).bash(text, None)
        assert (result.exit_code, machine.recorded()) == (code, []), result.stderr
        return result.stdout

    return run


def test_a_token_opens_what_ec2_says_of_the_instance(script: Script) -> None:
    paths = ("instance-id", "ami-id", "instance-type", "placement/region", "placement/availability-zone", "placement/")
    asked = "\n".join(f"{ASK}/{path}; echo" for path in paths)
    told = script(f"{TOKEN}\n{asked}").splitlines()
    assert told == [
        "i-0123456789abcdef0",
        "ami-0123456789abcdef0",
        "m5.large",
        "eu-west-1",
        "eu-west-1a",
        "availability-zone",
        "region",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "curl -s -o /dev/null -w '%{http_code}'",
        "curl -so /dev/null -w'%{http_code}'",
        "curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 --request GET",
        "curl -sSo/dev/null -XGET -w '%{http_code}' -m 5 --url",
        "curl -sfw '%{http_code}' 2>/dev/null",
    ],
)
def test_however_curl_is_spelt_a_request_without_a_token_is_refused(script: Script, command: str) -> None:
    assert script(f"{command} {SERVICE}/meta-data/instance-id || [ $? = 22 ]") == "401"


def test_where_tokens_are_optional_none_is_needed(script: Script) -> None:
    assert script(f"curl -sf {SERVICE}/meta-data/instance-id", HttpTokens="optional") == "i-0123456789abcdef0"


@pytest.mark.parametrize("tokens", ["optional", "required"])
def test_a_wrong_token_is_refused_in_any_case(script: Script, tokens: str) -> None:
    asked = f"token=wrong; {ASK}/instance-id -o /dev/null -w '%{{http_code}}'"
    assert script(asked, HttpTokens=tokens) == "401"


@pytest.mark.parametrize("seconds", ["", "0", "21601", "soon"])
def test_a_token_needs_a_time_to_live_that_the_service_takes(script: Script, seconds: str) -> None:
    header = f"-H 'X-aws-ec2-metadata-token-ttl-seconds: {seconds}'" if seconds else ""
    assert script(f"curl -s -o /dev/null -w '%{{http_code}}' -X PUT {header} {SERVICE}/api/token") == "400"


@pytest.mark.parametrize("path", ["meta-data/nothing", "token", "tokens", "../tokens", "meta-data/../../token"])
def test_what_the_service_does_not_have_is_not_found(script: Script, path: str) -> None:
    asked = f"curl -s -o /dev/null -w '%{{http_code}}\\n' {SERVICE}/{path}"
    assert script(asked, HttpTokens="optional") == "404\n"


def test_fail_ends_curl_as_an_error_and_prints_nothing(script: Script) -> None:
    assert script(f"{TOKEN}; {ASK}/nothing -f", code=22) == ""


def test_a_service_that_is_turned_off_does_not_answer(script: Script) -> None:
    assert script(f"curl -s {SERVICE}/meta-data/instance-id", code=7, HttpEndpoint="disabled") == ""
