"""ARNs of the resources that a request of ministack's services acts on, where ministack derives another than AWS does.

Source of each: the Service Authorization Reference's page of the service, "Resource types".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Fields = Mapping[str, Any]

LOG_STREAM_OPERATIONS = frozenset({"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"})

SECURITY_GROUP_OPERATIONS = frozenset(
    {
        "AuthorizeSecurityGroupEgress",
        "AuthorizeSecurityGroupIngress",
        "DeleteSecurityGroup",
        "ModifySecurityGroupRules",
        "RevokeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
    }
)


def iam_arn(
    operation: str,
    fields: Fields,
    account: str,
    role_arn: Callable[[str], str | None],
    profile_arn: Callable[[str], str | None],
) -> str | None:
    """Instance profiles have ARNs of their own; their ARNs and those of roles hold the path.

    `role_arn` and `profile_arn` tell the ARN of what is there by its name.
    """
    profile = fields.get("InstanceProfileName")
    if profile:
        made = f"arn:aws:iam::{account}:instance-profile{fields.get('Path') or '/'}{profile}"
        return made if operation == "CreateInstanceProfile" else profile_arn(profile) or made
    role = fields.get("RoleName")
    if not role:
        return None
    if operation == "CreateRole":
        return f"arn:aws:iam::{account}:role{fields.get('Path') or '/'}{role}"
    return role_arn(role)


def events_arn(fields: Fields, region: str, account: str) -> str | None:
    """Rules of the default bus are named without it."""
    tagged = fields.get("ResourceARN")
    if tagged:
        return str(tagged)
    name = fields.get("Rule") or fields.get("Name")
    bus = fields.get("EventBusName") or "default"
    if not name or bus != "default":
        return None
    return f"arn:aws:events:{region}:{account}:rule/{name}"


def sns_arn(fields: Fields) -> str | None:
    """Tags are asked for by the topic's ARN under another name."""
    return str(fields["ResourceArn"]) if fields.get("ResourceArn") else None


def logs_arn(operation: str, fields: Fields, region: str, account: str) -> str | None:
    """Streams have ARNs of their own."""
    group = fields.get("logGroupName")
    if operation in LOG_STREAM_OPERATIONS and group:
        return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{fields.get('logStreamName', '')}"
    if operation == "DescribeLogGroups":
        return f"arn:aws:logs:{region}:{account}:log-group:{fields.get('logGroupNamePrefix', '')}"
    return None


def ec2_arn(operation: str, fields: Fields, region: str, account: str) -> str | None:
    """Security groups; what ministack keeps of EC2 beside them is only described by this program."""
    if operation == "CreateSecurityGroup":
        return f"arn:aws:ec2:{region}:{account}:security-group/*"
    if operation in SECURITY_GROUP_OPERATIONS and fields.get("GroupId"):
        return f"arn:aws:ec2:{region}:{account}:security-group/{fields['GroupId']}"
    return None


def lambda_arn(path: str, fields: Fields, region: str, account: str) -> str | None:
    """A function that is to be made is named in the body."""
    name = fields.get("FunctionName")
    if not path.rstrip("/").endswith("/functions") or not name:
        return None
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def cloudwatch_arn(operation: str, fields: Fields, region: str, account: str) -> str | None:
    """Alarms are tagged by their ARN, and deleted by name; of several names none stands for all."""
    if fields.get("ResourceARN"):
        return str(fields["ResourceARN"])
    names: list[str] = list(fields.get("AlarmNames") or [])
    if operation != "DeleteAlarms" or len(names) != 1:
        return None
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{names[0]}"


def states_arn(operation: str, fields: Fields) -> str | None:
    """State machines are tagged by their ARN; a definition is checked before it has one."""
    if operation == "ValidateStateMachineDefinition":
        return "*"
    return str(fields["resourceArn"]) if fields.get("resourceArn") else None
