"""Who may use a key, by its policy and by identity policies together."""

from typing import Any

import pytest

from model.key_policies import ADMINISTRATOR_ACTIONS
from tests.local.cloud.served_cloud import (
    AWAY,
    HOME,
    HUB,
    TARGET,
    ServedCloud,
    denied,
    document,
    refusal,
    root_of,
    statement,
)

USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def for_target(**more: Any) -> dict[str, Any]:
    return statement(USE, Principal=root_of(TARGET), **more)


def test_a_foreign_role_uses_a_key_that_both_its_policy_and_the_key_s_allow(cloud: ServedCloud) -> None:
    key = cloud.key(for_target())
    role = cloud.role(TARGET, statement(USE, key))
    kms = cloud.client("kms", role)
    made = kms.encrypt(KeyId=key, Plaintext=b"foreign")
    assert made["KeyId"] == key
    assert cloud.client("kms").decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"foreign"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert len(kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]) == 32
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")


def test_a_foreign_role_without_the_key_s_policy_is_told_so(cloud: ServedCloud) -> None:
    key = cloud.key()
    role = cloud.role(TARGET, statement("kms:*"))
    found = refusal(lambda: cloud.client("kms", role).encrypt(KeyId=key, Plaintext=b"x"))
    assert found == denied(role, "kms:Encrypt", key, "resource")


def test_a_foreign_role_without_a_policy_of_its_own_is_told_so(cloud: ServedCloud) -> None:
    key = cloud.key(for_target())
    role = cloud.role(TARGET, statement("kms:DescribeKey", key))
    kms = cloud.client("kms", role)
    assert refusal(lambda: kms.encrypt(KeyId=key, Plaintext=b"x")) == denied(role, "kms:Encrypt", key, "identity")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key


def test_naming_the_foreign_role_itself_does_not_replace_its_own_policy(cloud: ServedCloud) -> None:
    role = cloud.role(TARGET)
    key = cloud.key(statement(USE, Principal={"AWS": role.arn}))
    kms = cloud.client("kms", role)
    assert refusal(lambda: kms.describe_key(KeyId=key)) == denied(role, "kms:DescribeKey", key, "identity")
    cloud.put_policy(TARGET, role.name, statement(USE, key))
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key


@pytest.mark.parametrize("kind", ["identity", "resource"])
def test_an_explicit_deny_on_either_side_refuses(cloud: ServedCloud, kind: str) -> None:
    deny = {"Effect": "Deny", "Action": "kms:Decrypt"}
    in_key = [{**deny, "Resource": "*", "Principal": root_of(TARGET)}] if kind == "resource" else []
    key = cloud.key(for_target(), *in_key)
    in_role = [{**deny, "Resource": key}] if kind == "identity" else []
    role = cloud.role(TARGET, statement(USE, key), *in_role)
    kms = cloud.client("kms", role)
    made = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    found = refusal(lambda: kms.decrypt(KeyId=key, CiphertextBlob=made))
    assert found == denied(role, "kms:Decrypt", key, kind, explicit=True)


@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals"])
@pytest.mark.parametrize("path", ["/", "/application/ledger/"])
def test_an_account_under_aws_principal_arn_means_that_role_only(cloud: ServedCloud, operator: str, path: str) -> None:
    allowed = cloud.role(TARGET, statement(USE), path=path)
    other = cloud.role(TARGET, statement(USE), path=path)
    key = cloud.key(for_target(Condition={operator: {"aws:PrincipalArn": allowed.arn}}))
    assert cloud.client("kms", allowed).describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    found = refusal(lambda: cloud.client("kms", other).describe_key(KeyId=key))
    assert found == denied(other, "kms:DescribeKey", key, "resource")


def test_a_role_s_arn_without_its_path_is_another_role(cloud: ServedCloud) -> None:
    role = cloud.role(TARGET, statement(USE), path="/application/")
    pathless = f"arn:aws:iam::{TARGET}:role/{role.name}"
    key = cloud.key(for_target(Condition={"ArnLike": {"aws:PrincipalArn": pathless}}))
    code, _ = refusal(lambda: cloud.client("kms", role).describe_key(KeyId=key))
    assert code == "AccessDeniedException"


def test_a_pattern_of_role_arns_admits_by_name(cloud: ServedCloud) -> None:
    key = cloud.key(for_target(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/copier-*"}}))
    copier = cloud.role(TARGET, statement(USE), name=cloud.name("copier"))
    other = cloud.role(TARGET, statement(USE), name=cloud.name("reader"))
    assert cloud.client("kms", copier).describe_key(KeyId=key)
    code, _ = refusal(lambda: cloud.client("kms", other).describe_key(KeyId=key))
    assert code == "AccessDeniedException"


def test_a_named_administrator_of_the_key_s_account_needs_no_identity_policy(cloud: ServedCloud) -> None:
    administrator = cloud.role(HUB)
    key = cloud.key(statement(ADMINISTRATOR_ACTIONS, Principal={"AWS": administrator.arn}))
    kms = cloud.client("kms", administrator)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key)
    policy = kms.get_key_policy(KeyId=key)["Policy"]
    kms.put_key_policy(KeyId=key, Policy=policy)
    found = refusal(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    assert found == denied(administrator, "kms:Encrypt", key, "identity")


def test_the_account_in_the_key_s_policy_leaves_the_decision_to_identity_policies(cloud: ServedCloud) -> None:
    key = cloud.key()
    with_policy, without = cloud.role(HUB, statement("kms:DescribeKey", key)), cloud.role(HUB)
    assert cloud.client("kms", with_policy).describe_key(KeyId=key)
    found = refusal(lambda: cloud.client("kms", without).describe_key(KeyId=key))
    assert found == denied(without, "kms:DescribeKey", key, "identity")


def test_a_key_whose_policy_leaves_its_account_out_refuses_even_allowed_roles(cloud: ServedCloud) -> None:
    administrator = cloud.role(HUB, statement("kms:*"))
    user = cloud.role(HUB, statement("kms:*"))
    policy = document(statement("kms:*", Principal={"AWS": administrator.arn}))
    key = cloud.client("kms", administrator).create_key(Policy=policy)["KeyMetadata"]["Arn"]
    found = refusal(lambda: cloud.client("kms", user).describe_key(KeyId=key))
    assert found == denied(user, "kms:DescribeKey", key, "resource")


def test_via_service_admits_the_service_s_calls_only(cloud: ServedCloud) -> None:
    """S3 calls KMS for whoever reads an object; the same role's own call is refused."""
    via = {"StringEquals": {"kms:ViaService": f"s3.{HOME}.amazonaws.com"}}
    role = cloud.role(HUB, statement("kms:*", Condition=via), statement("s3:*"))
    key, bucket = cloud.key(), cloud.name("via")
    cloud.client("s3").create_bucket(Bucket=bucket)
    s3 = cloud.client("s3", role)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    found = refusal(lambda: cloud.client("kms", role).encrypt(KeyId=key, Plaintext=b"x"))
    assert found == denied(role, "kms:Encrypt", key, "identity")


def test_a_caller_cannot_state_the_service_itself(cloud: ServedCloud) -> None:
    via = {"StringEquals": {"kms:ViaService": f"ec2.{HOME}.amazonaws.com"}}
    role = cloud.role(HUB, statement("kms:*", Condition=via))
    key = cloud.key()
    kms = cloud.client("kms", role)

    def pretend(request: Any, **_event: Any) -> None:
        request.headers["x-golden-ami-context"] = 'guess;{"kms:ViaService": "ec2.us-east-1.amazonaws.com"}'

    kms.meta.events.register("before-send", pretend)
    code, _ = refusal(lambda: kms.describe_key(KeyId=key))
    assert code == "AccessDeniedException"


def test_a_replica_is_governed_by_its_own_policy(cloud: ServedCloud) -> None:
    role = cloud.role(TARGET, statement(USE))
    primary = cloud.key(for_target(), MultiRegion=True)
    replica = cloud.client("kms").replicate_key(KeyId=primary, ReplicaRegion=AWAY)["ReplicaKeyMetadata"]["Arn"]
    assert replica == primary.replace(HOME, AWAY)
    assert cloud.client("kms", role).describe_key(KeyId=primary)
    found = refusal(lambda: cloud.client("kms", role, AWAY).describe_key(KeyId=replica))
    assert found == denied(role, "kms:DescribeKey", replica, "resource")


def test_a_ciphertext_of_the_primary_is_read_under_the_replica(cloud: ServedCloud) -> None:
    role = cloud.role(TARGET, statement(USE))
    primary = cloud.key(MultiRegion=True)
    policy = cloud.client("kms").get_key_policy(KeyId=cloud.key(for_target()))["Policy"]
    cloud.client("kms").replicate_key(KeyId=primary, ReplicaRegion=AWAY, Policy=policy)
    made = cloud.encrypted(primary)
    assert cloud.client("kms", role, AWAY).decrypt(CiphertextBlob=made)["Plaintext"] == b"plain"
    code, _ = refusal(lambda: cloud.client("kms", role, HOME).decrypt(CiphertextBlob=made))
    assert code == "AccessDeniedException"
