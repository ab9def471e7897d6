"""What the pack asks of KMS keys beside their principals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.rules import kms
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, PENDING, changed, verdict

POLICY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}]})


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"enableKeyRotation": True}, KEPT),
        ({"enableKeyRotation": True, "customerMasterKeySpec": "SYMMETRIC_DEFAULT"}, KEPT),
        ({"customerMasterKeySpec": "RSA_2048"}, KEPT),
        ({}, BROKEN),
        ({"enableKeyRotation": False}, BROKEN),
        ({"enableKeyRotation": UNKNOWN}, PENDING),
        ({"enableKeyRotation": False, "customerMasterKeySpec": UNKNOWN}, BROKEN),
    ],
)
def test_a_symmetric_key_rotates(properties: dict[str, Any], expected: str) -> None:
    assert verdict(kms.enable_rotation, properties) == expected


@pytest.mark.parametrize("kind", kms.require_policy.types)
@pytest.mark.parametrize(
    ("policy", "expected"),
    [(POLICY, KEPT), (None, BROKEN), ("", BROKEN), ("{}", BROKEN), ('{"Statement": []}', BROKEN), (UNKNOWN, PENDING)],
)
def test_a_key_or_replica_has_a_policy_of_its_own(kind: str, policy: Any, expected: str) -> None:
    assert verdict(kms.require_policy, changed({}, policy, "policy"), kind) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(30, KEPT), (None, KEPT), (29, BROKEN), (7, BROKEN), (UNKNOWN, PENDING)]
)
def test_a_key_waits_thirty_days_before_it_is_gone(days: Any, expected: str) -> None:
    assert verdict(kms.require_deletion_window, changed({}, days, "deletionWindowInDays")) == expected
