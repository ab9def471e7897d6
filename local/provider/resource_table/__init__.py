"""The table of resource types: one module for each AWS service, imported when one of its types is first used."""

from __future__ import annotations

import importlib
from functools import cache
from types import MappingProxyType

from local.provider.errors import UnsupportedTypeError
from local.provider.resource_type import ResourceType

MODULES = MappingProxyType(
    {
        "aws:cloudwatch/eventRule:EventRule": "events",
        "aws:cloudwatch/eventTarget:EventTarget": "events",
        "aws:cloudwatch/logGroup:LogGroup": "logs",
        "aws:cloudwatch/metricAlarm:MetricAlarm": "alarms",
        "aws:ec2/securityGroup:SecurityGroup": "security_groups",
        "aws:iam/instanceProfile:InstanceProfile": "instance_profiles",
        "aws:iam/policy:Policy": "policies",
        "aws:iam/role:Role": "roles",
        "aws:iam/rolePolicy:RolePolicy": "policies",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policies",
        "aws:imagebuilder/component:Component": "image_builder",
        "aws:imagebuilder/distributionConfiguration:DistributionConfiguration": "image_builder_configurations",
        "aws:imagebuilder/imagePipeline:ImagePipeline": "image_builder",
        "aws:imagebuilder/imageRecipe:ImageRecipe": "image_builder",
        "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration": "image_builder_configurations",
        "aws:imagebuilder/lifecyclePolicy:LifecyclePolicy": "image_builder_lifecycle",
        "aws:imagebuilder/workflow:Workflow": "workflows",
        "aws:inspector2/enabler:Enabler": "inspector",
        "aws:kms/alias:Alias": "keys",
        "aws:kms/grant:Grant": "grants",
        "aws:kms/key:Key": "keys",
        "aws:kms/replicaKey:ReplicaKey": "keys",
        "aws:lambda/function:Function": "functions",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "function_access",
        "aws:lambda/layerVersion:LayerVersion": "layers",
        "aws:lambda/permission:Permission": "function_access",
        "aws:s3/bucket:Bucket": "buckets",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket_lifecycle",
        "aws:s3/bucketNotification:BucketNotification": "bucket_settings",
        "aws:s3/bucketObjectv2:BucketObjectv2": "objects",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket_settings",
        "aws:s3/bucketPolicy:BucketPolicy": "bucket_settings",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket_settings",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket_settings",
        "aws:s3/bucketVersioning:BucketVersioning": "bucket_settings",
        "aws:scheduler/schedule:Schedule": "schedules",
        "aws:sfn/stateMachine:StateMachine": "state_machines",
        "aws:sns/topic:Topic": "topics",
        "aws:sns/topicPolicy:TopicPolicy": "topics",
        "aws:sns/topicSubscription:TopicSubscription": "subscriptions",
        "aws:sqs/queue:Queue": "queues",
        "aws:sqs/queuePolicy:QueuePolicy": "queues",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "security_groups",
    }
)


@cache
def resource_type(token: str) -> ResourceType:
    """The row of a type; raises `UnsupportedTypeError` that names one which is not in the table."""
    if token not in MODULES:
        raise UnsupportedTypeError(token)
    module = importlib.import_module(f"local.provider.resource_table.{MODULES[token]}")
    rows: tuple[ResourceType, ...] = module.ROWS
    return next(row for row in rows if row.token == token)
