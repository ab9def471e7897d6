"""Keys by id, ARN, alias and ciphertext, and keys that cannot be used."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.served_cloud import AWAY, HUB, TARGET, ServedCloud, denied, refusal, root_of, statement

ALL = statement("kms:*", Principal=root_of(TARGET))


def test_a_key_of_another_region_is_not_found(cloud: ServedCloud) -> None:
    key = cloud.key(ALL)
    for who in (HUB, cloud.role(TARGET, statement("kms:*"))):
        code, message = refusal(lambda: cloud.client("kms", who, AWAY).describe_key(KeyId=key))  # noqa: B023
        assert (code, message) == ("NotFoundException", "Invalid arn us-east-1")


def test_a_key_that_does_not_exist_is_not_found_by_its_arn(cloud: ServedCloud) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    arn = f"arn:aws:kms:us-east-1:{HUB}:key/{missing}"
    for key_id in (missing, arn):
        code, message = refusal(lambda: cloud.client("kms").describe_key(KeyId=key_id))  # noqa: B023
        assert (code, message) == ("NotFoundException", f"Key '{arn}' does not exist")


def test_a_bare_id_means_the_caller_s_own_account(cloud: ServedCloud) -> None:
    key_id = cloud.key(ALL).rsplit("/", 1)[-1]
    role = cloud.role(TARGET, statement("kms:*"))
    code, message = refusal(lambda: cloud.client("kms", role).describe_key(KeyId=key_id))
    assert code == "NotFoundException"
    assert TARGET in message
    assert cloud.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]["KeyId"] == key_id


@pytest.mark.parametrize("arn", ["arn:aws:kms", "arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:111111111111:thing/one"])
def test_an_arn_of_something_else_is_invalid(cloud: ServedCloud, arn: str) -> None:
    code, message = refusal(lambda: cloud.client("kms").describe_key(KeyId=arn))
    assert (code, message) == ("InvalidArnException", f"Invalid arn {arn}")


def test_a_foreign_alias_leads_to_its_key_under_the_key_s_policy(cloud: ServedCloud) -> None:
    key, closed = cloud.key(ALL), cloud.key()
    names = [cloud.name("alias/foreign"), cloud.name("alias/foreign")]
    for name, target in zip(names, (key, closed), strict=True):
        cloud.client("kms").create_alias(AliasName=name, TargetKeyId=target)
    role = cloud.role(TARGET, statement("kms:*", key))
    kms = cloud.client("kms", role)
    prefix = f"arn:aws:kms:us-east-1:{HUB}:"
    assert kms.encrypt(KeyId=prefix + names[0], Plaintext=b"x")["KeyId"] == key
    refused = refusal(lambda: kms.encrypt(KeyId=prefix + names[1], Plaintext=b"x"))
    assert refused == denied(role, "kms:Encrypt", closed, "resource")
    code, message = refusal(lambda: kms.describe_key(KeyId=names[0]))
    assert code == "NotFoundException"
    assert names[0] in message


def test_a_ciphertext_names_its_key_whoever_owns_it(cloud: ServedCloud) -> None:
    key = cloud.key(ALL)
    made = cloud.encrypted(key)
    role = cloud.role(TARGET, statement("kms:Decrypt", key))
    found = cloud.client("kms", role).decrypt(CiphertextBlob=made)
    assert (found["KeyId"], found["Plaintext"]) == (key, b"plain")
    other = cloud.role(TARGET)
    refused = refusal(lambda: cloud.client("kms", other).decrypt(CiphertextBlob=made))
    assert refused == denied(other, "kms:Decrypt", key, "identity")


@pytest.mark.parametrize("blob", [b"x", b"\xff" * 80, b"0" * 80])
def test_bytes_that_are_no_ciphertext_are_refused(cloud: ServedCloud, blob: bytes) -> None:
    code, _ = refusal(lambda: cloud.client("kms").decrypt(CiphertextBlob=blob))
    assert code == "InvalidCiphertextException"


def test_a_ciphertext_under_another_key_than_stated_is_refused(cloud: ServedCloud) -> None:
    key, other = cloud.key(), cloud.key()
    kms = cloud.client("kms")
    made = cloud.encrypted(key)
    code, _ = refusal(lambda: kms.decrypt(KeyId=other, CiphertextBlob=made))
    assert code == "IncorrectKeyException"
    code, _ = refusal(lambda: kms.re_encrypt(SourceKeyId=other, DestinationKeyId=other, CiphertextBlob=made))
    assert code == "IncorrectKeyException"


@pytest.mark.parametrize("missing", ["kms:ReEncryptFrom", "kms:ReEncryptTo", None])
def test_re_encryption_needs_both_keys(cloud: ServedCloud, missing: str | None) -> None:
    source, destination = cloud.key(ALL), cloud.key(ALL)
    wanted = {"kms:ReEncryptFrom": source, "kms:ReEncryptTo": destination}
    role = cloud.role(TARGET, *(statement(action, key) for action, key in wanted.items() if action != missing),
                      statement("kms:DescribeKey"))  # fmt: skip
    made = cloud.encrypted(source, EncryptionContext={"of": "one"})
    kms = cloud.client("kms", role)

    def run() -> Any:
        return kms.re_encrypt(
            CiphertextBlob=made,
            SourceEncryptionContext={"of": "one"},
            DestinationKeyId=destination,
            DestinationEncryptionContext={"of": "two"},
        )

    if missing:
        assert refusal(run) == denied(role, missing, wanted[missing], "identity")
        return
    moved = run()
    assert (moved["SourceKeyId"], moved["KeyId"]) == (source, destination)
    opened = cloud.client("kms").decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"of": "two"})
    assert (opened["KeyId"], opened["Plaintext"]) == (destination, b"plain")


def test_a_wrong_encryption_context_does_not_open_a_ciphertext(cloud: ServedCloud) -> None:
    made = cloud.encrypted(cloud.key(), EncryptionContext={"of": "one"})
    code, _ = refusal(lambda: cloud.client("kms").decrypt(CiphertextBlob=made, EncryptionContext={"of": "two"}))
    assert code == "InvalidCiphertextException"


@pytest.mark.parametrize(("state", "code"), [("Disabled", "DisabledException"),
                                             ("PendingDeletion", "KMSInvalidStateException")])  # fmt: skip
def test_a_key_out_of_use_is_described_and_not_used(cloud: ServedCloud, state: str, code: str) -> None:
    key = cloud.key(ALL)
    made = cloud.encrypted(key)
    owner, kms = cloud.client("kms"), cloud.client("kms", cloud.role(TARGET, statement("kms:*")))
    if state == "Disabled":
        owner.disable_key(KeyId=key)
    else:
        owner.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == state
    calls: list[Callable[[], Any]] = [
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=made),
        lambda: kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=made, DestinationKeyId=key),
        lambda: kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{HUB}:root", Operations=["Decrypt"]),
    ]
    assert [refusal(call)[0] for call in calls] == [code] * 5


@pytest.mark.parametrize("missing", ["alias", "key", None])
def test_a_new_alias_needs_the_action_on_itself_and_on_its_key(cloud: ServedCloud, missing: str | None) -> None:
    key, name = cloud.key(), cloud.name("alias/both")
    alias = f"arn:aws:kms:us-east-1:{HUB}:{name}"
    wanted = {"alias": alias, "key": key}
    role = cloud.role(HUB, statement("kms:CreateAlias", [arn for part, arn in wanted.items() if part != missing]))
    kms = cloud.client("kms", role)

    def run() -> None:
        kms.create_alias(AliasName=name, TargetKeyId=key)

    if missing:
        assert refusal(run) == denied(role, "kms:CreateAlias", wanted[missing], "identity")
        return
    run()
    assert cloud.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key


def test_moving_an_alias_needs_the_old_key_and_the_new_one(cloud: ServedCloud) -> None:
    old, new, name = cloud.key(), cloud.key(), cloud.name("alias/moving")
    alias = f"arn:aws:kms:us-east-1:{HUB}:{name}"
    cloud.client("kms").create_alias(AliasName=name, TargetKeyId=old)
    for left_out, rest in ((old, [alias, new]), (new, [alias, old])):
        role = cloud.role(HUB, statement("kms:UpdateAlias", rest))
        kms = cloud.client("kms", role)
        found = refusal(lambda: kms.update_alias(AliasName=name, TargetKeyId=new))  # noqa: B023
        assert found == denied(role, "kms:UpdateAlias", left_out, "identity")
    role = cloud.role(HUB, statement("kms:UpdateAlias", [alias, old, new]))
    cloud.client("kms", role).update_alias(AliasName=name, TargetKeyId=new)
    assert cloud.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"] == new


def test_deleting_an_alias_needs_its_key_too(cloud: ServedCloud) -> None:
    key, name = cloud.key(), cloud.name("alias/deleted")
    alias = f"arn:aws:kms:us-east-1:{HUB}:{name}"
    cloud.client("kms").create_alias(AliasName=name, TargetKeyId=key)
    role = cloud.role(HUB, statement("kms:DeleteAlias", alias))
    kms = cloud.client("kms", role)
    assert refusal(lambda: kms.delete_alias(AliasName=name)) == denied(role, "kms:DeleteAlias", key, "identity")
    cloud.put_policy(HUB, role.name, statement("kms:DeleteAlias", [alias, key]))
    kms.delete_alias(AliasName=name)
    assert refusal(lambda: cloud.client("kms").describe_key(KeyId=name))[0] == "NotFoundException"
