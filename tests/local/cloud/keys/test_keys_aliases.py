"""Policies that name keys by their aliases."""

from __future__ import annotations

from typing import Any

from tests.local.cloud.served_cloud import HUB, ServedCloud, denied, refusal, statement

BY_ALIAS = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/wanted"}}


def test_a_role_uses_a_key_as_long_as_it_has_the_alias_that_its_policy_names(cloud: ServedCloud) -> None:
    root = cloud.client("kms")
    key, other = cloud.key(), cloud.key()
    role = cloud.role(HUB, statement(["kms:Encrypt"], "*", Condition=BY_ALIAS))
    kms = cloud.client("kms", role)

    def encrypt(name: str) -> dict[str, Any]:
        return kms.encrypt(KeyId=name, Plaintext=b"text")

    def refused(arn: str) -> bool:
        return refusal(lambda: encrypt(arn)) == denied(role, "kms:Encrypt", arn, "identity")

    assert refused(key)
    root.create_alias(AliasName="alias/other", TargetKeyId=key)
    assert refused(key)
    root.create_alias(AliasName="alias/wanted", TargetKeyId=key)
    assert encrypt(key)["KeyId"] == key
    assert encrypt("alias/other")["KeyId"] == key
    assert refused(other)
    root.update_alias(AliasName="alias/wanted", TargetKeyId=other)
    assert refused(key)
    assert encrypt(other)["KeyId"] == other
