"""Grants: who may make one, and what it lets its grantee do."""

from typing import Any

import pytest

from tests.local.cloud.served_cloud import (
    FOR_AWS,
    HOME,
    HUB,
    TARGET,
    Role,
    ServedCloud,
    denied,
    refusal,
    root_of,
    statement,
)

GRANTS = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]


def granted(cloud: ServedCloud, key: str, role: Role, *operations: str, **more: Any) -> str:
    kms = cloud.client("kms", key.split(":")[4])
    return kms.create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=list(operations), **more)["GrantId"]


@pytest.mark.parametrize("operation", ["CreateGrant", "ListGrants", "RevokeGrant"])
def test_grants_for_aws_resources_are_refused_to_a_direct_call(cloud: ServedCloud, operation: str) -> None:
    key = cloud.key(statement(GRANTS, Principal=root_of(TARGET), Condition=FOR_AWS))
    role = cloud.role(TARGET, statement(GRANTS, key))
    kms = cloud.client("kms", role)
    calls = {
        "CreateGrant": lambda: kms.create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=["Decrypt"]),
        "ListGrants": lambda: kms.list_grants(KeyId=key),
        "RevokeGrant": lambda: kms.revoke_grant(KeyId=key, GrantId=granted(cloud, key, role, "Decrypt")),
    }
    assert refusal(calls[operation]) == denied(role, f"kms:{operation}", key, "resource")


def test_ec2_makes_the_grant_for_a_caller_who_may_not_make_it_directly(cloud: ServedCloud) -> None:
    key = cloud.key()
    use = ["kms:GenerateDataKey*", "kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey"]
    grants = statement("kms:CreateGrant", key, Condition=FOR_AWS)
    role = cloud.role(HUB, statement("ec2:*"), statement(use, key), grants)
    ec2 = cloud.client("ec2", role)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]
    disk = {"DeviceName": image["RootDeviceName"], "Ebs": {"Encrypted": True, "KmsKeyId": key}}
    ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1, BlockDeviceMappings=[disk])
    assert cloud.client("kms").list_grants(KeyId=key)["Grants"]
    code, _ = refusal(
        lambda: cloud.client("kms", role).create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=["Decrypt"])
    )
    assert code == "AccessDeniedException"


def test_a_grant_lets_a_foreign_grantee_decrypt_without_any_policy(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(TARGET)
    made = cloud.encrypted(key)
    kms = cloud.client("kms", role)
    before = refusal(lambda: kms.decrypt(KeyId=key, CiphertextBlob=made))
    assert before == denied(role, "kms:Decrypt", key, "resource")
    granted(cloud, key, role, "Decrypt")
    assert kms.decrypt(KeyId=key, CiphertextBlob=made)["Plaintext"] == b"plain"


def test_a_grant_reaches_roles_by_their_paths(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(TARGET, path="/application/")
    granted(cloud, key, role, "DescribeKey")
    assert cloud.client("kms", role).describe_key(KeyId=key)


def test_a_grant_covers_its_operations_only(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(TARGET)
    granted(cloud, key, role, "Decrypt", "GenerateDataKeyWithoutPlaintext")
    kms = cloud.client("kms", role)
    assert kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")["KeyId"] == key
    for call, action in (
        (lambda: kms.encrypt(KeyId=key, Plaintext=b"x"), "kms:Encrypt"),
        (lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"), "kms:GenerateDataKey"),
        (lambda: kms.describe_key(KeyId=key), "kms:DescribeKey"),
    ):
        assert refusal(call) == denied(role, action, key, "resource")


def test_a_grant_is_its_grantee_s_only(cloud: ServedCloud) -> None:
    key, grantee, other = cloud.key(), cloud.role(TARGET), cloud.role(TARGET)
    granted(cloud, key, grantee, "DescribeKey")
    code, _ = refusal(lambda: cloud.client("kms", other).describe_key(KeyId=key))
    assert code == "AccessDeniedException"


def test_a_grant_is_its_key_s_only(cloud: ServedCloud) -> None:
    key, other, role = cloud.key(), cloud.key(), cloud.role(TARGET)
    granted(cloud, key, role, "DescribeKey")
    code, _ = refusal(lambda: cloud.client("kms", role).describe_key(KeyId=other))
    assert code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("constraint", "given", "allowed"),
    [
        ("EncryptionContextEquals", {"volume": "1"}, True),
        ("EncryptionContextEquals", {"volume": "1", "more": "2"}, False),
        ("EncryptionContextEquals", {"volume": "2"}, False),
        ("EncryptionContextEquals", {}, False),
        ("EncryptionContextSubset", {"volume": "1"}, True),
        ("EncryptionContextSubset", {"volume": "1", "more": "2"}, True),
        ("EncryptionContextSubset", {"more": "2"}, False),
    ],
)
def test_a_grant_with_an_encryption_context_covers_no_other(
    cloud: ServedCloud, constraint: str, given: dict[str, str], allowed: bool
) -> None:
    key, role = cloud.key(), cloud.role(TARGET)
    granted(cloud, key, role, "Decrypt", Constraints={constraint: {"volume": "1"}})
    made = cloud.encrypted(key, EncryptionContext=given)
    kms = cloud.client("kms", role)
    if allowed:
        assert kms.decrypt(KeyId=key, CiphertextBlob=made, EncryptionContext=given)["Plaintext"] == b"plain"
    else:
        found = refusal(lambda: kms.decrypt(KeyId=key, CiphertextBlob=made, EncryptionContext=given))
        assert found == denied(role, "kms:Decrypt", key, "resource")


def test_a_revoked_grant_covers_nothing(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(TARGET)
    grant = granted(cloud, key, role, "DescribeKey")
    kms = cloud.client("kms", role)
    assert kms.describe_key(KeyId=key)
    cloud.client("kms").revoke_grant(KeyId=key, GrantId=grant)
    code, _ = refusal(lambda: kms.describe_key(KeyId=key))
    assert code == "AccessDeniedException"


def test_a_deny_outweighs_a_grant(cloud: ServedCloud) -> None:
    key = cloud.key()
    role = cloud.role(TARGET, {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": key})
    granted(cloud, key, role, "Decrypt")
    made = cloud.encrypted(key)
    found = refusal(lambda: cloud.client("kms", role).decrypt(KeyId=key, CiphertextBlob=made))
    assert found == denied(role, "kms:Decrypt", key, "identity", explicit=True)


def test_conditions_on_a_new_grant_see_its_grantee_and_operations(cloud: ServedCloud) -> None:
    grantee = cloud.role(TARGET)
    narrow = {
        "StringEquals": {"kms:GranteePrincipal": grantee.arn},
        "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
    }
    key = cloud.key()
    role = cloud.role(HUB, statement("kms:CreateGrant", key, Condition=narrow))
    kms = cloud.client("kms", role)
    assert kms.create_grant(KeyId=key, GranteePrincipal=grantee.arn, Operations=["Decrypt"])["GrantId"]
    request = {"KeyId": key, "GranteePrincipal": grantee.arn, "Operations": ["Decrypt"]}
    wider = refusal(lambda: kms.create_grant(**{**request, "Operations": ["Decrypt", "Encrypt"]}))
    other = refusal(lambda: kms.create_grant(**{**request, "GranteePrincipal": role.arn}))
    assert wider == other == denied(role, "kms:CreateGrant", key, "identity")


def test_a_grant_token_may_go_with_a_call(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(TARGET)
    made = cloud.client("kms").create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=["Encrypt"])
    kms = cloud.client("kms", role)
    assert kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["KeyId"] == key


def test_the_hundred_and_first_grant_counts(cloud: ServedCloud) -> None:
    """KMS lists grants in pages of a hundred at most."""
    key, role, other = cloud.key(), cloud.role(TARGET), cloud.role(TARGET)
    for number in range(100):
        granted(cloud, key, other, "DescribeKey", Name=f"grant-{number}")
    granted(cloud, key, role, "DescribeKey")
    assert cloud.client("kms", role).describe_key(KeyId=key)


def test_a_replica_has_grants_of_its_own(cloud: ServedCloud) -> None:
    key, role = cloud.key(MultiRegion=True), cloud.role(TARGET)
    away = "eu-west-1"
    cloud.client("kms").replicate_key(KeyId=key, ReplicaRegion=away)
    granted(cloud, key, role, "DescribeKey")
    assert cloud.client("kms", role).describe_key(KeyId=key)
    replica = key.replace(HOME, away)
    code, _ = refusal(lambda: cloud.client("kms", role, away).describe_key(KeyId=replica))
    assert code == "AccessDeniedException"
