"""Records in the shapes in which Auto Scaling answers."""

from __future__ import annotations

import json
from typing import Any

from local.cloud.auto_scaling.records import DELETING, PROGRESS, Activity, Group, LaunchConfiguration


def shown_configuration(configuration: LaunchConfiguration) -> dict[str, Any]:
    """A launch configuration; what was left out has AWS's defaults."""
    return {
        "BlockDeviceMappings": [],
        "EbsOptimized": False,
        "InstanceMonitoring": {"Enabled": True},
        "SecurityGroups": [],
        **configuration.parameters,
        "LaunchConfigurationARN": configuration.arn,
        "CreatedTime": configuration.created,
    }


def shown_group(group: Group) -> dict[str, Any]:
    """A group with its instances; what cannot be set here has AWS's defaults."""
    shown: dict[str, Any] = {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchConfigurationName": group.configuration,
        "MinSize": group.minimum,
        "MaxSize": group.maximum,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": list(group.zones),
        "VPCZoneIdentifier": group.stated_subnets,
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 0,
        "CreatedTime": group.created,
        "ServiceLinkedRoleARN": group.service_role_arn,
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        "Tags": [
            {"ResourceId": group.name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False, **tag}
            for tag in group.tags
        ],
        "Instances": [
            {
                "InstanceId": member.instance_id,
                "InstanceType": member.instance_type,
                "AvailabilityZone": member.zone,
                "LifecycleState": member.lifecycle.value,
                "HealthStatus": "Healthy",
                "LaunchConfigurationName": member.configuration,
                "ProtectedFromScaleIn": False,
            }
            for member in group.members
        ],
    }
    return {**shown, "Status": DELETING} if group.deleting else shown


def shown_activity(activity: Activity) -> dict[str, Any]:
    """An activity, under way or ended."""
    shown: dict[str, Any] = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": activity.group,
        "AutoScalingGroupARN": activity.group_arn,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status.value,
        "Progress": PROGRESS.get(activity.status, 100),
        "Details": json.dumps(activity.details),
    }
    if activity.ended:
        shown["EndTime"] = activity.ended
    if activity.message:
        shown["StatusMessage"] = activity.message
    return shown
