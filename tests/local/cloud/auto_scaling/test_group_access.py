"""Who may work with groups: identity policies, the instance profile's role, and the service-linked role."""

import json
from typing import Any

import pytest

from tests.local.cloud.auto_scaling.scaling_world import SERVICE, World, profile, service_role
from tests.local.cloud.served_cloud import TARGET, Role, refusal, statement

NEW_ACCOUNT = "333333333333"
REGIONAL = f"arn:aws:autoscaling:us-east-1:{TARGET}"
NOTHING = {"MinSize": 0, "MaxSize": 4, "DesiredCapacity": 0}


def not_allowed(role: Role, action: str, resource: str) -> tuple[str, str]:
    message = (
        f"User: {role.session} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    return "AccessDenied", message


def test_every_operation_needs_its_action_on_its_resource(plain: World) -> None:
    nobody = plain.cloud.role(TARGET)
    scaling = plain.scaling(nobody)
    group = plain.group(**NOTHING)
    shown = plain.found(group)
    configuration = shown["LaunchConfigurationName"]
    (told,) = plain.scaling().describe_launch_configurations(LaunchConfigurationNames=[configuration])[
        "LaunchConfigurations"
    ]
    launched = {"LaunchConfigurationName": configuration, "AutoScalingGroupName": "new", "MinSize": 0, "MaxSize": 1}
    new = {"LaunchConfigurationName": "new", "ImageId": plain.image, "InstanceType": "m5.large"}
    calls: dict[str, tuple[dict[str, Any], str]] = {
        "CreateLaunchConfiguration": (new, f"{REGIONAL}:launchConfiguration:*:launchConfigurationName/new"),
        "CreateAutoScalingGroup": (launched, f"{REGIONAL}:autoScalingGroup:*:autoScalingGroupName/new"),
        "SetDesiredCapacity": ({"AutoScalingGroupName": group, "DesiredCapacity": 1}, shown["AutoScalingGroupARN"]),
        "DeleteAutoScalingGroup": ({"AutoScalingGroupName": group}, shown["AutoScalingGroupARN"]),
        "DeleteLaunchConfiguration": ({"LaunchConfigurationName": configuration}, told["LaunchConfigurationARN"]),
        "DescribeAutoScalingGroups": ({}, "*"),
        "DescribeLaunchConfigurations": ({}, "*"),
        "DescribeScalingActivities": ({}, "*"),
    }
    for operation, (parameters, resource) in calls.items():
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")
        found = refusal(lambda: getattr(scaling, method)(**parameters))  # noqa: B023
        assert found == not_allowed(nobody, f"autoscaling:{operation}", resource)


def test_policies_see_the_tags_of_a_group(plain: World) -> None:
    mine = {"StringEquals": {"aws:ResourceTag/team": "web"}}
    role = plain.cloud.role(TARGET, statement("autoscaling:SetDesiredCapacity", Condition=mine))
    tag = {"Key": "team", "Value": "web", "PropagateAtLaunch": False}
    for tags, allowed in (([tag], True), ([{**tag, "Value": "other"}], False)):
        group = plain.group(**NOTHING, Tags=tags)
        call = {"AutoScalingGroupName": group, "DesiredCapacity": 0}
        if allowed:
            plain.scaling(role).set_desired_capacity(**call)
        else:
            assert refusal(lambda: plain.scaling(role).set_desired_capacity(**call))[0] == "AccessDenied"  # noqa: B023


def test_an_instance_profile_s_role_must_be_passed(plain: World) -> None:
    name, passed = profile(plain.cloud)
    role = plain.cloud.role(TARGET, statement("autoscaling:*"))
    found = refusal(lambda: plain.configuration(role, IamInstanceProfile=name))
    assert found == not_allowed(role, "iam:PassRole", passed)
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    plain.cloud.put_policy(
        TARGET, role.name, statement("autoscaling:*"), statement("iam:PassRole", passed, Condition=to_ec2)
    )
    assert plain.configuration(role, IamInstanceProfile=name)


def test_whoever_makes_a_group_needs_no_leave_to_run_instances(plain: World) -> None:
    role = plain.cloud.role(TARGET, statement("autoscaling:*"))
    group = plain.group(role)
    plain.serving(group, 1)
    plain.scaling().delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)


def test_an_account_s_first_group_makes_the_role_if_its_caller_may(plain: World) -> None:
    cloud = plain.cloud
    role = cloud.role(NEW_ACCOUNT, statement("autoscaling:*"))
    scaling = cloud.client("autoscaling", role)
    ec2 = cloud.client("ec2", NEW_ACCOUNT)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    scaling.create_launch_configuration(LaunchConfigurationName="first", ImageId=image, InstanceType="m5.large")
    request = {"AutoScalingGroupName": "first", "LaunchConfigurationName": "first", **NOTHING,
               "AvailabilityZones": ["us-east-1a"]}  # fmt: skip
    code, message = refusal(lambda: scaling.create_auto_scaling_group(**request))
    made = service_role(NEW_ACCOUNT)
    refused = not_allowed(role, "iam:CreateServiceLinkedRole", made)[1]
    assert (code, message) == (
        "AccessDenied",
        f"The default Service-Linked Role for Auto Scaling could not be created. {refused}",
    )
    assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    only = {"StringEquals": {"iam:AWSServiceName": SERVICE}}
    leave = statement("iam:CreateServiceLinkedRole", made, Condition=only)
    cloud.put_policy(NEW_ACCOUNT, role.name, statement("autoscaling:*"), leave)
    scaling.create_auto_scaling_group(**request)
    iam = cloud.client("iam", NEW_ACCOUNT)
    assert iam.get_role(RoleName="AWSServiceRoleForAutoScaling")["Role"]["Arn"] == made


def test_the_service_linked_role_has_aws_s_policy_and_nothing_of_keys(plain: World) -> None:
    iam = plain.cloud.client("iam", TARGET)
    role = iam.get_role(RoleName="AWSServiceRoleForAutoScaling")["Role"]
    assert role["Arn"] == service_role()
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": SERVICE}
    (policy,) = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert policy["PolicyArn"] == "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy"
    version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
    actions = json.dumps(document)
    assert "ec2:RunInstances" in actions
    assert "kms:" not in actions
    assert iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"] == []


def test_the_role_is_made_once(plain: World) -> None:
    iam = plain.cloud.client("iam", TARGET)
    code, message = refusal(lambda: iam.create_service_linked_role(AWSServiceName=SERVICE))
    assert code == "InvalidInput"
    assert "AWSServiceRoleForAutoScaling has been taken in this account" in message


def test_making_the_role_needs_the_action_for_its_service(plain: World) -> None:
    other = {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}
    role = plain.cloud.role(TARGET, statement("iam:CreateServiceLinkedRole", Condition=other))
    iam = plain.cloud.client("iam", role)
    found = refusal(lambda: iam.create_service_linked_role(AWSServiceName=SERVICE))
    assert found == not_allowed(role, "iam:CreateServiceLinkedRole", service_role())


@pytest.mark.parametrize("more", [{"AWSServiceName": "spot.amazonaws.com"}, {"CustomSuffix": "one"}])
def test_other_service_linked_roles_are_refused_by_name(plain: World, more: dict[str, str]) -> None:
    iam = plain.cloud.client("iam", TARGET)
    code, message = refusal(lambda: iam.create_service_linked_role(**{"AWSServiceName": SERVICE, **more}))
    assert code == "UnsupportedOperation"
    assert more.get("AWSServiceName", "suffix") in message
