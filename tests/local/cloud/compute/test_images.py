"""Images: made, described, tagged, taken back."""

from typing import Any

import pytest

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"


def test_an_image_of_an_instance_has_its_platform_devices_and_tags(ec2: Any) -> None:
    instance = ec2.launched(ec2.base(platform="windows", size=30))
    tags = [
        {"ResourceType": "image", "Tags": [{"Key": "of", "Value": "image"}]},
        {"ResourceType": "snapshot", "Tags": [{"Key": "of", "Value": "snapshot"}]},
    ]
    made = ec2("CreateImage", InstanceId=instance, Name="one", Description="first", TagSpecifications=tags)["ImageId"]
    shown = ec2.image(made)
    assert (shown["Name"], shown["Description"], shown["Platform"]) == ("one", "first", "windows")
    assert (shown["OwnerId"], shown["Public"], shown["SourceInstanceId"]) == (HUB, False, instance)
    assert shown["Tags"] == [{"Key": "of", "Value": "image"}]
    assert shown["BlockDeviceMappings"][0]["DeviceName"] == "/dev/xvda"
    assert shown["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 30
    assert ec2.snapshot(made)["Tags"] == [{"Key": "of", "Value": "snapshot"}]


def test_an_image_and_its_snapshot_are_pending_until_the_clock_moves(ec2: Any) -> None:
    instance = ec2.launched()
    made = ec2("CreateImage", InstanceId=instance, Name="one")["ImageId"]
    for _ in range(3):
        assert ec2.image(made)["State"] == "pending"
        assert ec2.snapshot(made)["State"] == "pending"
    ec2.settle()
    assert ec2.image(made)["State"] == "available"
    assert ec2.snapshot(made)["State"] == "completed"


def test_an_image_inherits_the_encryption_of_the_instance_s_volume(ec2: Any, gateway: Any) -> None:
    key = gateway.kms.add()
    made = ec2.made(key)
    assert ec2.image(made)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert ec2.snapshot(made)["KmsKeyId"] == key


def test_an_image_of_an_unencrypted_volume_is_unencrypted(ec2: Any) -> None:
    made = ec2.made()
    assert ec2.image(made)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is False
    assert "KmsKeyId" not in ec2.snapshot(made)


def test_an_image_can_be_made_of_a_stopped_instance(ec2: Any) -> None:
    instance = ec2.launched()
    ec2("StopInstances", InstanceIds=[instance])
    ec2.settle()
    assert ec2("CreateImage", InstanceId=instance, Name="one")["ImageId"].startswith("ami-")


def test_no_image_is_made_of_a_terminated_instance(ec2: Any) -> None:
    instance = ec2.launched()
    ec2("TerminateInstances", InstanceIds=[instance])
    error = ec2.refusal("CreateImage", InstanceId=instance, Name="one")
    assert error.code == "IncorrectState"
    assert instance in error.message


def test_an_image_name_is_used_once_per_account_and_region(ec2: Any) -> None:
    first = ec2.made(name="one")
    error = ec2.refusal("CreateImage", InstanceId=ec2.launched(), Name="one")
    assert error.code == "InvalidAMIName.Duplicate"
    assert first in error.message
    assert ec2.made(name="one", account=TARGET)
    assert ec2.made(name="one", region=AWAY)


def test_another_account_s_instance_does_not_exist_for_create_image(ec2: Any) -> None:
    instance = ec2.launched()
    error = ec2.refusal("CreateImage", account=TARGET, InstanceId=instance, Name="one")
    assert error.code == "InvalidInstanceID.NotFound"
    assert instance in error.message


@pytest.mark.parametrize(
    ("action", "pattern"),
    [
        ("ec2:CreateImage", "arn:aws:ec2:us-east-1:111111111111:instance/i-*"),
        ("ec2:CreateImage", "arn:aws:ec2:us-east-1::image/[*]"),
        ("ec2:CreateImage", "arn:aws:ec2:us-east-1::snapshot/[*]"),
        ("ec2:CreateTags", "arn:aws:ec2:us-east-1::image/[*]"),
        ("ec2:CreateTags", "arn:aws:ec2:us-east-1::snapshot/[*]"),
    ],
)
def test_create_image_needs_each_of_its_permissions(ec2: Any, gateway: Any, action: str, pattern: str) -> None:
    instance = ec2.launched()
    gateway.forbidden.append((action, pattern))
    tags = [{"ResourceType": kind, "Tags": [{"Key": "a", "Value": "b"}]} for kind in ("image", "snapshot")]
    error = ec2.refusal("CreateImage", InstanceId=instance, Name="one", TagSpecifications=tags)
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    assert f"{action} on resource: {pattern.partition('[')[0].rstrip('*')}" in error.message
    assert ec2("DescribeImages", Owners=["self"])["Images"] == []


def test_tags_at_creation_are_asked_for_with_their_create_action(ec2: Any, gateway: Any) -> None:
    tags = [{"ResourceType": "image", "Tags": [{"Key": "team", "Value": "web"}]}]
    ec2("CreateImage", InstanceId=ec2.launched(), Name="one", TagSpecifications=tags)
    keys = gateway.context_of("ec2:CreateTags", "*image/[*]")
    assert keys["ec2:CreateAction"] == "CreateImage"
    assert keys["aws:RequestTag/team"] == "web"
    assert keys["aws:TagKeys"] == ["team"]


def test_a_kind_that_an_operation_does_not_make_cannot_be_tagged_by_it(ec2: Any) -> None:
    instance = ec2.launched()
    for kind in ("instance", "fleet"):
        tags = [{"ResourceType": kind, "Tags": [{"Key": "a", "Value": "b"}]}]
        error = ec2.refusal("CreateImage", InstanceId=instance, Name="one", TagSpecifications=tags)
        assert error.code == "InvalidParameterValue"
        assert f"'{kind}'" in error.message


@pytest.mark.parametrize(
    ("operation", "parameters", "stranger"),
    [
        ("CreateImage", {"InstanceId": "i-1", "Name": "one", "DryRun": True}, "DryRun"),
        ("CopyImage", {"Name": "one", "SourceImageId": "ami-1", "SourceRegion": HOME, "DestinationOutpostArn": "a"},
         "DestinationOutpostArn"),
        ("DeregisterImage", {"ImageId": "ami-1", "DryRun": True}, "DryRun"),
        ("DescribeImages", {"DryRun": True}, "DryRun"),
        ("DescribeImageAttribute", {"ImageId": "ami-1", "Attribute": "description", "DryRun": True}, "DryRun"),
        ("ModifyImageAttribute", {"ImageId": "ami-1", "ImdsSupport": {"Value": "v2.0"}}, "ImdsSupport"),
        ("ResetImageAttribute", {"ImageId": "ami-1", "Attribute": "launchPermission", "DryRun": True}, "DryRun"),
        ("DescribeSnapshots", {"DryRun": True}, "DryRun"),
        ("DescribeSnapshotAttribute", {"SnapshotId": "s", "Attribute": "createVolumePermission", "DryRun": True},
         "DryRun"),
        ("ModifySnapshotAttribute", {"SnapshotId": "s", "GroupNames": ["all"]}, "GroupNames"),
        ("DeleteSnapshot", {"SnapshotId": "s", "DryRun": True}, "DryRun"),
        ("RunInstances", {"MinCount": 1, "MaxCount": 1, "KeyName": "k", "EbsOptimized": True}, "EbsOptimized, KeyName"),
        ("DescribeInstances", {"DryRun": True}, "DryRun"),
        ("DescribeInstanceStatus", {"Filters": []}, "Filters"),
        ("StopInstances", {"InstanceIds": ["i-1"], "Hibernate": True}, "Hibernate"),
        ("StartInstances", {"InstanceIds": ["i-1"], "AdditionalInfo": "a"}, "AdditionalInfo"),
        ("TerminateInstances", {"InstanceIds": ["i-1"], "DryRun": True}, "DryRun"),
        ("DescribeVolumes", {"DryRun": True}, "DryRun"),
        ("CreateTags", {"Resources": ["ami-1"], "Tags": [], "DryRun": True}, "DryRun"),
        ("DeleteTags", {"Resources": ["ami-1"], "DryRun": True}, "DryRun"),
    ],
)  # fmt: skip
def test_a_parameter_that_is_not_heeded_is_an_error_that_names_it(
    ec2: Any, operation: str, parameters: dict[str, Any], stranger: str
) -> None:
    error = ec2.refusal(operation, **parameters)
    assert error.code == "UnsupportedOperation"
    assert error.message == f"The local cloud's {operation} does not heed {stranger}."


def test_create_image_does_not_pretend_to_heed_block_device_mappings(ec2: Any) -> None:
    mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20}}]
    error = ec2.refusal("CreateImage", InstanceId=ec2.launched(), Name="one", BlockDeviceMappings=mappings)
    assert error.code == "UnsupportedOperation"
    assert "BlockDeviceMappings" in error.message


@pytest.mark.parametrize("operation", ["RegisterImage", "CopySnapshot", "CreateVolume", "DescribeTags", "ImportImage"])
def test_an_operation_that_is_not_done_names_itself_and_is_not_left_to_ministack(ec2: Any, operation: str) -> None:
    from local.cloud.call import Call, Caller, Credentials, ServiceError

    caller = Caller(HUB, "arn", Credentials(HUB, "secret"))
    with pytest.raises(ServiceError, match=f"does not do ec2:{operation}"):
        ec2.compute.operations[operation](Call("ec2", operation, HOME, caller, {}))


def test_a_deregistered_image_is_gone_and_its_snapshot_stays(ec2: Any) -> None:
    made = ec2.made()
    snapshot = ec2.snapshot(made)["SnapshotId"]
    answer = ec2("DeregisterImage", ImageId=made)
    assert answer == {"Return": True, "DeleteSnapshotResults": []}
    assert ec2.refusal("DescribeImages", ImageIds=[made]).code == "InvalidAMIID.NotFound"
    assert ec2("DescribeSnapshots", SnapshotIds=[snapshot])["Snapshots"][0]["State"] == "completed"


def test_an_image_s_snapshots_go_with_it_when_asked(ec2: Any) -> None:
    made = ec2.made()
    snapshot = ec2.snapshot(made)["SnapshotId"]
    answer = ec2("DeregisterImage", ImageId=made, DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "success"}]
    assert ec2.refusal("DescribeSnapshots", SnapshotIds=[snapshot]).code == "InvalidSnapshot.NotFound"


def test_snapshots_stay_where_the_caller_may_not_delete_them(ec2: Any, gateway: Any) -> None:
    made = ec2.made()
    snapshot = ec2.snapshot(made)["SnapshotId"]
    gateway.forbidden.append(("ec2:DeleteSnapshot", f"*{snapshot}"))
    answer = ec2("DeregisterImage", ImageId=made, DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "missing-permissions"}]
    assert ec2("DescribeSnapshots", SnapshotIds=[snapshot])["Snapshots"]


@pytest.mark.parametrize("operation", ["DeregisterImage", "ModifyImageAttribute"])
def test_only_its_owner_changes_an_image(ec2: Any, operation: str) -> None:
    made = ec2.made()
    assert ec2.refusal(operation, account=TARGET, ImageId=made).code == "InvalidAMIID.NotFound"
    ec2.share(made, TARGET)
    error = ec2.refusal(operation, account=TARGET, ImageId=made)
    assert (error.code, error.status) == ("AuthFailure", 403)
    assert made in error.message


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DeregisterImage", {}),
        ("DescribeImageAttribute", {"Attribute": "description"}),
        ("ModifyImageAttribute", {"Description": {"Value": "new"}}),
        ("ResetImageAttribute", {"Attribute": "launchPermission"}),
    ],
)
def test_a_change_of_an_image_is_authorized_on_its_arn_and_tags(
    ec2: Any, gateway: Any, operation: str, parameters: dict[str, Any]
) -> None:
    made = ec2.made()
    ec2("CreateTags", Resources=[made], Tags=[{"Key": "stage", "Value": "old"}])
    gateway.forbidden.append((f"ec2:{operation}", f"arn:aws:ec2:us-east-1::image/{made}"))
    error = ec2.refusal(operation, ImageId=made, **parameters)
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    assert f"ec2:{operation} on resource: arn:aws:ec2:us-east-1::image/{made}" in error.message
    keys = gateway.context_of(f"ec2:{operation}", "*")
    assert keys["ec2:ResourceTag/stage"] == keys["aws:ResourceTag/stage"] == "old"
    assert keys["ec2:Region"] == HOME


def test_descriptions_are_authorized_without_a_resource(ec2: Any, gateway: Any) -> None:
    operations = ("DescribeImages", "DescribeSnapshots", "DescribeInstances", "DescribeInstanceStatus",
                  "DescribeVolumes")  # fmt: skip
    for operation in operations:
        gateway.forbidden = [(f"ec2:{operation}", "[*]")]
        error = ec2.refusal(operation)
        assert error.code == "UnauthorizedOperation"
        assert f"ec2:{operation} on resource: *" in error.message


def test_an_image_s_attributes_are_told_to_its_owner(ec2: Any) -> None:
    made = ec2.made()
    ec2("ModifyImageAttribute", ImageId=made, Description={"Value": "for the web"})
    described = ec2("DescribeImageAttribute", ImageId=made, Attribute="description")
    devices = ec2("DescribeImageAttribute", ImageId=made, Attribute="blockDeviceMapping")["BlockDeviceMappings"]
    assert described["Description"] == {"Value": "for the web"}
    assert ec2.image(made)["Description"] == "for the web"
    assert devices == ec2.image(made)["BlockDeviceMappings"]
    error = ec2.refusal("DescribeImageAttribute", ImageId=made, Attribute="sriovNetSupport")
    assert error.code == "UnsupportedOperation"
    assert "sriovNetSupport" in error.message


@pytest.mark.parametrize(
    ("image", "code"), [("ami-00000000000000000", "InvalidAMIID.NotFound"), ("made", "InvalidAMIID.Malformed")]
)
def test_an_image_id_that_is_not_there_is_named_in_the_refusal(ec2: Any, image: str, code: str) -> None:
    for operation, parameters in [
        ("DescribeImages", {"ImageIds": [image]}),
        ("DeregisterImage", {"ImageId": image}),
        ("RunInstances", {"ImageId": image, "MinCount": 1, "MaxCount": 1}),
        ("CopyImage", {"SourceImageId": image, "SourceRegion": HOME, "Name": "copy"}),
    ]:
        error = ec2.refusal(operation, **parameters)
        assert error.code == code
        assert image in error.message


def test_images_are_seen_by_their_owner_by_whom_they_are_shared_with_and_by_all_when_public(ec2: Any) -> None:
    base, mine = ec2.base(), ec2.made()
    ec2.share(mine, TARGET)

    def seen(account: str, **parameters: Any) -> set[str]:
        return {image["ImageId"] for image in ec2("DescribeImages", account, **parameters)["Images"]}

    assert mine in seen(HUB)
    assert mine in seen(TARGET)
    assert mine not in seen(OTHER)
    assert {base} <= seen(HUB) & seen(TARGET) & seen(OTHER)
    assert seen(HUB, Owners=["self"]) == {mine}
    assert seen(TARGET, Owners=["self"]) == set()
    assert seen(TARGET, Owners=[HUB]) == {mine}
    assert base in seen(TARGET, Owners=["amazon"])
    assert mine not in seen(TARGET, Owners=["amazon"])
    assert seen(TARGET, ExecutableUsers=["self"]) == {mine}
    assert base in seen(TARGET, ExecutableUsers=["all"])
    assert mine not in seen(TARGET, ExecutableUsers=["all"])


def test_images_of_another_region_are_not_seen(ec2: Any) -> None:
    made = ec2.made()
    assert ec2("DescribeImages", region=AWAY, Owners=["self"])["Images"] == []
    assert ec2.refusal("DescribeImages", region=AWAY, ImageIds=[made]).code == "InvalidAMIID.NotFound"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("architecture", "x86_64"), ("block-device-mapping.encrypted", "false"), ("description", ""),
        ("image-type", "machine"), ("is-public", "false"), ("name", "made"), ("owner-id", HUB),
        ("root-device-name", "/dev/xvda"), ("root-device-type", "ebs"), ("state", "available"),
        ("virtualization-type", "hvm"), ("creation-date", "2026-11-02T*"), ("tag:stage", "new"), ("tag-key", "stage"),
    ],
)  # fmt: skip
def test_each_filter_of_images_keeps_what_matches_and_drops_the_rest(ec2: Any, name: str, value: str) -> None:
    made = ec2.made()
    ec2("CreateTags", Resources=[made], Tags=[{"Key": "stage", "Value": "new"}])

    def found(*values: str) -> list[str]:
        filters = [{"Name": name, "Values": list(values)}]
        return [image["ImageId"] for image in ec2("DescribeImages", Owners=["self"], Filters=filters)["Images"]]

    assert found(value) == [made]
    assert found("nothing", value) == [made]
    assert found("nothing") == []


def test_filters_on_ids_and_aliases_find_their_image(ec2: Any) -> None:
    base, made = ec2.base(platform="windows"), ec2.made()
    snapshot = ec2.snapshot(made)["SnapshotId"]
    for name, value, expected in [
        ("image-id", made, made),
        ("block-device-mapping.snapshot-id", snapshot, made),
        ("platform", "windows", base),
    ]:
        found = ec2("DescribeImages", Filters=[{"Name": name, "Values": [value]}])["Images"]
        assert [image["ImageId"] for image in found] == [expected]
    owned = ec2("DescribeImages", Filters=[{"Name": "owner-alias", "Values": ["amazon"]}])["Images"]
    assert base in {image["ImageId"] for image in owned}
    assert made not in {image["ImageId"] for image in owned}


@pytest.mark.parametrize("operation", ["DescribeImages", "DescribeSnapshots", "DescribeInstances", "DescribeVolumes"])
def test_a_filter_that_is_not_known_is_an_error_that_names_it(ec2: Any, operation: str) -> None:
    error = ec2.refusal(operation, Filters=[{"Name": "hypervisor-mood", "Values": ["good"]}])
    assert error.code == "InvalidParameterValue"
    assert "'hypervisor-mood'" in error.message


def test_tags_are_put_and_taken_by_value_by_key_and_all_at_once(ec2: Any) -> None:
    made = ec2.made()
    ec2("CreateTags", Resources=[made], Tags=[{"Key": key, "Value": f"{key}1"} for key in "abcd"])
    ec2("CreateTags", Resources=[made], Tags=[{"Key": "a", "Value": "a2"}])

    def tags() -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in ec2.image(made)["Tags"]}

    assert tags() == {"a": "a2", "b": "b1", "c": "c1", "d": "d1"}
    ec2("DeleteTags", Resources=[made], Tags=[{"Key": "a", "Value": "a1"}, {"Key": "b", "Value": "b1"}, {"Key": "c"}])
    assert tags() == {"a": "a2", "d": "d1"}
    ec2("DeleteTags", Resources=[made])
    assert tags() == {}


def test_tags_of_a_shared_image_stay_with_its_owner(ec2: Any) -> None:
    made = ec2.made()
    ec2("CreateTags", Resources=[made], Tags=[{"Key": "a", "Value": "b"}])
    ec2.share(made, TARGET)
    assert ec2.image(made, TARGET)["Tags"] == []
    error = ec2.refusal("CreateTags", account=TARGET, Resources=[made], Tags=[{"Key": "a", "Value": "b"}])
    assert error.code == "InvalidAMIID.NotFound"


def test_tags_of_a_resource_that_is_not_kept_here_go_to_ministack(ec2: Any, gateway: Any) -> None:
    made = ec2.made()
    ec2("CreateTags", Resources=[made, "subnet-1"], Tags=[{"Key": "a", "Value": "b"}])
    ec2("DeleteTags", Resources=["sg-web"])
    assert [(call.operation, call.parameters["Resources"]) for call in gateway.forwarded] == [
        ("CreateTags", ["subnet-1"]),
        ("DeleteTags", ["sg-web"]),
    ]
    assert gateway.context_of("ec2:CreateTags", f"arn:aws:ec2:us-east-1:{HUB}:subnet/subnet-1")["aws:TagKeys"] == ["a"]
    assert ec2.image(made)["Tags"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("operation", ["CreateTags", "DeleteTags"])
def test_no_resource_is_tagged_where_one_of_them_is_refused(ec2: Any, gateway: Any, operation: str) -> None:
    first, second = ec2.made(name="one"), ec2.made(name="two")
    ec2("CreateTags", Resources=[first, second], Tags=[{"Key": "kept", "Value": "yes"}])
    gateway.forbidden.append((f"ec2:{operation}", f"*{second}"))
    error = ec2.refusal(operation, Resources=[first, second], Tags=[{"Key": "kept", "Value": "yes"}])
    assert error.code == "UnauthorizedOperation"
    assert second in error.message
    assert ec2.image(first)["Tags"] == ec2.image(second)["Tags"] == [{"Key": "kept", "Value": "yes"}]


def test_a_kind_of_id_that_ec2_does_not_have_cannot_be_tagged(ec2: Any) -> None:
    error = ec2.refusal("CreateTags", Resources=["cow-1"], Tags=[{"Key": "a", "Value": "b"}])
    assert error.code == "InvalidID"
    assert "'cow-1'" in error.message


def test_pages_join_to_the_whole_list(ec2: Any) -> None:
    expected = [ec2.made(name=f"image {number}") for number in range(5)]
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = ec2("DescribeImages", Owners=["self"], MaxResults=2, **token)
        assert len(answer["Images"]) <= 2
        found += [image["ImageId"] for image in answer["Images"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert found == expected


def test_a_token_of_no_page_is_refused(ec2: Any) -> None:
    assert ec2.refusal("DescribeImages", NextToken="elsewhere").code == "InvalidPaginationToken"


def test_reset_forgets_everything(ec2: Any) -> None:
    made = ec2.made()
    ec2.compute.reset()
    assert ec2.refusal("DescribeImages", ImageIds=[made]).code == "InvalidAMIID.NotFound"
    assert ec2("DescribeInstances")["Reservations"] == []


def test_a_launch_is_told_of_after_a_day(ec2: Any, gateway: Any) -> None:
    made = ec2.made()
    gateway.clock.move(3600)
    first = gateway.clock.now()
    ec2.launched(made)

    def told() -> tuple[str | None, str | None]:
        attribute = ec2("DescribeImageAttribute", ImageId=made, Attribute="lastLaunchedTime")["LastLaunchedTime"]
        return ec2.image(made).get("LastLaunchedTime"), attribute.get("Value")

    assert told() == (None, None)
    gateway.clock.move(24 * 3600)
    text = first.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert told() == (text, text)
    ec2.launched(made)
    # The later launch takes its day too.
    assert told() == (text, text)
    gateway.clock.move(24 * 3600)
    assert told()[0] > text
