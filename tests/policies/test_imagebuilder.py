"""What the pack asks of Image Builder's resources."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import imagebuilder
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, IRISH_KEY, KEPT, KEY, NO_KEYS, PENDING, changed, verdict

Properties = dict[str, Any]


def volume(key: Any = KEY, encrypted: Any = "true", device: str = "/dev/xvda") -> Properties:
    return {"deviceName": device, "ebs": {"encrypted": encrypted, "kmsKeyId": key, "volumeSize": 30}}


def region(name: Any, key: Any) -> Properties:
    return {"region": name, "amiDistributionConfiguration": {"name": "ledger", "kmsKeyId": key}}


RECIPES = [
    ("one encrypted volume", [volume()], KEPT),
    ("two encrypted volumes", [volume(), volume(device="/dev/xvdb")], KEPT),
    ("a device that is left out beside an encrypted one", [volume(), {"deviceName": "b", "noDevice": True}], KEPT),
    ("an encrypted flag in its other form", [volume(encrypted=True)], KEPT),
    ("no list of volumes", None, BROKEN),
    ("an empty list of volumes", [], BROKEN),
    ("only a device that is left out", [{"deviceName": "b", "noDevice": True}], BROKEN),
    ("a volume that is not encrypted", [volume(encrypted="false")], BROKEN),
    ("a volume without an encrypted flag", [{"ebs": {"kmsKeyId": KEY}}], BROKEN),
    ("a volume without settings", [{"deviceName": "/dev/xvda"}], BROKEN),
    ("a last volume without a key", [volume(), volume(), volume(key=None)], BROKEN),
    ("an unknown list", UNKNOWN, PENDING),
    ("an unknown key", [volume(key=UNKNOWN)], PENDING),
    ("an unknown flag", [volume(encrypted=UNKNOWN)], PENDING),
    ("an unknown entry", [volume(), UNKNOWN], PENDING),
    ("an unknown key before a volume without one", [volume(key=UNKNOWN), volume(key=None)], BROKEN),
]


@pytest.mark.parametrize(("mappings", "expected"), [case[1:] for case in RECIPES], ids=[case[0] for case in RECIPES])
def test_every_volume_of_a_recipe_is_listed_and_encrypted(mappings: Any, expected: str) -> None:
    properties = changed({}, mappings, "blockDeviceMappings")
    assert verdict(imagebuilder.require_encrypted_volumes, properties) == expected


@pytest.mark.parametrize("key", NO_KEYS)
def test_a_volume_takes_nothing_for_a_key_but_a_full_arn(key: Any) -> None:
    assert verdict(imagebuilder.require_encrypted_volumes, {"blockDeviceMappings": [volume(key=key)]}) == BROKEN


DISTRIBUTIONS = [
    ("each Region with its key", [region("us-east-1", KEY), region("eu-west-1", IRISH_KEY)], KEPT),
    ("one Region with its key", [region("us-east-1", KEY)], KEPT),
    ("no list of Regions", None, BROKEN),
    ("an empty list of Regions", [], BROKEN),
    ("a Region without AMI settings", [{"region": "us-east-1"}], BROKEN),
    ("a last Region without a key", [region("us-east-1", KEY), region("eu-west-1", None)], BROKEN),
    ("a last Region with the first one's key", [region("us-east-1", KEY), region("eu-west-1", KEY)], BROKEN),
    ("an entry without a Region", [region(None, KEY)], BROKEN),
    ("an unknown list", UNKNOWN, PENDING),
    ("an unknown key", [region("us-east-1", KEY), region("eu-west-1", UNKNOWN)], PENDING),
    ("an unknown Region", [region(UNKNOWN, KEY)], PENDING),
    ("unknown AMI settings", [{"region": "us-east-1", "amiDistributionConfiguration": UNKNOWN}], PENDING),
    ("an unknown key before a Region without one", [region("us-east-1", UNKNOWN), region("eu-west-1", None)], BROKEN),
]


@pytest.mark.parametrize(
    ("distributions", "expected"), [case[1:] for case in DISTRIBUTIONS], ids=[case[0] for case in DISTRIBUTIONS]
)
def test_every_region_encrypts_under_a_key_of_its_own(distributions: Any, expected: str) -> None:
    properties = changed({}, distributions, "distributions")
    assert verdict(imagebuilder.require_key_in_every_region, properties) == expected


@pytest.mark.parametrize("key", NO_KEYS)
def test_a_region_takes_nothing_for_a_key_but_a_full_arn(key: Any) -> None:
    assert verdict(imagebuilder.require_key_in_every_region, {"distributions": [region("us-east-1", key)]}) == BROKEN


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        (None, KEPT),
        ({"userIds": ["222222222222"]}, KEPT),
        ({"userGroups": []}, KEPT),
        ({"userGroups": ["all"]}, BROKEN),
        ({"userIds": ["222222222222"], "userGroups": ["all"]}, BROKEN),
        (UNKNOWN, PENDING),
        ({"userGroups": UNKNOWN}, PENDING),
    ],
)
def test_no_region_shares_its_images_with_everybody(permission: Any, expected: str) -> None:
    last = changed(region("eu-west-1", IRISH_KEY), permission, "amiDistributionConfiguration", "launchPermission")
    properties = {"distributions": [region("us-east-1", KEY), last]}
    assert verdict(imagebuilder.forbid_public_images, properties) == expected


@pytest.mark.parametrize(("key", "expected"), [(KEY, KEPT), (UNKNOWN, PENDING), *((key, BROKEN) for key in NO_KEYS)])
def test_a_component_has_a_customer_key(key: Any, expected: str) -> None:
    assert verdict(imagebuilder.require_component_key, changed({}, key, "kmsKeyId")) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"httpTokens": "required", "httpPutResponseHopLimit": 1}, KEPT),
        # Numbers reach a pack as floating-point ones.
        ({"httpTokens": "required", "httpPutResponseHopLimit": 1.0}, KEPT),
        (None, BROKEN),
        ({"httpPutResponseHopLimit": 1}, BROKEN),
        ({"httpTokens": "optional", "httpPutResponseHopLimit": 1}, BROKEN),
        ({"httpTokens": "required"}, BROKEN),
        ({"httpTokens": "required", "httpPutResponseHopLimit": 2}, BROKEN),
        (UNKNOWN, PENDING),
        ({"httpTokens": UNKNOWN, "httpPutResponseHopLimit": 1}, PENDING),
        ({"httpTokens": "required", "httpPutResponseHopLimit": UNKNOWN}, PENDING),
    ],
)
def test_build_instances_serve_metadata_to_token_holders_only(options: Any, expected: str) -> None:
    properties = changed({}, options, "instanceMetadataOptions")
    assert verdict(imagebuilder.require_metadata_tokens, properties) == expected


@pytest.mark.parametrize(
    ("subnet", "groups", "expected"),
    [
        ("subnet-1", ["sg-1"], KEPT),
        ("subnet-1", ["sg-1", "sg-2"], KEPT),
        (None, ["sg-1"], BROKEN),
        ("", ["sg-1"], BROKEN),
        ("subnet-1", None, BROKEN),
        ("subnet-1", [], BROKEN),
        ("subnet-1", ["sg-1", ""], BROKEN),
        (UNKNOWN, ["sg-1"], PENDING),
        ("subnet-1", UNKNOWN, PENDING),
        ("subnet-1", [UNKNOWN], PENDING),
        (UNKNOWN, None, BROKEN),
    ],
)
def test_build_instances_start_in_a_chosen_network(subnet: Any, groups: Any, expected: str) -> None:
    properties = changed(changed({}, subnet, "subnetId"), groups, "securityGroupIds")
    assert verdict(imagebuilder.require_network, properties) == expected


def test_a_finding_names_the_region_and_both_keys_regions() -> None:
    rule = imagebuilder.require_key_in_every_region
    resource = imagebuilder.Resource(rule.types[0], "ledger", {"distributions": [region("eu-west-1", KEY)]})
    (finding,) = rule.check(resource)
    assert "eu-west-1" in finding.message
    assert "us-east-1" in finding.message
