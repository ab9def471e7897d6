"""What the pack asks of Systems Manager's parameters."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import ssm
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, IRISH_KEY, KEPT, KEY, NO_KEYS, PENDING, changed, verdict

SECURE: dict[str, Any] = {"type": "SecureString", "keyId": KEY}
IMAGE: dict[str, Any] = {"type": "String", "dataType": "aws:ec2:image"}

CASES: list[tuple[dict[str, Any], str]] = [
    (SECURE, KEPT),
    ({**SECURE, "keyId": IRISH_KEY, "dataType": "text"}, KEPT),
    ({**SECURE, "dataType": UNKNOWN}, KEPT),
    (IMAGE, KEPT),
    ({**IMAGE, "value": UNKNOWN}, KEPT),
    *((changed(SECURE, key, "keyId"), BROKEN) for key in NO_KEYS),
    ({**SECURE, "type": "String"}, BROKEN),
    ({**SECURE, "type": "StringList"}, BROKEN),
    (changed(SECURE, None, "type"), BROKEN),
    ({**IMAGE, "dataType": "text"}, BROKEN),
    ({**IMAGE, "dataType": "aws:ssm:integration"}, BROKEN),
    ({"type": "String"}, BROKEN),
    ({"type": "String", "keyId": UNKNOWN}, BROKEN),
    ({}, BROKEN),
    ({**SECURE, "type": UNKNOWN}, PENDING),
    ({**SECURE, "keyId": UNKNOWN}, PENDING),
    ({"type": "String", "dataType": UNKNOWN}, PENDING),
]


@pytest.mark.parametrize(("properties", "expected"), CASES)
def test_a_parameter_lies_under_a_customer_key_unless_it_names_an_image(
    properties: dict[str, Any], expected: str
) -> None:
    assert verdict(ssm.require_customer_key, properties) == expected
