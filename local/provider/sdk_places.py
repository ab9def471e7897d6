"""Where the Python SDK keeps the resource types and functions of the table; only needed to read the declarations."""

_MODULES = {
    "kms": ("Key", "ReplicaKey", "Alias", "Grant"),
    "s3": (
        "Bucket",
        "BucketVersioning",
        "BucketServerSideEncryptionConfiguration",
        "BucketPublicAccessBlock",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketNotification",
        "BucketLifecycleConfiguration",
    ),
    "iam": ("Role", "RolePolicy", "RolePolicyAttachment", "InstanceProfile", "Policy"),
    "lambda_": ("Function", "Permission", "FunctionEventInvokeConfig", "LayerVersion"),
    "sqs": ("Queue", "QueuePolicy"),
    "sns": ("Topic", "TopicPolicy", "TopicSubscription"),
    "cloudwatch": ("LogGroup", "EventRule", "EventTarget", "MetricAlarm"),
    "imagebuilder": (
        "Component",
        "ImageRecipe",
        "InfrastructureConfiguration",
        "DistributionConfiguration",
        "ImagePipeline",
    ),
    "ec2": ("SecurityGroup",),
    "vpc": ("SecurityGroupEgressRule",),
}

RESOURCES = {
    f"aws:{module.strip('_')}/{name[0].lower()}{name[1:]}:{name}": f"{module}:{name}"
    for module, names in _MODULES.items()
    for name in names
}

FUNCTIONS = {
    "aws:ec2/getSubnet:getSubnet": "ec2:get_subnet",
    "aws:index/getCallerIdentity:getCallerIdentity": ":get_caller_identity",
    "aws:index/getPartition:getPartition": ":get_partition",
    "aws:index/getRegion:getRegion": ":get_region",
    "aws:ssm/getParameter:getParameter": "ssm:get_parameter",
}
