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
        "BucketObjectv2",
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
        "LifecyclePolicy",
        "Workflow",
    ),
    "inspector2": ("Enabler",),
    "sfn": ("StateMachine",),
    "ec2": ("SecurityGroup",),
    "scheduler": ("Schedule",),
    "vpc": ("SecurityGroupEgressRule",),
}

RESOURCES = {
    f"aws:{module.strip('_')}/{name[0].lower()}{name[1:]}:{name}": f"{module}:{name}"
    for module, names in _MODULES.items()
    for name in names
}

FUNCTIONS = {
    "aws:ec2/getAmi:getAmi": "ec2:get_ami",
    "aws:ec2/getSubnet:getSubnet": "ec2:get_subnet",
    "aws:ec2/getSubnets:getSubnets": "ec2:get_subnets",
    "aws:ec2/getVpcEndpoint:getVpcEndpoint": "ec2:get_vpc_endpoint",
    "aws:iam/getRoles:getRoles": "iam:get_roles",
    "aws:imagebuilder/getComponent:getComponent": "imagebuilder:get_component",
    "aws:imagebuilder/getComponents:getComponents": "imagebuilder:get_components",
    "aws:imagebuilder/getImagePipeline:getImagePipeline": "imagebuilder:get_image_pipeline",
    "aws:imagebuilder/getImagePipelines:getImagePipelines": "imagebuilder:get_image_pipelines",
    "aws:imagebuilder/getImageRecipe:getImageRecipe": "imagebuilder:get_image_recipe",
    "aws:imagebuilder/getImageRecipes:getImageRecipes": "imagebuilder:get_image_recipes",
    "aws:index/getCallerIdentity:getCallerIdentity": ":get_caller_identity",
    "aws:index/getPartition:getPartition": ":get_partition",
    "aws:index/getRegion:getRegion": ":get_region",
    "aws:s3/getObject:getObject": "s3:get_object",
    "aws:ssm/getParameter:getParameter": "ssm:get_parameter",
}
