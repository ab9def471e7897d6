"""What KMS demands of a key policy when it is put."""

import json
from typing import Any

import pytest

from tests.local.cloud.served_cloud import (
    AWAY,
    HUB,
    TARGET,
    Role,
    ServedCloud,
    denied,
    document,
    own,
    refusal,
    root_of,
    statement,
)

MALFORMED = "MalformedPolicyDocumentException"
NOBODY = f"arn:aws:iam::{TARGET}:role/nobody"


@pytest.fixture(params=["PutKeyPolicy", "CreateKey", "ReplicateKey"])
def put(cloud: ServedCloud, request: pytest.FixtureRequest) -> Any:
    """Puts a policy by one of the operations that take one; returns the policy that the key then has."""

    def run(policy: str, who: Role | str = HUB, **more: Any) -> Any:
        kms, owner = cloud.client("kms", who), cloud.client("kms")
        if request.param == "CreateKey":
            key = kms.create_key(Policy=policy, **more)["KeyMetadata"]["Arn"]
        elif request.param == "PutKeyPolicy":
            key = cloud.key()
            kms.put_key_policy(KeyId=key, Policy=policy, **more)
        else:
            primary = cloud.key(MultiRegion=True)
            made = kms.replicate_key(KeyId=primary, ReplicaRegion=AWAY, Policy=policy, **more)
            key, owner = made["ReplicaKeyMetadata"]["Arn"], cloud.client("kms", HUB, AWAY)
        return json.loads(owner.get_key_policy(KeyId=key)["Policy"])

    return run


def test_a_sound_policy_is_kept(cloud: ServedCloud, put: Any) -> None:
    roles = cloud.role(TARGET), cloud.role(HUB, path="/application/")
    policy = document(own(), statement("kms:Decrypt", Principal={"AWS": [role.arn for role in roles]}))
    assert put(policy) == json.loads(policy)


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "not a policy",
        "[]",
        '"text"',
        "{}",
        '{"Statement": "everything"}',
        '{"Statement": [1]}',
        json.dumps({"Statement": {name: value for name, value in own().items() if name != "Principal"}}),
        json.dumps({"Statement": {name: value for name, value in own().items() if name != "Resource"}}),
        json.dumps({"Statement": {name: value for name, value in own().items() if name != "Action"}}),
        json.dumps({"Statement": {name: value for name, value in own().items() if name != "Effect"}}),
    ],
)
def test_what_is_no_policy_is_malformed(put: Any, policy: str) -> None:
    code, message = refusal(lambda: put(policy))
    assert code == MALFORMED
    assert message


@pytest.mark.parametrize(
    "principal",
    [NOBODY, f"arn:aws:iam::{TARGET}:user/nobody", [f"arn:aws:iam::{TARGET}:root", NOBODY]],
)
def test_a_principal_that_does_not_exist_is_refused(put: Any, principal: Any) -> None:
    found = refusal(lambda: put(document(own(), statement("kms:Decrypt", Principal={"AWS": principal}))))
    assert found == (MALFORMED, "Policy contains a statement with one or more invalid principals.")


def test_a_role_named_without_its_path_does_not_exist(cloud: ServedCloud, put: Any) -> None:
    role = cloud.role(TARGET, path="/application/")
    wrong = f"arn:aws:iam::{TARGET}:role/{role.name}"
    code, _ = refusal(lambda: put(document(own(), statement("kms:Decrypt", Principal={"AWS": wrong}))))
    assert code == MALFORMED


def test_a_role_under_aws_principal_arn_need_not_exist(put: Any) -> None:
    only = {"ArnLike": {"aws:PrincipalArn": NOBODY}}
    policy = document(own(), statement("kms:Decrypt", Principal=root_of(TARGET), Condition=only))
    assert put(policy) == json.loads(policy)


def test_a_policy_that_locks_its_writer_out_is_refused(put: Any) -> None:
    only_target = document(statement("kms:*", Principal=root_of(TARGET)))
    code, message = refusal(lambda: put(only_target))
    assert code == MALFORMED
    assert message == "The new key policy will not allow you to update the key policy in the future."


def test_a_policy_without_put_key_policy_locks_out(put: Any) -> None:
    code, _ = refusal(lambda: put(document(statement(["kms:Encrypt", "kms:Get*"], Principal=root_of(HUB)))))
    assert code == MALFORMED


def test_who_bypasses_the_check_may_lock_itself_out(put: Any) -> None:
    policy = document(statement("kms:*", Principal=root_of(TARGET)))
    assert put(policy, BypassPolicyLockoutSafetyCheck=True) == json.loads(policy)


def test_a_lockout_is_decided_for_the_caller_and_not_its_account(cloud: ServedCloud, put: Any) -> None:
    writer, other = cloud.role(HUB, statement("kms:*")), cloud.role(HUB)
    code, _ = refusal(lambda: put(document(statement("kms:*", Principal={"AWS": other.arn})), who=writer))
    assert code == MALFORMED
    named = document(statement("kms:*", Principal={"AWS": writer.arn}))
    own_key = cloud.client("kms", writer).create_key(Policy=named)["KeyMetadata"]["Arn"]
    assert json.loads(cloud.client("kms", writer).get_key_policy(KeyId=own_key)["Policy"]) == json.loads(named)


def sized(length: int) -> str:
    text = document({**own(), "Sid": ""})
    return text.replace('"Sid": ""', f'"Sid": "{"x" * (length - len(text))}"')


def test_a_policy_may_hold_32_kib_and_no_byte_more(put: Any) -> None:
    largest = sized(32_768)
    assert len(largest) == 32_768
    assert put(largest) == json.loads(largest)
    code, _ = refusal(lambda: put(sized(32_769)))
    assert code == "LimitExceededException"


def test_the_policy_of_a_refused_change_stays_the_old_one(cloud: ServedCloud) -> None:
    key = cloud.key()
    kms = cloud.client("kms")
    before = kms.get_key_policy(KeyId=key)["Policy"]
    refusal(lambda: kms.put_key_policy(KeyId=key, Policy=document(statement("kms:*", Principal={"AWS": NOBODY}))))
    assert kms.get_key_policy(KeyId=key)["Policy"] == before


def test_changing_a_policy_needs_the_action_on_the_key(cloud: ServedCloud) -> None:
    key, role = cloud.key(), cloud.role(HUB, statement("kms:DescribeKey"))
    found = refusal(lambda: cloud.client("kms", role).put_key_policy(KeyId=key, Policy=document(own())))
    assert found == denied(role, "kms:PutKeyPolicy", key, "identity")


def test_creating_a_key_needs_the_action_and_its_tags(cloud: ServedCloud) -> None:
    tagged = {"StringEquals": {"aws:RequestTag/golden-ami:product": "ledger"}}
    role = cloud.role(HUB, statement("kms:CreateKey", Condition=tagged))
    kms = cloud.client("kms", role)
    for tags in ([], [{"TagKey": "golden-ami:product", "TagValue": "payroll"}]):
        found = refusal(lambda: kms.create_key(Tags=tags))  # noqa: B023
        assert found == denied(role, "kms:CreateKey", "*", "identity")
    assert kms.create_key(Tags=[{"TagKey": "golden-ami:product", "TagValue": "ledger"}])["KeyMetadata"]["Arn"]


@pytest.mark.parametrize("missing", ["kms:ReplicateKey", "kms:CreateKey"])
def test_a_replica_needs_replicate_key_there_and_create_key_here(cloud: ServedCloud, missing: str) -> None:
    key = cloud.key(MultiRegion=True)
    wanted = {"kms:ReplicateKey": key, "kms:CreateKey": "*"}
    role = cloud.role(HUB, *(statement(action, arn) for action, arn in wanted.items() if action != missing),
                      statement("kms:DescribeKey"))  # fmt: skip
    kms = cloud.client("kms", role)
    found = refusal(lambda: kms.replicate_key(KeyId=key, ReplicaRegion=AWAY))
    assert found == denied(role, missing, wanted[missing], "identity")
    cloud.put_policy(HUB, role.name, *(statement(action, arn) for action, arn in wanted.items()))
    assert kms.replicate_key(KeyId=key, ReplicaRegion=AWAY)["ReplicaKeyMetadata"]["Arn"] == key.replace(
        "us-east-1", AWAY
    )
