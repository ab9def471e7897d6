"""Makes the product on the served local cloud, through AWS's API, with the documents that its stack would deploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.documents import PolicyDocument
from model.hub_policies import bucket_policy, start_function_policy, topic_policy
from model.key_policies import data_key_policy, image_key_policy
from model.names import BUILD_PREFIX, TAG_PRODUCT, channel_parameter
from model.upload_policies import uploader_policy
from runtime.functions.pipeline_runs import ENDED
from tests.local.cloud.pipeline_roles import make_execution_role, make_infrastructure
from tests.local.cloud.served_cloud import HOME, HUB, ServedCloud, document, statement
from tests.runtime.served.product import ENTRY_SCRIPT, NAMES, PLAN, ServedProduct

DOCUMENTS = Path(__file__).parents[3] / "runtime" / "documents"
BASE = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def set_up(cloud: ServedCloud) -> ServedProduct:
    """Make the product."""
    data_key = _key(cloud, data_key_policy(NAMES, PLAN, ()))
    image_key = _key(cloud, image_key_policy(PLAN, HOME, ()))
    _bucket(cloud, data_key)
    _pipeline(cloud, data_key, image_key)
    _topic(cloud, data_key)
    return ServedProduct(
        cloud,
        data_key,
        cloud.role(HUB, *_statements(start_function_policy(NAMES, data_key)), name=NAMES.start_function),
        cloud.role(HUB, *_statements(uploader_policy(NAMES, data_key))),
        _reports(cloud),
        _image_states(cloud),
    )


def _statements(policy: PolicyDocument) -> list[dict[str, Any]]:
    return policy.as_dict()["Statement"]


def _key(cloud: ServedCloud, policy: PolicyDocument) -> str:
    return cloud.client("kms").create_key(Policy=policy.json())["KeyMetadata"]["Arn"]


def _bucket(cloud: ServedCloud, data_key: str) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=NAMES.bucket)
    s3.put_bucket_versioning(Bucket=NAMES.bucket, VersioningConfiguration={"Status": "Enabled"})
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": data_key}
    s3.put_bucket_encryption(
        Bucket=NAMES.bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]
        },
    )
    s3.put_bucket_policy(Bucket=NAMES.bucket, Policy=bucket_policy(NAMES, PLAN, data_key).json())


def _pipeline(cloud: ServedCloud, data_key: str, image_key: str) -> None:
    images = cloud.client("imagebuilder")
    cloud.client("logs").create_log_group(logGroupName=NAMES.build_log_group, kmsKeyId=data_key)
    component = images.create_component(
        name=NAMES.stem,
        semanticVersion="1.0.0",
        platform="Linux",
        data=(DOCUMENTS / "install-scripts-linux.yaml").read_text(encoding="utf-8"),
        kmsKeyId=data_key,
    )["componentBuildVersionArn"]
    parameters = {"Build": f"s3://{NAMES.bucket}/{BUILD_PREFIX}", "EntryScript": ENTRY_SCRIPT}
    volume = {"encrypted": True, "kmsKeyId": image_key, "volumeSize": 10, "volumeType": "gp3"}
    recipe = images.create_image_recipe(
        name=NAMES.stem,
        semanticVersion="1.0.0",
        parentImage=BASE,
        components=[
            {
                "componentArn": component,
                "parameters": [{"name": name, "value": [value]} for name, value in parameters.items()],
            }
        ],
        blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {**volume, "deleteOnTermination": True}}],
    )["imageRecipeArn"]
    made = images.create_image_pipeline(
        name=NAMES.stem,
        imageRecipeArn=recipe,
        infrastructureConfigurationArn=make_infrastructure(cloud, NAMES, data_key),
        distributionConfigurationArn=images.create_distribution_configuration(
            name=NAMES.stem, distributions=[_distribution(image_key)]
        )["distributionConfigurationArn"],
        executionRole=make_execution_role(cloud, NAMES, PLAN, (image_key,)),
        # The test instance would install nothing: it only makes each build longer.
        imageTestsConfiguration={"imageTestsEnabled": False, "timeoutMinutes": 60},
        loggingConfiguration={"imageLogGroupName": NAMES.build_log_group},
    )["imagePipelineArn"]
    assert made == NAMES.pipeline_arn


def _distribution(image_key: str) -> dict[str, Any]:
    return {
        "region": HOME,
        "amiDistributionConfiguration": {
            "name": f"{NAMES.stem}-{{{{ imagebuilder:buildDate }}}}",
            "kmsKeyId": image_key,
            "amiTags": {TAG_PRODUCT: NAMES.product},
        },
        "ssmParameterConfigurations": [
            {"parameterName": channel_parameter(NAMES.product), "amiAccountId": HUB, "dataType": "aws:ec2:image"}
        ],
    }


def _topic(cloud: ServedCloud, data_key: str) -> None:
    sns = cloud.client("sns")
    sns.create_topic(Name=NAMES.topic, Attributes={"KmsMasterKeyId": data_key})
    sns.set_topic_attributes(
        TopicArn=NAMES.topic_arn, AttributeName="Policy", AttributeValue=topic_policy(NAMES).json()
    )


def _reports(cloud: ServedCloud) -> str:
    url, arn = _queue(cloud, "reports", "sns.amazonaws.com")
    cloud.client("sns").subscribe(
        TopicArn=NAMES.topic_arn, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    return url


def _image_states(cloud: ServedCloud) -> str:
    url, arn = _queue(cloud, "image-states", "events.amazonaws.com")
    events, rule = cloud.client("events"), NAMES.image_state_rule
    pattern = {
        "source": ["aws.imagebuilder"],
        "detail-type": ["EC2 Image Builder Image State Change"],
        "resources": [{"prefix": NAMES.image_arn_pattern.removesuffix("*")}],
        "detail": {"state": {"status": sorted(ENDED)}},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _queue(cloud: ServedCloud, name: str, sender: str) -> tuple[str, str]:
    """URL and ARN of a new queue to which a service may send."""
    sqs = cloud.client("sqs")
    arn = f"arn:aws:sqs:{HOME}:{HUB}:{name}"
    policy = document(statement("sqs:SendMessage", arn, Principal={"Service": sender}))
    return sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn
