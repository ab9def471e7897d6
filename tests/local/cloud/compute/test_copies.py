"""Copies of images across Regions and accounts, and the keys that they need."""

from typing import Any

import pytest

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"


def copied(ec2: Any, image: str, account: str = HUB, region: str = HOME, source: str = HOME, **more: Any) -> str:
    request = {"SourceImageId": image, "SourceRegion": source, "Name": "copy", **more}
    made = ec2("CopyImage", account, region, **request)["ImageId"]
    ec2.settle()
    return made


def test_a_copy_belongs_to_its_caller_in_the_region_of_the_call_and_names_its_source(ec2: Any) -> None:
    source = ec2.made()
    ec2.share(source, TARGET)
    copy = ec2.image(copied(ec2, source, TARGET, AWAY, Description="theirs"), TARGET, AWAY)
    assert (copy["OwnerId"], copy["State"], copy["Description"]) == (TARGET, "available", "theirs")
    assert (copy["SourceImageId"], copy["SourceImageRegion"]) == (source, HOME)
    assert copy["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] != ec2.snapshot(source)["SnapshotId"]


def test_an_image_and_its_copy_keep_what_was_asked_of_their_volume(ec2: Any) -> None:
    asked = {"VolumeSize": 40, "Iops": 4_000, "Throughput": 500, "DeleteOnTermination": False}
    instance = ec2.launched(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": asked}])
    image = ec2("CreateImage", InstanceId=instance, Name="made")["ImageId"]
    ec2.settle()
    for one, region in ((image, HOME), (copied(ec2, image, region=AWAY), AWAY)):
        assert asked.items() <= ec2.image(one, region=region)["BlockDeviceMappings"][0]["Ebs"].items()
        (volume,) = ec2.volumes(ec2.launched(one, region=region), region=region)
        assert (volume["Iops"], volume["Throughput"]) == (4_000, 500)


def test_further_volumes_are_snapshot_copied_and_launched_each_under_the_key_of_its_region(
    ec2: Any, gateway: Any
) -> None:
    own, away, theirs = gateway.kms.add(), gateway.kms.add(region=AWAY), gateway.kms.add(TARGET)
    mappings = [
        {"DeviceName": device, "Ebs": {"VolumeSize": size, "Encrypted": True, "KmsKeyId": own}}
        for device, size in (("/dev/xvda", 8), ("/dev/sdf", 20))
    ]
    instance = ec2.launched(BlockDeviceMappings=mappings)
    image = ec2("CreateImage", InstanceId=instance, Name="made")["ImageId"]
    ec2.settle()
    ec2.share(image, TARGET)
    snapshots = [device["Ebs"]["SnapshotId"] for device in ec2.image(image)["BlockDeviceMappings"]]
    permission = {"Add": [{"UserId": TARGET}]}
    ec2("ModifySnapshotAttribute", SnapshotId=snapshots[1], CreateVolumePermission=permission)
    places = [
        (image, HUB, HOME, own),
        (copied(ec2, image, region=AWAY, KmsKeyId=away), HUB, AWAY, away),
        (copied(ec2, image, TARGET, KmsKeyId=theirs), TARGET, HOME, theirs),
    ]
    for one, account, region, key in places:
        devices = ec2.image(one, account, region)["BlockDeviceMappings"]
        sizes = [(device["DeviceName"], device["Ebs"]["VolumeSize"], device["Ebs"]["Encrypted"]) for device in devices]
        assert sizes == [("/dev/xvda", 8, True), ("/dev/sdf", 20, True)]
        volumes = ec2.volumes(ec2.launched(one, account, region), account, region)
        assert [(volume["Size"], volume["KmsKeyId"]) for volume in volumes] == [(8, key), (20, key)]


def test_another_account_copies_only_an_image_all_of_whose_snapshots_are_shared_with_it(ec2: Any) -> None:
    instance = ec2.launched(BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}])
    image = ec2("CreateImage", InstanceId=instance, Name="made")["ImageId"]
    ec2.settle()
    ec2.share(image, TARGET)
    refusal = ec2.refusal("CopyImage", account=TARGET, SourceImageId=image, SourceRegion=HOME, Name="copy")
    assert "permission to access the storage" in refusal.message


def test_another_type_of_volume_takes_nothing_of_what_was_asked_of_the_image_s(ec2: Any) -> None:
    asked = {"VolumeSize": 40, "Iops": 4_000, "Throughput": 500}
    instance = ec2.launched(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": asked}])
    image = ec2("CreateImage", InstanceId=instance, Name="made")["ImageId"]
    ec2.settle()
    other = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp2"}}]
    (volume,) = ec2.volumes(ec2.launched(image, BlockDeviceMappings=other))
    assert (volume["VolumeType"], volume.get("Iops"), volume.get("Throughput")) == ("gp2", None, None)


def test_a_copy_is_pending_until_the_clock_moves(ec2: Any) -> None:
    source = ec2.made()
    copy = ec2("CopyImage", SourceImageId=source, SourceRegion=HOME, Name="copy")["ImageId"]
    assert [ec2.image(copy)["State"] for _ in range(3)] == ["pending"] * 3
    ec2.settle()
    assert ec2.image(copy)["State"] == "available"


def test_a_copy_of_an_unencrypted_image_uses_no_key_and_stays_unencrypted(ec2: Any, gateway: Any) -> None:
    copy = copied(ec2, ec2.made())
    assert ec2.image(copy)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is False
    assert gateway.kms.calls == []


def test_a_copy_of_an_unencrypted_image_can_be_encrypted(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    copy = copied(ec2, ec2.made(), Encrypted=True, KmsKeyId=key)
    assert ec2.snapshot(copy)["KmsKeyId"] == key
    assert gateway.kms.used() == [
        ("DescribeKey", key),
        ("GenerateDataKeyWithoutPlaintext", key),
        ("CreateGrant", key),
    ]


def test_a_copy_within_a_region_re_encrypts_from_the_source_s_key_to_the_new_one(ec2: Any, gateway: Any) -> None:
    old, new = gateway.kms.add(), gateway.kms.add()
    source = ec2.made(old)
    gateway.kms.calls.clear()
    copy = copied(ec2, source, KmsKeyId=new)
    assert ec2.snapshot(copy)["KmsKeyId"] == new
    assert gateway.kms.used() == [
        ("DescribeKey", new),
        ("ReEncryptFrom", old),
        ("ReEncryptTo", new),
        ("CreateGrant", new),
    ]


def test_a_copy_to_another_region_uses_each_key_in_its_own_region_via_ec2_there(ec2: Any, gateway: Any) -> None:
    here, there = gateway.kms.add(region=HOME), gateway.kms.add(region=AWAY)
    source = ec2.made(here)
    gateway.kms.calls.clear()
    copy = copied(ec2, source, region=AWAY, KmsKeyId=there)
    assert ec2.snapshot(copy, region=AWAY)["KmsKeyId"] == there
    assert [(call.operation, call.key, call.region, call.via) for call in gateway.kms.calls] == [
        ("DescribeKey", there, AWAY, f"ec2.{AWAY}.amazonaws.com"),
        ("Decrypt", here, HOME, f"ec2.{HOME}.amazonaws.com"),
        ("GenerateDataKeyWithoutPlaintext", there, AWAY, f"ec2.{AWAY}.amazonaws.com"),
        ("CreateGrant", there, AWAY, f"ec2.{AWAY}.amazonaws.com"),
    ]


def test_a_copy_by_another_account_uses_both_keys_as_that_account(ec2: Any, gateway: Any) -> None:
    old, new = gateway.kms.add(HUB), gateway.kms.add(HUB)
    source = ec2.made(old)
    ec2.share(source, TARGET)
    gateway.kms.calls.clear()
    copy = copied(ec2, source, TARGET, KmsKeyId=new)
    assert ec2.snapshot(copy, TARGET)["KmsKeyId"] == new
    assert ec2.snapshot(copy, TARGET)["OwnerId"] == TARGET
    assert {call.account for call in gateway.kms.calls} == {TARGET}


def test_a_copy_of_an_encrypted_image_goes_under_the_account_s_default_key_where_none_is_named(
    ec2: Any, gateway: Any
) -> None:
    key = gateway.kms.add()
    source = ec2.made(key)
    gateway.kms.calls.clear()
    copy = copied(ec2, source)
    assert ec2.snapshot(copy)["KmsKeyId"] == f"arn:aws:kms:{HOME}:{HUB}:alias/aws/ebs"
    assert gateway.kms.used() == [("Decrypt", key)]


@pytest.mark.parametrize("named", ["key", "id", "alias", "alias arn"])
def test_a_key_can_be_named_by_arn_id_or_alias_and_its_arn_is_what_is_kept(ec2: Any, gateway: Any, named: str) -> None:
    key = gateway.kms.add()
    alias = f"arn:aws:kms:{HOME}:{HUB}:alias/images"
    gateway.kms.aliases[alias] = key
    names = {"key": key, "id": key.rpartition("/")[2], "alias": "alias/images", "alias arn": alias}
    copy = copied(ec2, ec2.made(), Encrypted=True, KmsKeyId=names[named])
    assert ec2.image(copy)["State"] == "available"
    assert ec2.snapshot(copy)["KmsKeyId"] == key
    assert gateway.kms.used()[-1] == ("CreateGrant", key)


@pytest.mark.parametrize("operation", ["DescribeKey", "ReEncryptTo", "CreateGrant"])
def test_a_copy_whose_caller_may_not_use_the_new_key_is_answered_and_fails(
    ec2: Any, gateway: Any, operation: str
) -> None:
    old, new = gateway.kms.add(), gateway.kms.add()
    source = ec2.made(old)
    gateway.kms.refused.add((operation, new))
    made = ec2("CopyImage", SourceImageId=source, SourceRegion=HOME, Name="copy", KmsKeyId=new)["ImageId"]
    assert ec2.image(made)["State"] == "pending"
    assert "StateReason" not in ec2.image(made)
    ec2.settle()
    failed = ec2.image(made)
    assert failed["State"] == "failed"
    assert failed["StateReason"]["Code"] == "Client.InternalError"
    assert failed["StateReason"]["Message"].startswith("Given key ID is not accessible")
    assert f"kms:{operation} on {new}" in failed["StateReason"]["Message"]
    snapshot = ec2.snapshot(made)
    assert snapshot["State"] == "error"
    assert "Given key ID is not accessible" in snapshot["StateMessage"]


@pytest.mark.parametrize(("region", "operation"), [(HOME, "ReEncryptFrom"), (AWAY, "Decrypt")])
def test_a_copy_whose_caller_may_not_use_the_source_s_key_fails(
    ec2: Any, gateway: Any, region: str, operation: str
) -> None:
    old, new = gateway.kms.add(), gateway.kms.add(region=region)
    source = ec2.made(old)
    gateway.kms.refused.add((operation, old))
    failed = ec2.image(copied(ec2, source, region=region, KmsKeyId=new), region=region)
    assert failed["State"] == "failed"
    assert f"kms:{operation} on {old}" in failed["StateReason"]["Message"]


def test_a_copy_under_a_disabled_key_fails_and_says_so(ec2: Any, gateway: Any) -> None:
    source, key = ec2.made(), gateway.kms.add()
    gateway.kms.keys[key] = "Disabled"
    failed = ec2.image(copied(ec2, source, KmsKeyId=key))
    assert failed["State"] == "failed"
    assert f"{key} is Disabled" in failed["StateReason"]["Message"]


def test_a_copy_under_a_key_of_another_region_fails(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add(region=AWAY)
    failed = ec2.image(copied(ec2, ec2.made(), Encrypted=True, KmsKeyId=key))
    assert failed["State"] == "failed"
    assert f"{key} does not exist in {HOME}" in failed["StateReason"]["Message"]


def test_a_failed_image_can_be_neither_launched_nor_copied(ec2: Any, gateway: Any) -> None:
    failed = copied(ec2, ec2.made(), Encrypted=True, KmsKeyId=f"arn:aws:kms:{HOME}:{HUB}:key/none")
    for operation, parameters in [
        ("RunInstances", {"ImageId": failed, "MinCount": 1, "MaxCount": 1}),
        ("CopyImage", {"SourceImageId": failed, "SourceRegion": HOME, "Name": "again"}),
    ]:
        error = ec2.refusal(operation, **parameters)
        assert error.code == "InvalidAMIID.Unavailable"
        assert failed in error.message


def test_an_image_that_is_still_pending_cannot_be_copied(ec2: Any) -> None:
    pending = ec2("CreateImage", InstanceId=ec2.launched(), Name="one")["ImageId"]
    error = ec2.refusal("CopyImage", SourceImageId=pending, SourceRegion=HOME, Name="copy")
    assert error.code == "InvalidAMIID.Unavailable"


def test_another_account_s_image_is_copied_only_with_launch_permission(ec2: Any) -> None:
    source = ec2.made()
    request = {"SourceImageId": source, "SourceRegion": HOME, "Name": "copy"}
    assert ec2.refusal("CopyImage", account=TARGET, **request).code == "InvalidAMIID.NotFound"
    ec2.share(source, OTHER)
    assert ec2.refusal("CopyImage", account=TARGET, **request).code == "InvalidAMIID.NotFound"


def test_another_account_s_image_is_copied_only_with_permission_on_its_storage(ec2: Any) -> None:
    source = ec2.made()
    ec2.share(source, TARGET, storage=False)
    request = {"SourceImageId": source, "SourceRegion": HOME, "Name": "copy"}
    error = ec2.refusal("CopyImage", account=TARGET, **request)
    assert error.code == "InvalidRequest"
    assert error.message == f"You do not have permission to access the storage of this ami: {source}"
    assert ec2("DescribeImages", TARGET, Owners=["self"])["Images"] == []


def test_everybody_can_copy_a_public_image(ec2: Any) -> None:
    copy = copied(ec2, ec2.base(), TARGET)
    assert ec2.image(copy, TARGET)["State"] == "available"


def test_an_encrypted_image_is_never_copied_to_an_unencrypted_one(ec2: Any, gateway: Any) -> None:
    source = ec2.made(gateway.kms.add())
    copy = copied(ec2, source, Encrypted=False)
    assert ec2.image(copy)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_a_key_for_a_copy_that_shall_not_be_encrypted_is_refused(ec2: Any, gateway: Any) -> None:
    request = {"SourceImageId": ec2.made(), "SourceRegion": HOME, "Name": "copy"}
    error = ec2.refusal("CopyImage", **request, Encrypted=False, KmsKeyId=gateway.kms.add())
    assert error.code == "InvalidParameterCombination"
    assert "KmsKeyId" in error.message


def test_a_client_token_makes_one_copy_in_its_account_and_region(ec2: Any) -> None:
    source = ec2.made()
    request = {"SourceImageId": source, "SourceRegion": HOME, "Name": "copy", "ClientToken": "once"}
    first = ec2("CopyImage", **request)["ImageId"]
    assert ec2("CopyImage", **request)["ImageId"] == first
    assert len(ec2("DescribeImages", Owners=["self"])["Images"]) == 2
    assert ec2("CopyImage", region=AWAY, **request)["ImageId"] != first
    assert ec2.launched(source, ClientToken="once").startswith("i-")


def test_a_copy_takes_the_tags_of_an_own_image_when_asked(ec2: Any) -> None:
    source = ec2.made()
    ec2("CreateTags", Resources=[source], Tags=[{"Key": "a", "Value": "old"}, {"Key": "b", "Value": "old"}])
    tags = [
        {"ResourceType": "image", "Tags": [{"Key": "a", "Value": "new"}]},
        {"ResourceType": "snapshot", "Tags": [{"Key": "s", "Value": "new"}]},
    ]
    plain = copied(ec2, source, Name="plain")
    tagged = copied(ec2, source, Name="tagged", CopyImageTags=True, TagSpecifications=tags)
    assert ec2.image(plain)["Tags"] == []
    assert ec2.image(tagged)["Tags"] == [{"Key": "a", "Value": "new"}, {"Key": "b", "Value": "old"}]
    assert ec2.snapshot(tagged)["Tags"] == [{"Key": "s", "Value": "new"}]


def test_a_copy_does_not_take_the_tags_of_a_shared_image(ec2: Any) -> None:
    source = ec2.made()
    ec2("CreateTags", Resources=[source], Tags=[{"Key": "a", "Value": "old"}])
    ec2.share(source, TARGET)
    assert ec2.image(copied(ec2, source, TARGET, CopyImageTags=True), TARGET)["Tags"] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ec2:CopyImage", f"arn:aws:ec2:{AWAY}::image/"),
        ("ec2:CopyImage", f"arn:aws:ec2:{AWAY}::snapshot/"),
        ("ec2:CreateTags", f"arn:aws:ec2:{AWAY}::image/"),
        ("ec2:CreateTags", f"arn:aws:ec2:{AWAY}::snapshot/"),
    ],
)
def test_copy_image_needs_each_of_its_permissions(ec2: Any, gateway: Any, action: str, resource: str) -> None:
    source = ec2.made()
    gateway.forbidden.append((action, f"{resource}*"))
    tags = [{"ResourceType": kind, "Tags": [{"Key": "a", "Value": "b"}]} for kind in ("image", "snapshot")]
    request = {"SourceImageId": source, "SourceRegion": HOME, "Name": "copy", "TagSpecifications": tags}
    error = ec2.refusal("CopyImage", region=AWAY, **request)
    assert error.code == "UnauthorizedOperation"
    assert f"{action} on resource: {resource}" in error.message
    assert ec2("DescribeSnapshots", region=AWAY)["Snapshots"] == []


def test_a_copy_s_name_must_be_free(ec2: Any) -> None:
    source = ec2.made(name="one")
    error = ec2.refusal("CopyImage", SourceImageId=source, SourceRegion=HOME, Name="one")
    assert error.code == "InvalidAMIName.Duplicate"
    assert "one" in error.message
