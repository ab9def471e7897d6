"""AWS's limits on what a preview asks for: those of its service models, and those that only its documentation tells."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from local.provider.mapping import Mapper
from local.provider.resource_table import resource_type
from local.provider.resource_type import Call
from local.provider.work import input_shape, service_model
from model.versions import MAXIMUM_NODE, nodes

OPERATIONS: Mapping[str, str] = {
    "aws:cloudwatch/eventRule:EventRule": "PutRule",
    "aws:cloudwatch/eventTarget:EventTarget": "",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "PutMetricAlarm",
    "aws:iam/rolePolicy:RolePolicy": "PutRolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "AttachRolePolicy",
    "aws:kms/replicaKey:ReplicaKey": "ReplicateKey",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "PutFunctionEventInvokeConfig",
    "aws:lambda/layerVersion:LayerVersion": "PublishLayerVersion",
    "aws:lambda/permission:Permission": "AddPermission",
    "aws:s3/bucketObjectv2:BucketObjectv2": "PutObject",
    "aws:sns/topicSubscription:TopicSubscription": "Subscribe",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "",
    **{
        f"aws:{kind}": ""
        for kind in (
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            "s3/bucketNotification:BucketNotification",
            "s3/bucketOwnershipControls:BucketOwnershipControls",
            "s3/bucketPolicy:BucketPolicy",
            "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "s3/bucketVersioning:BucketVersioning",
            "sns/topicPolicy:TopicPolicy",
            "sqs/queuePolicy:QueuePolicy",
            # Its logging is a list of objects for AWS and one object here; its rows say so by code.
            "sfn/stateMachine:StateMachine",
        )
    },
}
"""What makes a resource where that is not `Create` and the type's name; "" where the tables below tell all."""

POLICY_MAXIMA: Mapping[tuple[str, str], int] = {
    ("aws:iam/role:Role", "assumeRolePolicy"): 2_048,
    ("aws:iam/policy:Policy", "policy"): 6_144,
    ("aws:kms/key:Key", "policy"): 32_768,
    ("aws:kms/replicaKey:ReplicaKey", "policy"): 32_768,
    ("aws:s3/bucketPolicy:BucketPolicy", "policy"): 20_480,
    ("aws:sns/topicPolicy:TopicPolicy", "policy"): 30_720,
    ("aws:sqs/queuePolicy:QueuePolicy", "policy"): 8_192,
    ("aws:cloudwatch/eventRule:EventRule", "eventPattern"): 2_048,
}
"""Characters of a document without white space, as IAM counts them (IAM User Guide, KMS, S3, SNS, SQS and EventBridge
quotas)."""

INLINE_MAXIMUM = 10_240
"""Characters of all inline policies of one role (IAM User Guide, "IAM and AWS STS quotas")."""

ENVIRONMENT_MAXIMUM = 4_096
"""Bytes of a function's variables (Lambda Developer Guide, "Lambda quotas")."""

TAG_MAXIMA: Mapping[str, int] = {"aws:s3/bucketObjectv2:BucketObjectv2": 10}
"""Tags of a resource where they are not 50."""

TAG_KEY = re.compile(r"^(?![aA][wW][sS]:)[A-Za-z0-9 _.:/=+\-@]{1,128}$")
"""Image Builder's pattern is the narrowest (service model, TagKey); `aws:` is AWS's own in any case."""

GROUP_RULES = 60
"""Outbound rules of a security group (VPC User Guide, "Amazon VPC quotas")."""

FILTER_COMBINATIONS = 150
"""Values of a filter policy multiplied over its keys (SNS Developer Guide, "Filter policy constraints")."""

MADE_UP = re.compile(r"^arn:aws:[^:]*:[^:]*:111111111111:key/|-id$")
"""Ids and ARNs with which the mocks answer, and which no service would give."""

KEY_ID = re.compile(r":key/[A-Za-z0-9-]+")


def broken_limits(resources: Sequence[Any]) -> list[str]:
    """Everything among a preview's resources that AWS or the engine would refuse, each with its resource."""
    defaults = {
        resource.name: _mapping(resource.inputs.get("defaultTags")).get("tags", {})
        for resource in resources
        if resource.type == "pulumi:providers:aws"
    }
    found = [*_repeated_names(resources), *_inline_policies(resources), *_group_rules(resources)]
    for resource in resources:
        if resource.type.startswith("aws:"):
            provider = resource.provider.split("::")[-2] if "::" in resource.provider else ""
            wrong = [*_shape(resource), *_documents(resource), *_tags(resource, _mapping(defaults.get(provider)))]
            found += [f"{resource.type} {resource.name}: {each}" for each in (*wrong, *_own_limits(resource))]
    return found


def _repeated_names(resources: Sequence[Any]) -> Iterator[str]:
    for (kind, name), count in Counter((resource.type, resource.name) for resource in resources).items():
        if count > 1:
            yield f"{kind} {name}: the engine refuses {count} resources with the same name"
    named = Counter(
        (one.type, one.provider, str(one.inputs.get("region", "")), str(one.inputs["name"]).lower())
        for one in resources
        if isinstance(one.inputs.get("name"), str) and one.type in {"aws:iam/role:Role", "aws:lambda/function:Function"}
    )
    yield from (f"{key[0]}: AWS has one {key[3]!r}, not {count}" for key, count in named.items() if count > 1)


def _inline_policies(resources: Sequence[Any]) -> Iterator[str]:
    sizes: Counter[tuple[str, str]] = Counter()
    for resource in resources:
        if resource.type == "aws:iam/rolePolicy:RolePolicy":
            role = str(resource.inputs["role"])
            sizes[resource.provider, role.removesuffix("-id")] += _size(resource.inputs["policy"])
    for (_, role), size in sizes.items():
        if size > INLINE_MAXIMUM:
            yield f"role {role}: its inline policies have {size} characters, and IAM takes {INLINE_MAXIMUM}"


def _group_rules(resources: Sequence[Any]) -> Iterator[str]:
    rules = sum(resource.type.endswith(":SecurityGroupEgressRule") for resource in resources)
    if rules > GROUP_RULES:
        yield f"the security group has {rules} rules, and EC2 takes {GROUP_RULES}"


def _shape(resource: Any) -> Iterator[str]:
    row = resource_type(resource.type)
    operation = OPERATIONS.get(resource.type)
    if operation is None:
        operation = (
            row.create.operation if isinstance(row.create, Call) else f"Create{resource.type.rpartition(':')[2]}"
        )
    if not operation:
        return
    assert operation in service_model(row.service).operation_names, f"add how {resource.type} is made to OPERATIONS"
    shape = input_shape(row.service, operation)
    properties = {name: value for name, value in resource.inputs.items() if name not in {"region", "code", "tags"}}
    parameters = Mapper(row.token, row.renames).to_aws(shape, properties)
    for name, value in parameters.items():
        yield from _value(shape.members[name], value, name)


def _value(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, entry in value.items():
            yield from _value(shape.members[name], entry, f"{path}.{name}")
        return
    size: Any = len(value) if hasattr(value, "__len__") else value
    if isinstance(size, int) and not isinstance(size, bool):
        least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
        if not least <= size <= most:
            yield f"{path} must be between {least} and {most}, it is {size}: {str(value)[:80]!r}"
    if isinstance(shape, ListShape):
        for index, entry in enumerate(value):
            yield from _value(shape.member, entry, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, entry in value.items():
            yield from _value(shape.key, key, f"{path}.{key}")
            yield from _value(shape.value, entry, f"{path}.{key}")
    elif isinstance(shape, StringShape) and not MADE_UP.search(str(value)):
        yield from _text(shape, str(value), path)


def _text(shape: StringShape, value: str, path: str) -> Iterator[str]:
    pattern = _python(str(shape.metadata.get("pattern", "")))
    if pattern and re.fullmatch(pattern, value, re.ASCII) is None:
        yield f"{path} must match {pattern}, it is {value!r}"
    if shape.enum and value not in shape.enum:
        yield f"{path} must be one of {', '.join(shape.enum)}, it is {value!r}"


def _python(pattern: str) -> str:
    r"""A Java pattern in Python's words: escapes of characters, and `\p{…}` classes, which it lacks."""
    classes = {"L": r"a-zA-ZÀ-ɏ", "Z": r" ", "N": r"0-9", "S": r"+<=>|~$^`", "P": r"!-/:-@\[-`{-~", "M": ""}
    pattern = re.sub(r"\\p\{(?:Is)?([A-Z])[a-z]*\}", lambda found: classes[found[1]], pattern)
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: re.escape(chr(int(found[1], 16))), pattern)


def _documents(resource: Any) -> Iterator[str]:
    for (kind, name), most in POLICY_MAXIMA.items():
        if resource.type == kind and (size := _size(resource.inputs.get(name, ""))) > most:
            yield f"{name} has {size} characters, and AWS takes {most}"


def _tags(resource: Any, defaults: Mapping[str, str]) -> Iterator[str]:
    own = _mapping(resource.inputs.get("tags"))
    overridden = "overrideProvider" in resource.inputs
    tags = {**({} if overridden else defaults), **own}
    most = TAG_MAXIMA.get(resource.type, 50)
    if len(tags) > most:
        yield f"has {len(tags)} tags, and AWS takes {most}"
    for key, value in tags.items():
        if TAG_KEY.match(key) is None:
            yield f"has a tag {key!r}, whose key AWS refuses"
        if len(value) > 256 or any(not (letter.isalnum() or letter in " _.:/=+-@") for letter in value):
            yield f"tag {key!r} has a value that AWS refuses: {value!r}"
    for key, count in Counter(key.lower() for key in tags).items():
        if count > 1:
            yield f"has {count} tags {key!r} that differ in case only, which IAM refuses"


def _own_limits(resource: Any) -> Iterator[str]:
    versioned = resource.type.startswith("aws:imagebuilder/") and "version" in resource.inputs
    if versioned and max(nodes(resource.inputs["version"])) > MAXIMUM_NODE:
        yield f"version {resource.inputs['version']} has a node beyond {MAXIMUM_NODE}"
    if variables := _mapping(_mapping(resource.inputs.get("environment")).get("variables")):
        size = len(json.dumps(dict(variables)).encode())
        if size > ENVIRONMENT_MAXIMUM:
            yield f"its environment has {size} bytes, and Lambda takes {ENVIRONMENT_MAXIMUM}"
    if filter_policy := resource.inputs.get("filterPolicy"):
        policies = json.loads(filter_policy)
        combined = sum(_combinations(each) for each in policies.get("$or", [policies]))
        if combined > FILTER_COMBINATIONS:
            yield f"its filter policy has {combined} combinations, and SNS takes {FILTER_COMBINATIONS}"


def _combinations(policy: Mapping[str, Any]) -> int:
    product = 1
    for values in policy.values():
        product *= len(values)
    return product


def _size(document: Any) -> int:
    """Characters of a document without white space, with key ids as long as AWS's."""
    text = json.dumps(json.loads(document), separators=(",", ":")) if document else ""
    return len(KEY_ID.sub(f":key/mrk-{'0' * 32}", text).encode())


def _mapping(value: Any) -> Mapping[str, Any]:
    """A map of a resource's inputs; a provider's are JSON."""
    if isinstance(value, str):
        value = json.loads(value)
    return value or {}
