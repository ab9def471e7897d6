"""Instances after their launch, and their volumes."""

from typing import Any

import pytest

HUB, TARGET = "111111111111", "222222222222"


def state(ec2: Any, instance: str) -> str:
    return ec2.instance(instance)["State"]["Name"]


def test_an_instance_stops_and_starts_again_with_the_clock_only(ec2: Any) -> None:
    instance = ec2.launched()
    (change,) = ec2("StopInstances", InstanceIds=[instance])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]) == ("running", {"Code": 64, "Name": "stopping"})
    assert state(ec2, instance) == "stopping"
    ec2.settle()
    assert state(ec2, instance) == "stopped"
    (change,) = ec2("StartInstances", InstanceIds=[instance])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    ec2.settle()
    assert state(ec2, instance) == "running"


def test_a_terminated_instance_is_still_described_and_its_volumes_are_gone(ec2: Any) -> None:
    instance = ec2.launched()
    (change,) = ec2("TerminateInstances", InstanceIds=[instance])["TerminatingInstances"]
    assert (change["PreviousState"]["Code"], change["CurrentState"]) == (16, {"Code": 32, "Name": "shutting-down"})
    ec2.settle()
    shown = ec2.instance(instance)
    assert (shown["State"]["Name"], shown["BlockDeviceMappings"]) == ("terminated", [])
    assert shown["StateTransitionReason"].startswith("User initiated (2026-11-02")
    assert ec2("DescribeVolumes")["Volumes"] == []


def test_a_volume_outlives_its_instance_where_its_mapping_says_so(ec2: Any) -> None:
    mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    instance = ec2.launched(BlockDeviceMappings=mappings)
    ec2("TerminateInstances", InstanceIds=[instance])
    ec2.settle()
    assert len(ec2("DescribeVolumes")["Volumes"]) == 1


def test_a_volume_that_outlived_its_instance_is_attached_to_nothing(ec2: Any) -> None:
    mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    instance = ec2.launched(BlockDeviceMappings=mappings)
    ec2("TerminateInstances", InstanceIds=[instance])
    (volume,) = ec2("DescribeVolumes")["Volumes"]
    assert (volume["State"], volume["Attachments"]) == ("available", [])
    assert ec2.volumes(instance) == []


@pytest.mark.parametrize(
    ("before", "operation", "answer"),
    [
        ([], "StartInstances", ("running", "running")),
        (["StopInstances"], "StopInstances", ("stopped", "stopped")),
        (["TerminateInstances"], "TerminateInstances", ("terminated", "terminated")),
    ],
)
def test_what_has_happened_already_changes_nothing(
    ec2: Any, before: list[str], operation: str, answer: tuple[str, str]
) -> None:
    instance = ec2.launched()
    for step in before:
        ec2(step, InstanceIds=[instance])
        ec2.settle()
    (changes,) = ec2(operation, InstanceIds=[instance]).values()
    assert (changes[0]["PreviousState"]["Name"], changes[0]["CurrentState"]["Name"]) == answer


@pytest.mark.parametrize(
    ("before", "operation"),
    [("TerminateInstances", "StartInstances"), ("TerminateInstances", "StopInstances"),
     ("StopInstances", "StartInstances")],
)  # fmt: skip
def test_a_change_that_the_state_does_not_allow_is_refused_and_names_the_instance(
    ec2: Any, before: str, operation: str
) -> None:
    instance = ec2.launched()
    ec2(before, InstanceIds=[instance])
    error = ec2.refusal(operation, InstanceIds=[instance])
    assert error.code == "IncorrectInstanceState"
    assert instance in error.message


@pytest.mark.parametrize("operation", ["StopInstances", "StartInstances", "TerminateInstances"])
def test_no_instance_changes_where_one_of_them_is_refused(ec2: Any, gateway: Any, operation: str) -> None:
    first, second = ec2.launched(), ec2.launched()
    if operation == "StartInstances":
        ec2("StopInstances", InstanceIds=[first, second])
        ec2.settle()
    before = state(ec2, first)
    resource = f"arn:aws:ec2:us-east-1:{HUB}:instance/{second}"
    gateway.forbidden.append((f"ec2:{operation}", resource))
    error = ec2.refusal(operation, InstanceIds=[first, second])
    assert (error.code, error.status) == ("UnauthorizedOperation", 403)
    assert f"ec2:{operation} on resource: {resource}" in error.message
    assert (state(ec2, first), state(ec2, second)) == (before, before)


@pytest.mark.parametrize(
    "operation",
    ["DescribeInstances", "DescribeInstanceStatus", "StopInstances", "StartInstances", "TerminateInstances"],
)
def test_another_account_s_instance_does_not_exist(ec2: Any, operation: str) -> None:
    instance = ec2.launched()
    error = ec2.refusal(operation, account=TARGET, InstanceIds=[instance])
    assert error.code == "InvalidInstanceID.NotFound"
    assert instance in error.message


def test_status_is_told_of_running_instances_or_of_all(ec2: Any) -> None:
    running, stopped = ec2.launched(), ec2.launched()
    ec2("StopInstances", InstanceIds=[stopped])
    ec2.settle()
    (only,) = ec2("DescribeInstanceStatus")["InstanceStatuses"]
    assert (only["InstanceId"], only["InstanceStatus"]["Status"]) == (running, "ok")
    every = ec2("DescribeInstanceStatus", IncludeAllInstances=True)["InstanceStatuses"]
    assert {entry["InstanceId"]: entry["SystemStatus"]["Status"] for entry in every} == {
        running: "ok",
        stopped: "not-applicable",
    }


def test_each_filter_of_instances_keeps_what_matches_and_drops_the_rest(ec2: Any) -> None:
    image = ec2.base()
    instance = ec2.launched(image, InstanceType="c7i.large")
    ec2("CreateTags", Resources=[instance], Tags=[{"Key": "stage", "Value": "new"}])
    matches = {
        "image-id": image, "instance-id": instance, "instance-state-name": "running", "instance-type": "c7i.*",
        "subnet-id": "subnet-1", "vpc-id": "vpc-?", "tag:stage": "new", "tag-key": "stage",
    }  # fmt: skip
    for name, value in matches.items():
        for wanted, expected in [(value, 1), ("nothing", 0)]:
            found = ec2("DescribeInstances", Filters=[{"Name": name, "Values": [wanted]}])["Reservations"]
            assert len(found) == expected, (name, wanted)


def test_each_filter_of_volumes_keeps_what_matches_and_drops_the_rest(ec2: Any, gateway: Any) -> None:
    image = ec2.made(gateway.kms.add())
    ec2.launched()
    instance = ec2.launched(image)
    (volume,) = ec2.volumes(instance)
    matches = {"encrypted": "true", "snapshot-id": volume["SnapshotId"], "volume-id": volume["VolumeId"]}
    for name, value in matches.items():
        filters = [{"Name": name, "Values": [value]}, {"Name": "attachment.instance-id", "Values": [instance]}]
        assert [one["VolumeId"] for one in ec2("DescribeVolumes", Filters=filters)["Volumes"]] == [volume["VolumeId"]]
        nothing = [{"Name": name, "Values": ["nothing"]}]
        assert ec2("DescribeVolumes", Filters=nothing)["Volumes"] == []


def test_a_volume_is_found_by_its_id_by_its_owner_only(ec2: Any) -> None:
    volume = ec2.volumes(ec2.launched())[0]["VolumeId"]
    assert len(ec2("DescribeVolumes", VolumeIds=[volume])["Volumes"]) == 1
    error = ec2.refusal("DescribeVolumes", account=TARGET, VolumeIds=[volume])
    assert error.code == "InvalidVolume.NotFound"
    assert volume in error.message
