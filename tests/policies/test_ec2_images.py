"""What the pack asks of images, volumes and snapshots outside Image Builder."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import ebs, ec2
from policies.rules.rule import ResourceRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, IRISH_KEY, KEPT, KEY, NO_KEYS, PENDING, changed, verdict

UNDER_A_KEY = [ec2.require_copy_key, ebs.require_volume_key, ebs.require_snapshot_key]

VOLUMES = [
    ("an encrypted volume", [{"encrypted": True}], KEPT),
    ("a volume of a snapshot", [{"snapshotId": "snap-1"}], KEPT),
    ("a volume of a snapshot that shows the default of its flag", [{"encrypted": False, "snapshotId": "snap-1"}], KEPT),
    ("an unknown flag beside a snapshot", [{"encrypted": UNKNOWN, "snapshotId": "snap-1"}], KEPT),
    ("no list of volumes", None, KEPT),
    ("a volume that is not encrypted", [{"encrypted": False}], BROKEN),
    ("a volume that says nothing", [{"deviceName": "/dev/xvda"}], BROKEN),
    ("a flag in words that is not set", [{"encrypted": "false"}], BROKEN),
    ("a last volume that is not encrypted", [{"encrypted": True}, {"snapshotId": ""}], BROKEN),
    ("an unknown flag", [{"encrypted": UNKNOWN}], PENDING),
    ("an unknown snapshot", [{"snapshotId": UNKNOWN}], PENDING),
    ("an unknown list", UNKNOWN, PENDING),
    ("an unknown entry", [{"encrypted": True}, UNKNOWN], PENDING),
    ("an unknown flag before a volume without one", [{"encrypted": UNKNOWN}, {}], BROKEN),
]


@pytest.mark.parametrize(("volumes", "expected"), [case[1:] for case in VOLUMES], ids=[case[0] for case in VOLUMES])
def test_every_volume_of_a_registered_image_is_encrypted(volumes: Any, expected: str) -> None:
    assert verdict(ec2.require_encrypted_volumes, changed({}, volumes, "ebsBlockDevices")) == expected


@pytest.mark.parametrize("rule", UNDER_A_KEY)
@pytest.mark.parametrize(
    ("encrypted", "key", "expected"),
    [
        (True, KEY, KEPT),
        (True, IRISH_KEY, KEPT),
        (False, KEY, BROKEN),
        (None, KEY, BROKEN),
        *((True, key, BROKEN) for key in NO_KEYS),
        (UNKNOWN, KEY, PENDING),
        (True, UNKNOWN, PENDING),
        (False, UNKNOWN, BROKEN),
        (UNKNOWN, None, BROKEN),
    ],
)
def test_a_copy_or_a_volume_is_encrypted_under_a_key(
    rule: ResourceRule, encrypted: Any, key: Any, expected: str
) -> None:
    assert verdict(rule, changed(changed({}, encrypted, "encrypted"), key, "kmsKeyId")) == expected


@pytest.mark.parametrize(
    ("enabled", "expected"),
    [(True, KEPT), ("true", KEPT), (None, KEPT), (False, BROKEN), ("false", BROKEN), (UNKNOWN, PENDING)],
)
def test_no_region_leaves_new_volumes_unencrypted(enabled: Any, expected: str) -> None:
    assert verdict(ebs.enable_encryption, changed({}, enabled, "enabled")) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"state": "block-all-sharing"}, KEPT),
        ({"state": "block-all-sharing", "region": "eu-west-1"}, KEPT),
        ({"state": "block-new-sharing"}, BROKEN),
        ({"state": "unblocked"}, BROKEN),
        ({}, BROKEN),
        ({"state": UNKNOWN}, PENDING),
    ],
)
def test_no_snapshot_of_a_region_is_public(properties: dict[str, Any], expected: str) -> None:
    assert verdict(ebs.block_public_snapshots, properties) == expected


@pytest.mark.parametrize("rule", UNDER_A_KEY)
def test_a_finding_says_what_to_set(rule: ResourceRule) -> None:
    flag, key = rule.check(ec2.Resource(rule.types[0], "ledger", {}))
    assert "set encrypted" in flag.message
    assert "set kms_key_id" in key.message
