"""Buckets of another account: both sides decide, and by the caller's own principal."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from local.cloud.journal import FILE_NAME, read
from tests.local.cloud.served_cloud import (
    HOME,
    HUB,
    TARGET,
    Role,
    ServedCloud,
    document,
    refusal,
    root_of,
    serving,
    statement,
)

REFUSED = "AccessDenied"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[ServedCloud]:
    with serving(directory) as served:
        yield served


class Bucket:
    """A bucket of the hub, and what its policy says."""

    def __init__(self, cloud: ServedCloud, key: str | None = None) -> None:
        self.name = cloud.name("bucket")
        self.arn = f"arn:aws:s3:::{self.name}"
        self.s3 = cloud.client("s3")
        self.s3.create_bucket(Bucket=self.name)
        if key:
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
            self.s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": rules})

    def admit(self, *statements: Mapping[str, Any]) -> None:
        self.s3.put_bucket_policy(Bucket=self.name, Policy=document(*statements))

    def objects(self, actions: str | list[str], principal: Any, **more: Any) -> dict[str, Any]:
        return statement(actions, f"{self.arn}/scripts/*", Principal=principal, **more)


def by_arn(arn: str) -> dict[str, Any]:
    return {"Condition": {"ArnEquals": {"aws:PrincipalArn": arn}}}


def put(cloud: ServedCloud, who: Role | str, bucket: Bucket, key: str = "scripts/a", **more: Any) -> Callable[[], Any]:
    return lambda: cloud.client("s3", who).put_object(Bucket=bucket.name, Key=key, Body=b"a", **more)


@pytest.mark.parametrize("form", ["by its ARN", "by the account and aws:PrincipalArn"])
def test_a_role_that_the_bucket_s_policy_admits_may_write(cloud: ServedCloud, directory: Path, form: str) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(TARGET, statement("s3:PutObject"), path="/team/")
    other = cloud.role(TARGET, statement("s3:PutObject"))
    if form == "by its ARN":
        bucket.admit(bucket.objects("s3:PutObject", {"AWS": role.arn}))
    else:
        bucket.admit(bucket.objects("s3:PutObject", root_of(TARGET), **by_arn(role.arn)))
    put(cloud, role, bucket)()
    assert refusal(put(cloud, other, bucket))[0] == REFUSED
    assert refusal(put(cloud, role, bucket, "elsewhere/a"))[0] == REFUSED
    calls = [call for call in read(directory / FILE_NAME) if call.principal in {role.arn, other.arn}]
    assert [(call.account, call.resource, call.decision) for call in calls] == [
        (TARGET, f"{bucket.arn}/scripts/a", "allowed"),
        (TARGET, f"{bucket.arn}/scripts/a", REFUSED),
        (TARGET, f"{bucket.arn}/elsewhere/a", REFUSED),
    ]


def test_the_role_s_own_side_must_allow_as_well(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(TARGET)
    bucket.admit(bucket.objects("s3:PutObject", {"AWS": role.arn}))
    assert refusal(put(cloud, role, bucket))[0] == REFUSED
    cloud.put_policy(TARGET, role.name, statement("s3:PutObject", f"{bucket.arn}/scripts/*"))
    put(cloud, role, bucket)()


def test_the_role_s_own_side_alone_does_not_open_the_bucket(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(TARGET, statement("s3:*"))
    assert refusal(put(cloud, role, bucket))[0] == REFUSED
    assert refusal(lambda: cloud.client("s3", role).list_objects_v2(Bucket=bucket.name))[0] == REFUSED


@pytest.mark.parametrize("side", ["bucket", "role"])
def test_an_explicit_deny_on_either_side_counts(cloud: ServedCloud, side: str) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(TARGET, statement("s3:PutObject"))
    admitting = bucket.objects("s3:PutObject", {"AWS": role.arn})
    bucket.admit(admitting)
    put(cloud, role, bucket)()
    if side == "bucket":
        bucket.admit(admitting, bucket.objects("s3:PutObject", "*", Effect="Deny"))
    else:
        denied = {**statement("s3:PutObject"), "Effect": "Deny"}
        cloud.put_policy(TARGET, role.name, statement("s3:PutObject"), denied)
    assert refusal(put(cloud, role, bucket))[0] == REFUSED


def test_a_root_is_bound_by_the_bucket_s_policy_alone(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud)
    bucket.admit(bucket.objects("s3:PutObject", root_of(TARGET)))
    put(cloud, TARGET, bucket)()
    assert refusal(put(cloud, TARGET, bucket, "elsewhere/a"))[0] == REFUSED
    bucket.admit(bucket.objects("s3:PutObject", root_of(TARGET), **by_arn(f"arn:aws:iam::{TARGET}:role/team")))
    assert refusal(put(cloud, TARGET, bucket))[0] == REFUSED


def test_the_owner_of_a_foreign_bucket_is_its_resource_account(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(TARGET)
    bucket.admit(bucket.objects("s3:PutObject", {"AWS": role.arn}))
    for account, allowed in ((TARGET, False), (HUB, True)):
        only = {"StringEquals": {"aws:ResourceAccount": account}}
        cloud.put_policy(TARGET, role.name, statement("s3:PutObject", Condition=only))
        if allowed:
            put(cloud, role, bucket)()
        else:
            assert refusal(put(cloud, role, bucket))[0] == REFUSED


@pytest.mark.parametrize("missing", ["bucket's policy", "role's own side"])
def test_a_copy_from_a_foreign_bucket_needs_both_sides(cloud: ServedCloud, missing: str) -> None:
    bucket, own = Bucket(cloud), cloud.name("bucket")
    put(cloud, HUB, bucket)()
    cloud.client("s3", TARGET).create_bucket(Bucket=own)
    role = cloud.role(TARGET, statement("s3:PutObject"))
    if missing == "role's own side":
        bucket.admit(bucket.objects("s3:GetObject", {"AWS": role.arn}))
    else:
        cloud.put_policy(TARGET, role.name, statement(["s3:GetObject", "s3:PutObject"]))
    source = {"Bucket": bucket.name, "Key": "scripts/a"}
    code, _ = refusal(lambda: cloud.client("s3", role).copy_object(Bucket=own, Key="a", CopySource=source))
    assert code == REFUSED


@pytest.mark.parametrize("missing", ["key policy", "role's own side"])
def test_a_foreign_caller_needs_the_bucket_s_key_on_both_sides(cloud: ServedCloud, missing: str) -> None:
    use = ["kms:GenerateDataKey", "kms:Decrypt"]
    names = cloud.name("uploader")
    arn = f"arn:aws:iam::{TARGET}:role/{names}"
    admitted = statement(use, Principal=root_of(TARGET), **by_arn(arn))
    keys = {complete: cloud.key(*([admitted] if complete else [])) for complete in (True, missing != "key policy")}
    buckets = {complete: Bucket(cloud, key) for complete, key in keys.items()}
    s3_rights, key_rights = statement(["s3:PutObject", "s3:GetObject"]), statement(use, list(keys.values()))
    role = cloud.role(TARGET, s3_rights, key_rights, name=names)
    for bucket in buckets.values():
        bucket.admit(bucket.objects(["s3:PutObject", "s3:GetObject"], {"AWS": role.arn}))
    put(cloud, role, buckets[True])()
    s3 = cloud.client("s3", role)
    assert s3.get_object(Bucket=buckets[True].name, Key="scripts/a")["SSEKMSKeyId"] == keys[True]
    if missing == "role's own side":
        cloud.put_policy(TARGET, role.name, s3_rights)
    code, message = refusal(put(cloud, role, buckets[missing != "key policy"]))
    assert code == REFUSED
    assert "kms:GenerateDataKey" in message


def test_conditional_writes_and_deletes_hold(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud, cloud.key())
    role = cloud.role(HUB, statement(["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "kms:*"]))
    s3 = cloud.client("s3", role)
    place = {"Bucket": bucket.name, "Key": "lock"}
    first = s3.put_object(**place, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(lambda: s3.put_object(**place, Body=b"2", IfNoneMatch="*"))[0] == "PreconditionFailed"
    second = s3.put_object(**place, Body=b"2", IfMatch=first)["ETag"]
    assert refusal(lambda: s3.put_object(**place, Body=b"3", IfMatch=first))[0] == "PreconditionFailed"
    assert refusal(lambda: s3.delete_object(**place, IfMatch=first))[0] == "PreconditionFailed"
    s3.delete_object(**place, IfMatch=second)
    assert refusal(lambda: s3.delete_object(**place, IfMatch=second))[0] == "NoSuchKey"
    assert refusal(lambda: s3.put_object(**place, Body=b"4", IfMatch=second))[0] == "NoSuchKey"


def test_a_condition_on_an_object_needs_the_right_to_read_it(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud)
    role = cloud.role(HUB, statement(["s3:PutObject", "s3:DeleteObject"]))
    s3 = cloud.client("s3", role)
    place = {"Bucket": bucket.name, "Key": "lock"}
    tag = s3.put_object(**place, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(lambda: s3.put_object(**place, Body=b"2", IfMatch=tag))[0] == REFUSED
    assert refusal(lambda: s3.delete_object(**place, IfMatch=tag))[0] == REFUSED
    s3.delete_object(**place, IfMatch="*")


def test_s3_hears_no_signature_of_version_2_under_a_key(cloud: ServedCloud) -> None:
    bucket = Bucket(cloud, cloud.key())
    put(cloud, HUB, bucket)()
    role = cloud.role(HUB, statement("s3:GetObject"), statement("kms:Decrypt"))
    older = cloud.session.client(
        "s3",
        region_name=HOME,
        endpoint_url=cloud.address,
        aws_access_key_id=role.who.access_key,
        aws_secret_access_key=role.who.secret,
        aws_session_token=role.who.token,
        config=Config(signature_version="s3", s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    code, message = refusal(lambda: older.get_object(Bucket=bucket.name, Key="scripts/a"))
    assert code == "InvalidArgument"
    assert "AWS Signature Version 4" in message
    address = older.generate_presigned_url("get_object", Params={"Bucket": bucket.name, "Key": "scripts/a"})
    assert "X-Amz-Signature" not in address
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(address)
    assert caught.value.code == 400
    assert b"InvalidArgument" in caught.value.read()
    plain = Bucket(cloud)
    put(cloud, HUB, plain)()
    assert older.get_object(Bucket=plain.name, Key="scripts/a")["Body"].read() == b"a"
