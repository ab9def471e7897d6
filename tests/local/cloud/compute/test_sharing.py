"""Who may launch images and make volumes of snapshots."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
ACCOUNTS = st.lists(st.sampled_from([HUB, TARGET, OTHER, "444444444444"]), max_size=3, unique=True)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove"]), ACCOUNTS, st.booleans()), max_size=8)


def permissions(ec2: Any, image: str) -> list[dict[str, str]]:
    return ec2("DescribeImageAttribute", ImageId=image, Attribute="launchPermission")["LaunchPermissions"]


def borrowers(ec2: Any, snapshot: str) -> list[str]:
    answer = ec2("DescribeSnapshotAttribute", SnapshotId=snapshot, Attribute="createVolumePermission")
    return [entry["UserId"] for entry in answer["CreateVolumePermissions"]]


@given(steps=STEPS)
def test_launch_permissions_are_what_was_added_and_not_removed_since(
    fresh: Callable[[], Any], steps: list[tuple[str, list[str], bool]]
) -> None:
    ec2 = fresh()
    image = ec2.made()
    expected: set[str] = set()
    for kind, accounts, structured in steps:
        users = [{"UserId": account} for account in accounts]
        changes: dict[str, Any] = (
            {"LaunchPermission": {kind.capitalize(): users}}
            if structured
            else {"OperationType": kind, "UserIds": accounts}
        )
        ec2("ModifyImageAttribute", ImageId=image, **changes)
        expected = expected | set(accounts) if kind == "add" else expected - set(accounts)
    found = permissions(ec2, image)
    assert sorted(entry["UserId"] for entry in found) == sorted(expected)
    for account in (TARGET, OTHER):
        seen = ec2("DescribeImages", account, ExecutableUsers=["self"])["Images"]
        assert bool(seen) is (account in expected)


@given(steps=STEPS)
def test_snapshot_permissions_are_what_was_added_and_not_removed_since(
    fresh: Callable[[], Any], steps: list[tuple[str, list[str], bool]]
) -> None:
    ec2 = fresh()
    snapshot = ec2.snapshot(ec2.made())["SnapshotId"]
    expected: set[str] = set()
    for kind, accounts, structured in steps:
        users = [{"UserId": account} for account in accounts]
        changes: dict[str, Any] = (
            {"CreateVolumePermission": {kind.capitalize(): users}}
            if structured
            else {"OperationType": kind, "UserIds": accounts}
        )
        ec2("ModifySnapshotAttribute", SnapshotId=snapshot, **changes)
        expected = expected | set(accounts) if kind == "add" else expected - set(accounts)
    assert borrowers(ec2, snapshot) == sorted(expected)
    assert bool(ec2("DescribeSnapshots", TARGET)["Snapshots"]) is (TARGET in expected)


def test_an_image_is_shared_with_organisations_units_and_everybody(ec2: Any) -> None:
    image = ec2.made()
    organisation = f"arn:aws:organizations::{HUB}:organization/o-1"
    unit = f"arn:aws:organizations::{HUB}:ou/o-1/ou-1"
    added = {"OrganizationArns": [organisation], "OrganizationalUnitArns": [unit], "UserGroups": ["all"]}
    ec2("ModifyImageAttribute", ImageId=image, OperationType="add", **added)
    shared = [{"Group": "all"}, {"OrganizationArn": organisation}, {"OrganizationalUnitArn": unit}]
    assert permissions(ec2, image) == shared
    assert ec2.image(image, OTHER)["Public"] is True
    ec2("ResetImageAttribute", ImageId=image, Attribute="launchPermission")
    assert permissions(ec2, image) == []
    assert ec2.image(image)["Public"] is False


@pytest.mark.parametrize("operation", ["ModifyImageAttribute", "ModifySnapshotAttribute"])
def test_accounts_without_a_word_on_what_to_do_with_them_are_refused(ec2: Any, operation: str) -> None:
    image = ec2.made()
    name, value = ("ImageId", image) if "Image" in operation else ("SnapshotId", ec2.snapshot(image)["SnapshotId"])
    error = ec2.refusal(operation, **{name: value}, UserIds=[TARGET])
    assert error.code == "MissingParameter"
    assert "operationType" in error.message
    error = ec2.refusal(operation, **{name: value}, UserIds=[TARGET], OperationType="set")
    assert error.code == "InvalidParameterValue"
    assert "(set)" in error.message


def test_an_encrypted_image_cannot_be_public_and_nothing_else_of_the_call_is_done(ec2: Any, gateway: Any) -> None:
    image = ec2.made(gateway.kms.add())
    entries = [{"UserId": TARGET}, {"Group": "all"}]
    request = {"LaunchPermission": {"Add": entries}, "Description": {"Value": "public"}}
    error = ec2.refusal("ModifyImageAttribute", ImageId=image, **request)
    assert error.code == "InvalidParameter"
    assert "cannot be made public" in error.message
    assert permissions(ec2, image) == []
    assert ec2.image(image)["Description"] == ""


def test_an_encrypted_image_can_be_shared_with_an_account(ec2: Any, gateway: Any) -> None:
    image = ec2.made(gateway.kms.add())
    ec2.share(image, TARGET)
    assert permissions(ec2, image) == [{"UserId": TARGET}]
    assert borrowers(ec2, ec2.snapshot(image)["SnapshotId"]) == [TARGET]


def under_default_key(ec2: Any) -> str:
    mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}]
    image = ec2("CreateImage", InstanceId=ec2.launched(BlockDeviceMappings=mappings), Name="default")["ImageId"]
    ec2.settle()
    return image


def test_what_is_under_the_account_s_default_key_cannot_be_shared(ec2: Any) -> None:
    image = under_default_key(ec2)
    snapshot = ec2.snapshot(image)
    assert snapshot["KmsKeyId"].endswith("alias/aws/ebs")
    added = {"Add": [{"UserId": TARGET}]}
    of_image = ec2.refusal("ModifyImageAttribute", ImageId=image, LaunchPermission=added)
    of_snapshot = ec2.refusal(
        "ModifySnapshotAttribute", SnapshotId=snapshot["SnapshotId"], CreateVolumePermission=added
    )
    for error in (of_image, of_snapshot):
        assert error.code == "InvalidParameter"
        assert "AWS Managed" in error.message
    assert permissions(ec2, image) == []
    assert borrowers(ec2, snapshot["SnapshotId"]) == []


@pytest.mark.parametrize(
    ("operation", "permission"),
    [("ModifyImageAttribute", "LaunchPermission"), ("ModifySnapshotAttribute", "CreateVolumePermission")],
)
def test_policies_see_with_whom_something_is_to_be_shared(
    ec2: Any, gateway: Any, operation: str, permission: str
) -> None:
    image = ec2.made()
    name, value = ("ImageId", image) if "Image" in operation else ("SnapshotId", ec2.snapshot(image)["SnapshotId"])
    ec2(operation, **{name: value, permission: {"Add": [{"UserId": TARGET}]}})
    assert gateway.context_of(f"ec2:{operation}", f"*{value}")["ec2:Add/userId"] == [TARGET]
    ec2(operation, **{name: value, permission: {"Remove": [{"UserId": TARGET}]}})
    assert "ec2:Add/userId" not in gateway.context_of(f"ec2:{operation}", f"*{value}")


def test_snapshots_are_not_shared_with_groups(ec2: Any) -> None:
    snapshot = ec2.snapshot(ec2.made())["SnapshotId"]
    added = {"Add": [{"Group": "all"}]}
    error = ec2.refusal("ModifySnapshotAttribute", SnapshotId=snapshot, CreateVolumePermission=added)
    assert error.code == "UnsupportedOperation"


def test_a_shared_snapshot_is_seen_without_its_tags(ec2: Any) -> None:
    image = ec2.made()
    snapshot = ec2.snapshot(image)["SnapshotId"]
    ec2("CreateTags", Resources=[snapshot], Tags=[{"Key": "a", "Value": "b"}])
    assert ec2.refusal("DescribeSnapshots", account=TARGET, SnapshotIds=[snapshot]).code == "InvalidSnapshot.NotFound"
    ec2.share(image, TARGET)
    assert ec2("DescribeSnapshots", TARGET, SnapshotIds=[snapshot])["Snapshots"][0]["Tags"] == []
    assert ec2("DescribeSnapshots", TARGET, OwnerIds=["self"])["Snapshots"] == []
    assert len(ec2("DescribeSnapshots", TARGET, OwnerIds=[HUB])["Snapshots"]) == 1
    assert len(ec2("DescribeSnapshots", TARGET, RestorableByUserIds=["self"])["Snapshots"]) == 1
    assert ec2("DescribeSnapshots", RestorableByUserIds=[OTHER])["Snapshots"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", "Created by CreateImage(i-*)"), ("encrypted", "true"), ("owner-id", HUB),
        ("start-time", "2026-11-02*"), ("status", "completed"), ("volume-id", "vol-*"), ("volume-size", "8"),
        ("snapshot-id", "snap-*"), ("tag:stage", "new"), ("tag-key", "stage"),
    ],
)  # fmt: skip
def test_each_filter_of_snapshots_keeps_what_matches_and_drops_the_rest(
    ec2: Any, gateway: Any, name: str, value: str
) -> None:
    snapshot = ec2.snapshot(ec2.made(gateway.kms.add()))["SnapshotId"]
    ec2("CreateTags", Resources=[snapshot], Tags=[{"Key": "stage", "Value": "new"}])
    for wanted, expected in [(value, [snapshot]), ("nothing", [])]:
        found = ec2("DescribeSnapshots", OwnerIds=["self"], Filters=[{"Name": name, "Values": [wanted]}])["Snapshots"]
        assert [entry["SnapshotId"] for entry in found] == expected


def test_a_snapshot_is_deleted_only_once_no_image_needs_it(ec2: Any) -> None:
    image = ec2.made()
    snapshot = ec2.snapshot(image)["SnapshotId"]
    error = ec2.refusal("DeleteSnapshot", SnapshotId=snapshot)
    assert error.code == "InvalidSnapshot.InUse"
    assert snapshot in error.message
    assert image in error.message
    ec2("DeregisterImage", ImageId=image)
    ec2("DeleteSnapshot", SnapshotId=snapshot)
    assert ec2.refusal("DeleteSnapshot", SnapshotId=snapshot).code == "InvalidSnapshot.NotFound"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DeleteSnapshot", {}),
        ("DescribeSnapshotAttribute", {"Attribute": "createVolumePermission"}),
        ("ModifySnapshotAttribute", {"OperationType": "add", "UserIds": [TARGET]}),
    ],
)
def test_only_its_owner_with_permission_changes_a_snapshot(
    ec2: Any, gateway: Any, operation: str, parameters: dict[str, Any]
) -> None:
    image = ec2.made()
    ec2.share(image, TARGET)
    snapshot = ec2.snapshot(image)["SnapshotId"]
    error = ec2.refusal(operation, account=TARGET, SnapshotId=snapshot, **parameters)
    assert error.code == "InvalidSnapshot.NotFound"
    gateway.forbidden.append((f"ec2:{operation}", f"arn:aws:ec2:{HOME}::snapshot/{snapshot}"))
    error = ec2.refusal(operation, SnapshotId=snapshot, **parameters)
    assert error.code == "UnauthorizedOperation"
    assert f"ec2:{operation} on resource: arn:aws:ec2:{HOME}::snapshot/{snapshot}" in error.message


def test_a_snapshot_s_other_attribute_is_not_kept(ec2: Any) -> None:
    snapshot = ec2.snapshot(ec2.made())["SnapshotId"]
    error = ec2.refusal("DescribeSnapshotAttribute", SnapshotId=snapshot, Attribute="productCodes")
    assert error.code == "UnsupportedOperation"
