"""Launches: what they need, what they refuse, and the keys that they use."""

from typing import Any

import pytest

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
ONE = {"MinCount": 1, "MaxCount": 1}
RUN = "ec2:RunInstances"


def root_volume(**ebs: Any) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": ebs}]}


def further_volume(device: str = "/dev/sdf", **ebs: Any) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": device, "Ebs": ebs}]}


def test_a_launch_keeps_what_was_asked_for(ec2: Any) -> None:
    base = ec2.base(platform="windows")
    tags = [
        {"ResourceType": "instance", "Tags": [{"Key": "of", "Value": "instance"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "volume"}]},
    ]
    answer = ec2(
        "RunInstances",
        **ONE,
        **root_volume(VolumeSize=40, VolumeType="io2", Iops=4000, DeleteOnTermination=False),
        ImageId=base,
        InstanceType="m6i.large",
        SubnetId="subnet-1",
        SecurityGroupIds=["sg-web"],
        IamInstanceProfile={"Name": "web"},
        MetadataOptions={"HttpTokens": "required"},
        TagSpecifications=tags,
    )
    assert answer["OwnerId"] == HUB
    shown = answer["Instances"][0]
    assert (shown["ImageId"], shown["InstanceType"], shown["Platform"]) == (base, "m6i.large", "windows")
    assert (shown["SubnetId"], shown["VpcId"]) == ("subnet-1", "vpc-1")
    assert shown["SecurityGroups"] == [{"GroupId": "sg-web", "GroupName": "web"}]
    assert shown["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{HUB}:instance-profile/web"
    assert (shown["MetadataOptions"]["HttpTokens"], shown["MetadataOptions"]["HttpEndpoint"]) == ("required", "enabled")
    assert shown["Tags"] == [{"Key": "of", "Value": "instance"}]
    (volume,) = ec2.volumes(shown["InstanceId"])
    assert (volume["Size"], volume["VolumeType"], volume["Iops"], volume["Encrypted"]) == (40, "io2", 4000, False)
    assert "Throughput" not in volume
    assert volume["Attachments"][0]["DeleteOnTermination"] is False
    assert volume["Tags"] == [{"Key": "of", "Value": "volume"}]
    assert shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"] == volume["VolumeId"]


def test_an_instance_is_pending_until_the_clock_moves(ec2: Any) -> None:
    instance = ec2("RunInstances", ImageId=ec2.base(), **ONE)["Instances"][0]["InstanceId"]
    assert [ec2.instance(instance)["State"]["Name"] for _ in range(3)] == ["pending"] * 3
    ec2.settle()
    assert ec2.instance(instance)["State"] == {"Code": 16, "Name": "running"}


def test_a_launch_without_a_subnet_goes_to_the_default_vpc_and_group(ec2: Any) -> None:
    shown = ec2.instance(ec2.launched())
    assert (shown["SubnetId"], shown["VpcId"]) == ("subnet-1", "vpc-1")
    assert shown["SecurityGroups"] == [{"GroupId": "sg-default", "GroupName": "default"}]


def test_a_launch_without_a_subnet_needs_a_default_vpc(ec2: Any, gateway: Any) -> None:
    gateway.network.defaults = False
    error = ec2.refusal("RunInstances", ImageId=ec2.base(), **ONE)
    assert error.code == "VPCIdNotSpecified"


def test_a_network_interface_says_where_an_instance_goes(ec2: Any) -> None:
    interface = {"DeviceIndex": 0, "SubnetId": "subnet-2", "Groups": ["sg-far"]}
    shown = ec2.instance(ec2.launched(NetworkInterfaces=[interface]))
    assert (shown["SubnetId"], shown["VpcId"]) == ("subnet-2", "vpc-2")
    assert shown["SecurityGroups"][0]["GroupId"] == "sg-far"


@pytest.mark.parametrize(
    ("parameters", "code", "word"),
    [
        ({"SubnetId": "subnet-9"}, "InvalidSubnetID.NotFound", "subnet-9"),
        ({"SecurityGroupIds": ["sg-9"]}, "InvalidGroup.NotFound", "sg-9"),
        ({"SubnetId": "subnet-1", "SecurityGroupIds": ["sg-far"]}, "InvalidGroup.NotFound", "'sg-far'"),
        ({"IamInstanceProfile": {"Name": "none"}}, "InvalidParameterValue", "(none)"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 1}]}, "UnsupportedOperation", "network interface"),
        ({"MaxCount": 2}, "UnsupportedOperation", "one instance"),
        (root_volume(VolumeSize=4), "InvalidBlockDeviceMapping", "4GB"),
        (root_volume(KmsKeyId="alias/a"), "InvalidParameterDependency", "KmsKeyId"),
        (root_volume(SnapshotId="snap-1"), "UnsupportedOperation", "SnapshotId"),
        (root_volume(VolumeType="io1"), "InvalidParameterCombination", "iops must be specified for io1"),
        (root_volume(VolumeType="gp2", Iops=3000), "InvalidParameterCombination", "iops is not supported for gp2"),
        (root_volume(Iops=2999), "InvalidParameterValue", "iops of 2999 is too low; minimum is 3000"),
        (root_volume(VolumeType="io1", VolumeSize=10, Iops=501), "InvalidParameterValue", "maximum is 50.000000"),
        (root_volume(Throughput=751), "InvalidParameterValue", "maximum is 0.250000"),
        (root_volume(VolumeType="gp2", Throughput=125), "InvalidParameterCombination", "throughput is not supported"),
        (root_volume(VolumeType="st1"), "InvalidParameterValue", "too small; minimum is 125"),
        (root_volume(VolumeType="gp9"), "InvalidParameterValue", "gp9"),
        ({"InstanceInitiatedShutdownBehavior": "stop"}, "UnsupportedOperation", "InstanceInitiatedShutdownBehavior"),
        (further_volume(), "MissingParameter", "size or snapshotId"),
        (further_volume("nvme1n1", VolumeSize=1), "InvalidParameterValue", "nvme1n1 is not a valid EBS device name"),
        (further_volume(VolumeSize=1, VolumeType="st1"), "InvalidParameterValue", "too small; minimum is 125"),
        (further_volume(VolumeSize=4, VolumeType="io1"), "InvalidParameterCombination", "iops must be specified"),
        (further_volume(VolumeSize=1, KmsKeyId="alias/a"), "InvalidParameterDependency", "KmsKeyId"),
        (further_volume(SnapshotId="snap-1"), "UnsupportedOperation", "SnapshotId"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "NoDevice": ""}]}, "UnsupportedOperation", "NoDevice"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "VirtualName": "ephemeral0"}]}, "UnsupportedOperation",
         "VirtualName"),
        ({"BlockDeviceMappings": further_volume(VolumeSize=1)["BlockDeviceMappings"] * 2}, "InvalidBlockDeviceMapping",
         "'/dev/sdf' is used in more than one"),
        ({"TagSpecifications": [{"ResourceType": "image", "Tags": []}]}, "InvalidParameterValue", "'image'"),
        ({"DryRun": True}, "DryRunOperation", "would have succeeded"),
        ({"ImageId": "resolve:ssm:/missing"}, "InvalidAMIID.NotFound", "/missing"),
        ({"ImageId": "resolve:ssm:/closed"}, "AccessDeniedException", "/closed"),
    ],
)  # fmt: skip
def test_a_launch_that_cannot_be_is_refused_and_leaves_nothing(
    ec2: Any, parameters: dict[str, Any], code: str, word: str
) -> None:
    error = ec2.refusal("RunInstances", **{"ImageId": ec2.base(), **ONE, **parameters})
    assert error.code == code
    assert word in error.message
    assert ec2("DescribeInstances")["Reservations"] == []
    assert ec2("DescribeVolumes")["Volumes"] == []


def test_a_launch_names_its_image(ec2: Any) -> None:
    error = ec2.refusal("RunInstances", **ONE)
    assert error.code == "MissingParameter"
    assert "ImageId" in error.message


def test_an_image_that_is_still_pending_cannot_be_launched(ec2: Any) -> None:
    pending = ec2("CreateImage", InstanceId=ec2.launched(), Name="one")["ImageId"]
    error = ec2.refusal("RunInstances", ImageId=pending, **ONE)
    assert error.code == "InvalidAMIID.Unavailable"
    assert pending in error.message


def test_an_image_can_be_named_by_a_parameter(ec2: Any, gateway: Any) -> None:
    gateway.parameters["/golden/stable"] = ec2.made()
    instance = ec2.launched("resolve:ssm:/golden/stable")
    assert ec2.instance(instance)["ImageId"] == gateway.parameters["/golden/stable"]


def test_another_account_s_image_is_launched_only_while_it_is_shared(ec2: Any) -> None:
    image = ec2.made()
    assert ec2.refusal("RunInstances", account=TARGET, ImageId=image, **ONE).code == "InvalidAMIID.NotFound"
    ec2.share(image, TARGET)
    instance = ec2.launched(image, TARGET)
    assert ec2.instance(instance, TARGET)["State"]["Name"] == "running"
    removed = {"Remove": [{"UserId": TARGET}]}
    ec2("ModifyImageAttribute", ImageId=image, LaunchPermission=removed)
    assert ec2.refusal("RunInstances", account=TARGET, ImageId=image, **ONE).code == "InvalidAMIID.NotFound"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}::image/ami-"),
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}:{HUB}:instance/"),
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}:{HUB}:subnet/subnet-1"),
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}:{HUB}:security-group/sg-web"),
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}:{HUB}:network-interface/"),
        ("ec2:RunInstances", f"arn:aws:ec2:{HOME}:{HUB}:volume/"),
        ("ec2:CreateTags", f"arn:aws:ec2:{HOME}:{HUB}:instance/"),
        ("ec2:CreateTags", f"arn:aws:ec2:{HOME}:{HUB}:volume/"),
        ("iam:PassRole", f"arn:aws:iam::{HUB}:role/web"),
    ],
)
def test_a_launch_needs_each_of_its_permissions(ec2: Any, gateway: Any, action: str, resource: str) -> None:
    gateway.forbidden.append((action, f"{resource}*"))
    tags = [{"ResourceType": kind, "Tags": [{"Key": "a", "Value": "b"}]} for kind in ("instance", "volume")]
    profile = {"Arn": f"arn:aws:iam::{HUB}:instance-profile/web"}
    request = {"SecurityGroupIds": ["sg-web"], "IamInstanceProfile": profile, "TagSpecifications": tags}
    error = ec2.refusal("RunInstances", ImageId=ec2.base(), **ONE, **request)
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    assert f"{action} on resource: {resource}" in error.message
    assert ec2("DescribeInstances")["Reservations"] == []


def test_a_dry_run_is_refused_like_the_launch_itself(ec2: Any, gateway: Any) -> None:
    gateway.forbidden.append(("ec2:RunInstances", "*instance/*"))
    assert ec2.refusal("RunInstances", ImageId=ec2.base(), DryRun=True, **ONE).code == "UnauthorizedOperation"


def test_policies_see_what_a_launch_asks_for(ec2: Any, gateway: Any) -> None:
    image = ec2.made(gateway.kms.add())
    ec2("CreateTags", Resources=[image], Tags=[{"Key": "product", "Value": "ledger"}])
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "web"}]}]
    request = {"InstanceType": "c7i.large", "MetadataOptions": {"HttpTokens": "required"}, "TagSpecifications": tags}
    ec2.launched(image, IamInstanceProfile={"Name": "web"}, **request)
    of_image = gateway.context_of("ec2:RunInstances", "*image/*")
    assert (of_image["ec2:ResourceTag/product"], of_image["ec2:Owner"]) == ("ledger", HUB)
    assert of_image["ec2:Public"] == "false"
    of_instance = gateway.context_of("ec2:RunInstances", "*:instance/*")
    assert of_instance["ec2:InstanceType"] == "c7i.large"
    assert of_instance["ec2:MetadataHttpTokens"] == "required"
    assert of_instance["aws:RequestTag/team"] == "web"
    assert gateway.context_of("ec2:RunInstances", "*volume/*")["ec2:Encrypted"] == "true"
    assert gateway.context_of("iam:PassRole", "*")["iam:PassedToService"] == "ec2.amazonaws.com"
    assert gateway.context_of("ec2:CreateTags", "*instance/*")["ec2:CreateAction"] == "RunInstances"


def test_tags_of_a_shared_image_are_no_condition_keys_of_another_account(ec2: Any, gateway: Any) -> None:
    image = ec2.made()
    ec2("CreateTags", Resources=[image], Tags=[{"Key": "product", "Value": "ledger"}])
    ec2.share(image, TARGET)
    ec2.launched(image, TARGET)
    assert "ec2:ResourceTag/product" not in gateway.context_of("ec2:RunInstances", "*image/*")


def test_a_client_token_launches_once(ec2: Any) -> None:
    request = {"ImageId": ec2.base(), "ClientToken": "once", **ONE}
    first = ec2("RunInstances", **request)
    again = ec2("RunInstances", **request)
    assert again["ReservationId"] == first["ReservationId"]
    assert again["Instances"][0]["InstanceId"] == first["Instances"][0]["InstanceId"]
    assert len(ec2("DescribeInstances")["Reservations"]) == 1
    assert ec2("RunInstances", TARGET, **request)["ReservationId"] != first["ReservationId"]


def test_a_launch_of_an_encrypted_image_reads_its_data_key_and_grants_its_use_via_ec2(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    image = ec2.made(key)
    ec2.share(image, TARGET)
    gateway.kms.calls.clear()
    instance = ec2.launched(image, TARGET)
    assert [(call.operation, call.key) for call in gateway.kms.calls] == [
        ("DescribeKey", key),
        ("Decrypt", key),
        ("CreateGrant", key),
    ]
    callers = {(call.account, call.region, call.via) for call in gateway.kms.calls}
    assert callers == {(TARGET, HOME, "ec2.us-east-1.amazonaws.com")}
    assert ec2.volumes(instance, TARGET)[0]["KmsKeyId"] == key


def test_a_launch_under_another_key_re_encrypts_from_the_image_s_key(ec2: Any, gateway: Any) -> None:
    old, new = gateway.kms.add(), gateway.kms.add()
    image = ec2.made(old)
    gateway.kms.calls.clear()
    instance = ec2.launched(image, **root_volume(Encrypted=True, KmsKeyId=new))
    assert gateway.kms.used() == [
        ("DescribeKey", new),
        ("ReEncryptFrom", old),
        ("ReEncryptTo", new),
        ("CreateGrant", new),
    ]
    assert ec2.volumes(instance)[0]["KmsKeyId"] == new


def test_a_launch_of_an_unencrypted_image_can_be_encrypted(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    instance = ec2.launched(**root_volume(Encrypted=True, KmsKeyId=key))
    assert gateway.kms.used() == [
        ("DescribeKey", key),
        ("GenerateDataKeyWithoutPlaintext", key),
        ("CreateGrant", key),
    ]
    assert ec2.volumes(instance)[0]["KmsKeyId"] == key


def test_a_launch_under_the_account_s_default_key_still_needs_the_image_s_key(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    image = ec2.made(key)
    gateway.kms.refused.add(("Decrypt", key))
    instance = ec2.launched(image, **root_volume(Encrypted=True, KmsKeyId="alias/aws/ebs"))
    assert ec2.instance(instance)["State"]["Name"] == "terminated"


def test_a_launch_of_an_unencrypted_image_uses_no_key(ec2: Any, gateway: Any) -> None:
    ec2.launched(ec2.made())
    assert gateway.kms.calls == []


@pytest.mark.parametrize("operation", ["DescribeKey", "Decrypt", "CreateGrant"])
def test_an_instance_whose_caller_may_not_use_the_key_is_launched_and_then_terminated(
    ec2: Any, gateway: Any, operation: str
) -> None:
    key = gateway.kms.add()
    image = ec2.made(key)
    gateway.kms.refused.add((operation, key))
    shown = ec2("RunInstances", ImageId=image, **ONE)["Instances"][0]
    assert shown["State"]["Name"] == "pending"
    assert "StateReason" not in ec2.instance(shown["InstanceId"])
    ec2.settle()
    ended = ec2.instance(shown["InstanceId"])
    assert ended["State"] == {"Code": 48, "Name": "terminated"}
    assert ended["StateReason"]["Code"] == "Client.InternalError"
    assert ended["StateReason"]["Message"].startswith("Client.InternalError: Client error on launch")
    assert f"kms:{operation} on {key}" in ended["StateReason"]["Message"]
    assert ended["BlockDeviceMappings"] == []
    assert ec2.volumes(shown["InstanceId"]) == []


def test_an_instance_under_a_disabled_key_is_terminated(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    image = ec2.made(key)
    gateway.kms.keys[key] = "PendingDeletion"
    instance = ec2.launched(image)
    assert f"{key} is PendingDeletion" in ec2.instance(instance)["StateReason"]["Message"]


def test_a_volume_of_an_encrypted_image_cannot_be_unencrypted(ec2: Any, gateway: Any) -> None:
    image = ec2.made(gateway.kms.add())
    error = ec2.refusal("RunInstances", ImageId=image, **ONE, **root_volume(Encrypted=False))
    assert error.code == "InvalidParameterValue"


def test_a_launch_makes_further_volumes_that_the_image_does_not_bring(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    mappings = [
        *further_volume(VolumeSize=125, VolumeType="st1", Encrypted=True, KmsKeyId=key)["BlockDeviceMappings"],
        *further_volume("/dev/sdg", VolumeSize=1, DeleteOnTermination=False)["BlockDeviceMappings"],
    ]
    instance = ec2.launched(BlockDeviceMappings=mappings)
    root, cold, kept = ec2.volumes(instance)
    assert [volume["Attachments"][0]["Device"] for volume in (root, cold, kept)] == [
        "/dev/xvda",
        "/dev/sdf",
        "/dev/sdg",
    ]
    assert (cold["Size"], cold["VolumeType"], cold["Encrypted"], cold["KmsKeyId"]) == (125, "st1", True, key)
    assert (kept["Size"], kept["VolumeType"], kept["Encrypted"], kept["SnapshotId"]) == (1, "gp2", False, "")
    assert gateway.kms.used() == [("DescribeKey", key), ("GenerateDataKeyWithoutPlaintext", key), ("CreateGrant", key)]
    asked = [keys["ec2:Encrypted"] for action, arn, keys in gateway.asked if action == RUN and ":volume/" in arn]
    assert asked == ["false", "true", "false"]
    ec2("TerminateInstances", InstanceIds=[instance])
    assert [volume["VolumeId"] for volume in ec2("DescribeVolumes")["Volumes"]] == [kept["VolumeId"]]


def test_further_volumes_whose_key_may_not_be_used_end_the_instance(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    gateway.kms.refused.add(("CreateGrant", key))
    instance = ec2.launched(**further_volume(VolumeSize=1, Encrypted=True, KmsKeyId=key))
    shown = ec2.instance(instance)
    assert (shown["State"]["Name"], shown["StateReason"]["Code"]) == ("terminated", "Client.InternalError")


def test_an_instance_has_the_architecture_of_its_image_and_so_have_images_made_of_it(ec2: Any) -> None:
    base = ec2.base(architecture="arm64")
    instance = ec2.launched(base, InstanceType="m7g.large")
    assert ec2.instance(instance)["Architecture"] == "arm64"
    image = ec2("CreateImage", InstanceId=instance, Name="made")["ImageId"]
    ec2.settle()
    copy = ec2("CopyImage", SourceImageId=image, SourceRegion=HOME, Name="copy")["ImageId"]
    assert [ec2.image(one)["Architecture"] for one in (base, image, copy)] == ["arm64"] * 3


@pytest.mark.parametrize(("architecture", "instance_type"), [("arm64", "m5.large"), ("x86_64", "m7g.large")])
def test_an_instance_type_runs_images_for_its_processors_only(ec2: Any, architecture: str, instance_type: str) -> None:
    base = ec2.base(architecture=architecture)
    error = ec2.refusal("RunInstances", ImageId=base, InstanceType=instance_type, **ONE)
    assert (error.code, f"architecture '{architecture}' of the specified AMI" in error.message) == (
        "InvalidParameterValue",
        True,
    )
