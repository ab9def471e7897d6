"""Groups come to their desired capacity, keep it, and go with their instances."""

import json
from typing import Any

import pytest

from tests.local.cloud.auto_scaling.scaling_world import ZONE, World, profile, service_role, until
from tests.local.cloud.served_cloud import TARGET, refusal

NOTHING = {"MinSize": 0, "MaxSize": 4, "DesiredCapacity": 0}


def delete(world: World, group: str) -> None:
    world.scaling().delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)


def test_a_launch_configuration_is_told_as_it_was_made(plain: World) -> None:
    name, _ = profile(plain.cloud)
    made = plain.configuration(
        IamInstanceProfile=name, UserData="echo hello", MetadataOptions={"HttpTokens": "required"}
    )
    told = plain.scaling().describe_launch_configurations(LaunchConfigurationNames=[made])["LaunchConfigurations"]
    (shown,) = told
    assert (shown["ImageId"], shown["InstanceType"]) == (plain.image, "m5.large")
    assert (shown["IamInstanceProfile"], shown["MetadataOptions"]) == (name, {"HttpTokens": "required"})
    assert shown["LaunchConfigurationARN"].endswith(f":launchConfigurationName/{made}")
    plain.scaling().delete_launch_configuration(LaunchConfigurationName=made)
    assert not plain.scaling().describe_launch_configurations(LaunchConfigurationNames=[made])["LaunchConfigurations"]


def test_instances_are_launched_as_the_configuration_and_the_group_say(plain: World) -> None:
    name, _ = profile(plain.cloud)
    ec2 = plain.cloud.client("ec2", TARGET)
    network = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["VpcId"]
    firewall = ec2.create_security_group(GroupName=plain.cloud.name("web"), Description="web", VpcId=network)["GroupId"]
    configuration = plain.configuration(
        IamInstanceProfile=name,
        InstanceType="c7i.large",
        MetadataOptions={"HttpTokens": "required"},
        SecurityGroups=[firewall],
        UserData="echo hello",
    )
    tags = [
        {"Key": "team", "Value": "web", "PropagateAtLaunch": True},
        {"Key": "owner", "Value": "us", "PropagateAtLaunch": False},
    ]
    group = plain.group(LaunchConfigurationName=configuration, Tags=tags)
    (member,) = plain.serving(group, 1)
    instance = plain.instance(member["InstanceId"])
    assert (instance["ImageId"], instance["InstanceType"]) == (plain.image, "c7i.large")
    assert instance["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{name}")
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [firewall]
    tagged = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tagged == {"team": "web", "aws:autoscaling:groupName": group}
    assert {tag["Key"]: tag["PropagateAtLaunch"] for tag in plain.found(group)["Tags"]} == {
        "team": True,
        "owner": False,
    }
    delete(plain, group)


def test_a_group_is_told_with_its_role_and_its_instances(plain: World) -> None:
    group = plain.group()
    (member,) = plain.serving(group, 1)
    shown = plain.found(group)
    assert (shown["MinSize"], shown["MaxSize"], shown["DesiredCapacity"]) == (0, 4, 1)
    assert shown["ServiceLinkedRoleARN"] == service_role()
    assert shown["AvailabilityZones"] == [ZONE]
    assert (member["HealthStatus"], member["LaunchConfigurationName"]) == ("Healthy", shown["LaunchConfigurationName"])
    delete(plain, group)


def test_the_first_launch_is_caused_by_the_group_s_making(plain: World) -> None:
    group = plain.group()
    (activity,) = plain.ended(group)
    assert "a user request created an AutoScalingGroup changing the desired capacity from 0 to 1." in activity["Cause"]
    assert "increasing the capacity from 0 to 1." in activity["Cause"]
    assert json.loads(activity["Details"])["Subnet ID"].startswith("subnet-")
    assert activity["EndTime"] >= activity["StartTime"]
    delete(plain, group)


def test_the_capacity_follows_what_is_asked_for(plain: World) -> None:
    group = plain.group(DesiredCapacity=0)
    assert plain.found(group)["Instances"] == []
    plain.wanting(group, 3)
    oldest = plain.serving(group, 3)[0]["InstanceId"]
    plain.wanting(group, 2)
    assert oldest not in [one["InstanceId"] for one in plain.serving(group, 2)]
    ending = next(one for one in plain.activities(group) if one["Description"].startswith("Terminating"))
    assert ending["Description"] == f"Terminating EC2 instance: {oldest}"
    assert "shrinking the capacity from 3 to 2" in ending["Cause"]
    assert plain.instance(oldest)["State"]["Name"] == "terminated"
    delete(plain, group)


def test_an_instance_that_somebody_ends_is_replaced(plain: World) -> None:
    group = plain.group()
    (first,) = plain.serving(group, 1)
    plain.cloud.client("ec2", TARGET).terminate_instances(InstanceIds=[first["InstanceId"]])
    until(lambda: [one["InstanceId"] for one in plain.found(group)["Instances"]] != [first["InstanceId"]])
    (second,) = plain.serving(group, 1)
    assert second["InstanceId"] != first["InstanceId"]
    assert any("EC2 health check" in one["Cause"] for one in plain.activities(group))
    delete(plain, group)


def test_instances_are_spread_over_the_subnets(plain: World) -> None:
    found = plain.cloud.client("ec2", TARGET).describe_subnets(
        Filters=[{"Name": "default-for-az", "Values": ["true"]}]
    )["Subnets"]
    subnets = [subnet["SubnetId"] for subnet in found[:2]]
    group = plain.group(VPCZoneIdentifier=",".join(subnets), DesiredCapacity=4)
    members = plain.serving(group, 4)
    placed = [plain.instance(member["InstanceId"])["SubnetId"] for member in members]
    assert sorted(placed) == sorted(subnets * 2)
    assert plain.found(group)["VPCZoneIdentifier"] == ",".join(subnets)
    delete(plain, group)


def test_an_image_that_is_gone_fails_the_launch(plain: World) -> None:
    ec2 = plain.cloud.client("ec2", TARGET)
    copied = ec2.copy_image(SourceImageId=plain.image, SourceRegion="us-east-1", Name=plain.cloud.name("copy"))
    configuration = plain.configuration(ImageId=copied["ImageId"])
    ec2.deregister_image(ImageId=copied["ImageId"])
    group = plain.group(LaunchConfigurationName=configuration)
    failed = plain.ended(group)[0]
    assert failed["StatusCode"] == "Failed"
    expected = f"The image id '[{copied['ImageId']}]' does not exist Launching EC2 instance failed."
    assert failed["StatusMessage"] == expected
    delete(plain, group)


def test_a_group_with_instances_is_deleted_by_force_only(plain: World) -> None:
    group = plain.group()
    configuration = plain.found(group)["LaunchConfigurationName"]
    (member,) = plain.serving(group, 1)
    scaling = plain.scaling()
    code, _ = refusal(lambda: scaling.delete_auto_scaling_group(AutoScalingGroupName=group))
    assert code == "ResourceInUse"
    in_use = refusal(lambda: scaling.delete_launch_configuration(LaunchConfigurationName=configuration))
    assert in_use[0] == "ResourceInUse"
    delete(plain, group)
    until(lambda: plain.found(group) is None)
    assert plain.instance(member["InstanceId"])["State"]["Name"] == "terminated"
    scaling.delete_launch_configuration(LaunchConfigurationName=configuration)


def test_a_group_that_is_being_deleted_takes_no_capacity(plain: World) -> None:
    group = plain.group()
    plain.serving(group, 1)
    delete(plain, group)
    assert refusal(lambda: plain.wanting(group, 1))[0] == "ValidationError"


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({"DesiredCapacity": 5}, "ValidationError", "must be between the specified min size:0 and max size:4"),
        ({"MinSize": 5, "DesiredCapacity": 5}, "ValidationError", "greater than or equal to min bound, 5"),
        ({"LaunchConfigurationName": "none"}, "ValidationError", "Launch configuration none not found"),
        ({"VPCZoneIdentifier": "subnet-none"}, "ValidationError", "subnet-none"),
        ({"AvailabilityZones": ["us-east-1z"]}, "ValidationError", "us-east-1z"),
        ({"AvailabilityZones": []}, "ValidationError", "At least one Availability Zone or VPC Subnet"),
        ({"HealthCheckType": "ELB"}, "UnsupportedOperation", "HealthCheckType"),
        ({"LaunchTemplate": {"LaunchTemplateName": "one"}}, "UnsupportedOperation", "LaunchTemplate"),
    ],
)
def test_a_group_that_cannot_be_is_refused(plain: World, request_: dict[str, Any], code: str, words: str) -> None:
    found = refusal(lambda: plain.group(**{**NOTHING, **request_}))
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({"ImageId": "ami-00000000000000000"}, "ValidationError", "AMI ami-00000000000000000 is invalid"),
        ({"IamInstanceProfile": "none"}, "ValidationError", "Invalid IamInstanceProfile: none"),
        ({"SpotPrice": "1"}, "UnsupportedOperation", "SpotPrice"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/xvda"}]}, "UnsupportedOperation", "BlockDeviceMappings"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    plain: World, request_: dict[str, Any], code: str, words: str
) -> None:
    found = refusal(lambda: plain.configuration(**request_))
    assert found[0] == code
    assert words in found[1]


def test_a_configuration_needs_an_image_and_a_type(plain: World) -> None:
    request = {"LaunchConfigurationName": "incomplete", "ImageId": plain.image}
    code, message = refusal(lambda: plain.scaling().create_launch_configuration(**request))
    assert code == "ValidationError"
    assert "both the ImageId and InstanceType" in message


def test_names_are_taken_once(plain: World) -> None:
    configuration = plain.configuration()
    again = refusal(lambda: plain.configuration(LaunchConfigurationName=configuration))
    group = plain.group(**NOTHING)
    same = refusal(lambda: plain.group(**NOTHING, AutoScalingGroupName=group))
    assert again[0] == same[0] == "AlreadyExists"


@pytest.mark.parametrize(("capacity", "words"), [(5, "above max value 4"), (0, "below min value 1")])
def test_a_capacity_outside_the_bounds_is_refused(plain: World, capacity: int, words: str) -> None:
    group = plain.group(MinSize=1)
    code, message = refusal(lambda: plain.wanting(group, capacity))
    assert code == "ValidationError"
    assert words in message
    delete(plain, group)


@pytest.mark.parametrize("call", ["set_desired_capacity", "delete_auto_scaling_group", "describe_scaling_activities"])
def test_a_group_that_is_not_there_is_not_found(plain: World, call: str) -> None:
    more = {"DesiredCapacity": 1} if call == "set_desired_capacity" else {}
    found = refusal(lambda: getattr(plain.scaling(), call)(AutoScalingGroupName="none", **more))
    assert found == ("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'none' not found")


def test_descriptions_come_in_pages(plain: World) -> None:
    groups = {plain.group(**NOTHING) for _ in range(3)}
    pages = plain.scaling().get_paginator("describe_auto_scaling_groups")
    told = list(pages.paginate(AutoScalingGroupNames=list(groups), PaginationConfig={"PageSize": 2}))
    assert {one["AutoScalingGroupName"] for page in told for one in page["AutoScalingGroups"]} == groups
    assert [len(page["AutoScalingGroups"]) for page in told] == [2, 1]


def test_groups_are_their_region_s_and_their_account_s(plain: World) -> None:
    group = plain.group(**NOTHING)
    for who, region in ((TARGET, "eu-west-1"), ("111111111111", "us-east-1")):
        elsewhere = plain.cloud.client("autoscaling", who, region)
        assert not elsewhere.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]


def test_what_is_not_done_is_refused_by_name(plain: World) -> None:
    code, message = refusal(lambda: plain.scaling().describe_policies())
    assert code == "UnsupportedOperation"
    assert "autoscaling:DescribePolicies" in message
