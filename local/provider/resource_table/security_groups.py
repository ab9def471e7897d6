"""EC2 security groups and their egress rules (Amazon EC2 API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider import tags
from local.provider.difference import SET, Comparison
from local.provider.errors import ProviderError, is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import ResourceType, Setting, Tagging
from local.provider.waiting import retrying
from local.provider.work import Work

MISSING_GROUP = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound")
MISSING_RULE = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound")

DELETION_TIMEOUT = 300.0
"""Seconds for which what is being deleted (network interfaces, rules) may still refer to a group."""

ALL = "-1"

RANGES = (
    ("cidrBlocks", "IpRanges", "CidrIp"),
    ("ipv6CidrBlocks", "Ipv6Ranges", "CidrIpv6"),
    ("prefixListIds", "PrefixListIds", "PrefixListId"),
)

DIRECTIONS = {
    "ingress": ("IpPermissions", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"),
    "egress": ("IpPermissionsEgress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress"),
}

TAGGING = Tagging(
    tag=lambda work, new: work.call("CreateTags", Resources=[work.id], Tags=tags.to_list(new)),
    untag=lambda work, keys: work.call("DeleteTags", Resources=[work.id], Tags=[{"Key": key} for key in keys]),
)


def _specified(work: Work, resource: str) -> list[dict[str, Any]] | None:
    if not work.inputs["tags"]:
        return None
    return [{"ResourceType": resource, "Tags": tags.to_list(work.inputs["tags"])}]


def _create_group(work: Work) -> str:
    answer = work.call(
        "CreateSecurityGroup",
        GroupName=work.inputs["name"],
        Description=work.inputs["description"],
        VpcId=work.inputs.get("vpcId"),
        TagSpecifications=_specified(work, "security-group"),
    )
    return str(answer["GroupId"])


def _group(work: Work) -> dict[str, Any]:
    return dict(work.call("DescribeSecurityGroups", GroupIds=[work.id])["SecurityGroups"][0])


def _set_egress(work: Work) -> None:
    """pulumi-aws removes the rule with which EC2 starts every group: what a group allows is what a program says."""
    if work.inputs.get("egress") is not None:
        _set_rules(work, "egress")
        return
    present = [permission for permission in _group(work).get("IpPermissionsEgress") or () if _is_default(permission)]
    if present:
        work.call("RevokeSecurityGroupEgress", GroupId=work.id, IpPermissions=[_sendable(item) for item in present])


def _is_default(permission: Mapping[str, Any]) -> bool:
    return permission.get("IpProtocol") == ALL and any(
        item.get("CidrIp") == "0.0.0.0/0" and not item.get("Description") for item in permission.get("IpRanges") or ()
    )


def _sendable(permission: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in permission.items() if value not in (None, [], "")}


def _set_rules(work: Work, direction: str) -> None:
    member, authorize, revoke = DIRECTIONS[direction]
    wanted = [_permission(work, rule) for rule in work.inputs.get(direction) or ()]
    present = [_sendable(permission) for permission in _group(work).get(member) or ()]
    superfluous = [permission for permission in present if not any(_same(permission, item) for item in wanted)]
    lacking = [permission for permission in wanted if not any(_same(permission, item) for item in present)]
    if superfluous:
        work.call(revoke, GroupId=work.id, IpPermissions=superfluous)
    if lacking:
        work.call(authorize, GroupId=work.id, IpPermissions=lacking)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return Comparison().same(_rule(one, ""), _rule(other, ""), "")


def _permission(work: Work, rule: Mapping[str, Any]) -> dict[str, Any]:
    protocol = str(rule["protocol"]).lower()
    protocol = ALL if protocol == "all" else protocol
    described = {"Description": rule["description"]} if rule.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != ALL:
        permission |= {"FromPort": int(rule["fromPort"]), "ToPort": int(rule["toPort"])}
    for name, member, key in RANGES:
        if rule.get(name):
            permission[member] = [{key: value, **described} for value in rule[name]]
    groups = [*(rule.get("securityGroups") or ()), *([work.id] if rule.get("self") else ())]
    if groups:
        permission["UserIdGroupPairs"] = [{"GroupId": group, **described} for group in groups]
    return permission


def _rule(permission: Mapping[str, Any], own: str) -> dict[str, Any]:
    ranges = {name: sorted(item[key] for item in permission.get(member) or ()) for name, member, key in RANGES}
    groups = [pair["GroupId"] for pair in permission.get("UserIdGroupPairs") or ()]
    described = [
        item.get("Description")
        for member in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
        for item in permission.get(member) or ()
    ]
    return {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort", 0),
        "toPort": permission.get("ToPort", 0),
        **ranges,
        "securityGroups": sorted(group for group in groups if group != own),
        "self": own in groups,
        "description": next((text for text in described if text), ""),
    }


def _read_group(work: Work) -> dict[str, Any]:
    group = _group(work)
    rules = {
        name: [_rule(item, work.id) for item in group.get(member) or ()] for name, (member, *_) in DIRECTIONS.items()
    }
    owner = group.get("OwnerId") or work.account
    return {
        **rules,
        "arn": group.get("SecurityGroupArn") or f"arn:aws:ec2:{work.region}:{owner}:security-group/{work.id}",
        "name": group["GroupName"],
        "description": group["Description"],
        "ownerId": owner,
        "vpcId": group.get("VpcId"),
        "tags": tags.from_list(group.get("Tags") or ()),
    }


def _delete_group(work: Work) -> None:
    if work.known("revokeRulesOnDelete"):
        for member, _, revoke in DIRECTIONS.values():
            present = [_sendable(permission) for permission in _group(work).get(member) or ()]
            if present:
                work.call(revoke, GroupId=work.id, IpPermissions=present)
    retrying(
        lambda: work.call("DeleteSecurityGroup", GroupId=work.id),
        lambda error: is_one_of(error, ("DependencyViolation", "InvalidGroup.InUse")),
        DELETION_TIMEOUT,
    )


def _rule_permission(work: Work) -> dict[str, Any]:
    inputs = work.inputs
    described = {"Description": inputs["description"]} if inputs.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    if inputs["ipProtocol"] != ALL:
        permission |= {"FromPort": inputs.get("fromPort"), "ToPort": inputs.get("toPort")}
    targets = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    given = [name for name in targets if inputs.get(name)]
    if len(given) != 1:
        raise ProviderError(f"exactly one of {', '.join(targets)} is needed, not {len(given)}")
    member, key = targets[given[0]]
    return {**permission, member: [{key: inputs[given[0]], **described}]}


def _create_rule(work: Work) -> str:
    answer = work.call(
        "AuthorizeSecurityGroupEgress",
        GroupId=work.inputs["securityGroupId"],
        IpPermissions=[_rule_permission(work)],
        TagSpecifications=_specified(work, "security-group-rule"),
    )
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def _read_rule(work: Work) -> dict[str, Any] | None:
    try:
        found = work.call("DescribeSecurityGroupRules", SecurityGroupRuleIds=[work.id])["SecurityGroupRules"]
    except ClientError as error:
        if is_one_of(error, (*MISSING_RULE, *MISSING_GROUP)):
            return None
        raise
    if not found:
        return None
    rule = found[0]
    ports = {"fromPort": rule.get("FromPort"), "toPort": rule.get("ToPort")}
    if rule["IpProtocol"] == ALL:
        ports = {"fromPort": None, "toPort": None}
    owner = rule.get("GroupOwnerId") or work.account
    return {
        **work.properties(rule),
        **ports,
        "description": rule.get("Description") or None,
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "securityGroupRuleId": work.id,
        "arn": rule.get("SecurityGroupRuleArn") or f"arn:aws:ec2:{work.region}:{owner}:security-group-rule/{work.id}",
        "tags": tags.from_list(rule.get("Tags") or ()),
    }


RULE_PROPERTIES = frozenset(
    {
        "cidrIpv4",
        "cidrIpv6",
        "description",
        "fromPort",
        "ipProtocol",
        "prefixListId",
        "referencedSecurityGroupId",
        "toPort",
    }
)


def _modify_rule(work: Work) -> None:
    _rule_permission(work)
    names = {"ipProtocol": "IpProtocol", "referencedSecurityGroupId": "ReferencedGroupId"}
    sent = {
        names.get(name, f"{name[0].upper()}{name[1:]}"): value
        for name, value in work.inputs.items()
        if name in RULE_PROPERTIES
    }
    if work.inputs["ipProtocol"] == ALL:
        sent |= {"FromPort": -1, "ToPort": -1}
    work.call(
        "ModifySecurityGroupRules",
        GroupId=work.inputs["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": work.id, "SecurityGroupRule": sent}],
    )


ROWS = (
    ResourceType(
        token="aws:ec2/securityGroup:SecurityGroup",
        service="ec2",
        create=_create_group,
        created_with=frozenset({"name", "description", "vpcId"}),
        identify=lambda work, answer: str(answer),
        read=_read_group,
        settings=(
            Setting(frozenset({"ingress"}), lambda work: _set_rules(work, "ingress"), after_create=True),
            Setting(frozenset({"egress"}), _set_egress, after_create=True, always=True),
        ),
        delete=_delete_group,
        tagging=TAGGING,
        local=frozenset({"revokeRulesOnDelete"}),
        unread=frozenset({"namePrefix"}),
        missing=MISSING_GROUP,
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        auto_name=AutoName(maximum=255),
        key=frozenset({"name", "vpcId"}),
        comparison=Comparison(
            {
                direction + suffix: SET
                for direction in DIRECTIONS
                for suffix in ("", ".cidrBlocks", ".ipv6CidrBlocks", ".prefixListIds", ".securityGroups")
            },
            frozenset({"ingress", "egress", "vpcId"}),
        ),
    ),
    ResourceType(
        token="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        service="ec2",
        create=_create_rule,
        created_with=RULE_PROPERTIES | {"securityGroupId"},
        identify=lambda work, answer: str(answer),
        read=_read_rule,
        settings=(Setting(RULE_PROPERTIES, _modify_rule),),
        delete=lambda work: work.call(
            "RevokeSecurityGroupEgress", GroupId=work.known("securityGroupId"), SecurityGroupRuleIds=[work.id]
        ),
        tagging=TAGGING,
        missing=(*MISSING_RULE, *MISSING_GROUP),
        renames={"securityGroupId": "GroupId"},
        key=frozenset({"securityGroupId", *RULE_PROPERTIES}),
    ),
)
