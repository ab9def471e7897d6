"""Objects under SSE-KMS: whoever reads or writes one needs its key."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud.served_cloud import (
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

READ, WRITE = "kms:Decrypt", "kms:GenerateDataKey"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


def bucket(cloud: ServedCloud, key: str | None = None) -> str:
    """A bucket of the hub, with a default key where one is given, and an object `old` in it."""
    name = cloud.name("bucket")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    if key:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_object(Bucket=name, Key="old", Body=b"old")
    return name


def denial(role: Role, action: str, key: str) -> tuple[str, str]:
    """S3 hands KMS's words on as its own refusal."""
    because = f"because no identity-based policy allows the {action} action"
    return "AccessDenied", f"User: {role.session} is not authorized to perform: {action} on resource: {key} {because}"


def with_keys(cloud: ServedCloud, *statements: Any) -> tuple[Role, Any]:
    role = cloud.role(HUB, statement("s3:*"), *statements)
    return role, cloud.client("s3", role)


def test_reading_needs_the_key(cloud: ServedCloud) -> None:
    key = cloud.key()
    name = bucket(cloud, key)
    role, s3 = with_keys(cloud, statement(WRITE, key))
    assert refusal(lambda: s3.get_object(Bucket=name, Key="old")) == denial(role, READ, key)
    _, reader = with_keys(cloud, statement(READ, key))
    assert reader.get_object(Bucket=name, Key="old")["Body"].read() == b"old"


def test_writing_needs_a_data_key(cloud: ServedCloud) -> None:
    key = cloud.key()
    name = bucket(cloud, key)
    role, s3 = with_keys(cloud, statement(READ, key))
    assert refusal(lambda: s3.put_object(Bucket=name, Key="new", Body=b"new")) == denial(role, WRITE, key)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=name)["Contents"]] == ["old"]
    _, writer = with_keys(cloud, statement(WRITE, key))
    assert writer.put_object(Bucket=name, Key="new", Body=b"new")["SSEKMSKeyId"] == key


def test_a_key_in_the_request_counts_and_not_the_bucket_s(cloud: ServedCloud) -> None:
    default, stated = cloud.key(), cloud.key()
    name = bucket(cloud, default)
    role, s3 = with_keys(cloud, statement(WRITE, default))

    def put(client: Any) -> Any:
        return client.put_object(
            Bucket=name, Key="new", Body=b"new", ServerSideEncryption="aws:kms", SSEKMSKeyId=stated
        )

    assert refusal(lambda: put(s3)) == denial(role, WRITE, stated)
    _, writer = with_keys(cloud, statement(WRITE, stated))
    assert put(writer)["SSEKMSKeyId"] == stated


def test_a_request_for_s3_s_own_encryption_needs_no_key(cloud: ServedCloud) -> None:
    name = bucket(cloud, cloud.key())
    _, s3 = with_keys(cloud)
    s3.put_object(Bucket=name, Key="new", Body=b"new", ServerSideEncryption="AES256")
    assert s3.get_object(Bucket=name, Key="new")["Body"].read() == b"new"


@pytest.mark.parametrize("missing", [READ, WRITE, None])
def test_copying_needs_the_source_s_key_and_the_destination_s(cloud: ServedCloud, missing: str | None) -> None:
    keys = {READ: cloud.key(), WRITE: cloud.key()}
    source, destination = bucket(cloud, keys[READ]), bucket(cloud, keys[WRITE])
    role, s3 = with_keys(cloud, *(statement(action, key) for action, key in keys.items() if action != missing))

    def copy() -> None:
        s3.copy_object(Bucket=destination, Key="copy", CopySource={"Bucket": source, "Key": "old"})

    if missing:
        assert refusal(copy) == denial(role, missing, keys[missing])
        return
    copy()
    assert cloud.client("s3").get_object(Bucket=destination, Key="copy")["Body"].read() == b"old"


def test_an_object_without_a_key_asks_for_none(cloud: ServedCloud) -> None:
    name = bucket(cloud)
    _, s3 = with_keys(cloud, {"Effect": "Deny", "Action": "kms:*", "Resource": "*"})
    s3.put_object(Bucket=name, Key="new", Body=b"new")
    s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "new"})
    assert s3.get_object(Bucket=name, Key="copy")["Body"].read() == b"new"


def test_old_versions_are_read_under_their_own_key(cloud: ServedCloud) -> None:
    first, second = cloud.key(), cloud.key()
    name = bucket(cloud)
    owner = cloud.client("s3")
    owner.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        owner.put_object(Bucket=name, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)["VersionId"]
        for key in (first, second)
    ]
    role, s3 = with_keys(cloud, statement(READ, second))
    found = refusal(lambda: s3.get_object(Bucket=name, Key="a", VersionId=versions[0]))
    assert found == denial(role, READ, first)
    assert s3.get_object(Bucket=name, Key="a", VersionId=versions[1])["Body"].read() == b"x"
    assert s3.get_object(Bucket=name, Key="a")["Body"].read() == b"x"


def test_a_presigned_address_needs_the_key_of_who_signed_it(cloud: ServedCloud) -> None:
    key = cloud.key()
    name = bucket(cloud, key)
    (_, without), (_, reader) = with_keys(cloud), with_keys(cloud, statement(READ, key))

    def open_signed(client: Any) -> bytes:
        address = client.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "old"})
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.read()

    assert open_signed(reader) == b"old"
    with pytest.raises(urllib.error.HTTPError) as caught:
        open_signed(without)
    assert caught.value.code == 403


def test_an_upload_in_parts_needs_the_key(cloud: ServedCloud) -> None:
    """S3 User Guide, "Multipart upload API and permissions": GenerateDataKey and Decrypt."""
    key = cloud.key()
    name = bucket(cloud, key)
    role, s3 = with_keys(cloud, statement(READ, key))
    refused = refusal(lambda: s3.create_multipart_upload(Bucket=name, Key="large"))
    assert refused == denial(role, WRITE, key)
    role, s3 = with_keys(cloud, statement(WRITE, key))
    assert refusal(lambda: s3.create_multipart_upload(Bucket=name, Key="large")) == denial(role, READ, key)
    _, s3 = with_keys(cloud, statement([READ, WRITE], key))
    begun = s3.create_multipart_upload(Bucket=name, Key="large")
    upload = {"Bucket": name, "Key": "large", "UploadId": begun["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"large")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]})
    assert s3.get_object(Bucket=name, Key="large")["Body"].read() == b"large"


def test_looking_at_an_object_s_head_needs_no_key(cloud: ServedCloud) -> None:
    """Amazon S3 API Reference, HeadObject: Decrypt is asked for with the checksum mode only."""
    key = cloud.key()
    name = bucket(cloud, key)
    _, s3 = with_keys(cloud)
    assert s3.head_object(Bucket=name, Key="old")["SSEKMSKeyId"] == key
    assert s3.get_object_tagging(Bucket=name, Key="old")["TagSet"] == []


def test_a_key_named_without_its_arn_is_asked_for_too(cloud: ServedCloud) -> None:
    key = cloud.key()
    name = bucket(cloud, key.rsplit("/", 1)[-1])
    role, s3 = with_keys(cloud)
    assert refusal(lambda: s3.get_object(Bucket=name, Key="old")) == denial(role, READ, key)
    assert refusal(lambda: s3.put_object(Bucket=name, Key="old", Body=b"")) == denial(role, WRITE, key)
    _, s3 = with_keys(cloud, statement([READ, WRITE], key))
    s3.put_object(Bucket=name, Key="old", Body=b"newer")
    assert s3.get_object(Bucket=name, Key="old")["Body"].read() == b"newer"


@pytest.mark.parametrize("operation", ["get", "put"])
def test_a_foreign_role_needs_the_key_beside_the_bucket_s_policy(cloud: ServedCloud, operation: str) -> None:
    role = cloud.role(TARGET, statement("s3:*"))
    key = cloud.key(statement([READ, WRITE], Principal={"AWS": role.arn}))
    name = bucket(cloud, key)
    objects = statement(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{name}/*", Principal=root_of(TARGET))
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=document(objects))
    s3 = cloud.client("s3", role)
    calls = {
        "get": (READ, lambda: s3.get_object(Bucket=name, Key="old")),
        "put": (WRITE, lambda: s3.put_object(Bucket=name, Key="old", Body=b"newer")),
    }
    action, run = calls[operation]
    assert refusal(run) == denial(role, action, key)
    cloud.put_policy(TARGET, role.name, statement("s3:*"), statement(action, key))
    assert run()["SSEKMSKeyId"] == key


def test_names_with_spaces_and_slashes_find_their_keys(cloud: ServedCloud) -> None:
    key = cloud.key()
    name = bucket(cloud, key)
    cloud.client("s3").put_object(Bucket=name, Key="a folder/ä+b%2F.txt", Body=b"x")
    role, s3 = with_keys(cloud)
    assert refusal(lambda: s3.get_object(Bucket=name, Key="a folder/ä+b%2F.txt")) == denial(role, READ, key)
    _, s3 = with_keys(cloud, statement([READ, WRITE], key))
    s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "a folder/ä+b%2F.txt"})
    assert s3.get_object(Bucket=name, Key="copy")["Body"].read() == b"x"


def test_a_missing_object_is_missing_and_not_refused(cloud: ServedCloud) -> None:
    _, s3 = with_keys(cloud)
    assert refusal(lambda: s3.get_object(Bucket=bucket(cloud, cloud.key()), Key="none"))[0] == "NoSuchKey"


def test_a_bucket_policy_sees_the_role_behind_a_session(cloud: ServedCloud) -> None:
    name = bucket(cloud)
    allowed, other = (cloud.role(HUB, statement("s3:*"), path="/application/") for _ in range(2))
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": allowed.arn}},
    }
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=document(deny))
    assert cloud.client("s3", allowed).get_object(Bucket=name, Key="old")["Body"].read() == b"old"
    assert refusal(lambda: cloud.client("s3", other).get_object(Bucket=name, Key="old"))[0] == "AccessDenied"


@pytest.mark.parametrize("account", [HUB, TARGET])
@pytest.mark.parametrize("method", ["put_object", "create_multipart_upload"])
def test_a_bucket_policy_sees_the_key_that_a_write_states(cloud: ServedCloud, account: str, method: str) -> None:
    """Service Authorization Reference, Amazon S3: s3:x-amz-server-side-encryption-aws-kms-key-id."""
    use = {**statement("kms:*"), "Principal": root_of(TARGET)}
    key, other = cloud.key(use), cloud.key(use)
    name = bucket(cloud, key)
    header = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    objects = f"arn:aws:s3:::{name}/*"
    admit = {**statement("s3:PutObject", objects), "Principal": root_of(TARGET)}
    refuse = {
        **statement("s3:PutObject", objects),
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"StringNotEquals": {header: key}, "Null": {header: "false"}},
    }
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=document(admit, refuse))
    write = getattr(cloud.client("s3", cloud.role(account, statement("s3:*"), statement("kms:*"))), method)
    code, text = refusal(lambda: write(Bucket=name, Key="new", ServerSideEncryption="aws:kms", SSEKMSKeyId=other))
    assert code == "AccessDenied"
    assert "explicit deny" in text
    assert write(Bucket=name, Key="new", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert write(Bucket=name, Key="new")
