"""A hub whose one pipeline distributes to five target accounts, made through AWS's API with the program's documents.

The image is built in one Region and distributed in another, so that a target reads under one key and writes under
its replica.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model.distribution import DistributionPlan, RegionTarget
from model.documents import PolicyDocument
from model.hub_policies import start_function_policy
from model.key_policies import data_key_policy, image_key_policy
from model.names import (
    DISTRIBUTION_MANAGED_POLICY,
    DISTRIBUTION_ROLE,
    TAG_PRODUCT,
    ProductNames,
    channel_parameter,
)
from model.target_policies import distribution_role_policy, distribution_role_trust
from runtime.functions.pipeline_runs import ENDED, PipelineRuns
from tests.local.cloud.pipeline_roles import make_execution_role, make_infrastructure
from tests.local.cloud.served_cloud import AWAY, HOME, HUB, ServedCloud

TARGETS = tuple(digit * 12 for digit in "23456")
PLAN = DistributionPlan(HUB, HOME, (RegionTarget(AWAY, TARGETS),), ())
NAMES = ProductNames("web", HUB, HOME)
PARAMETER = channel_parameter(NAMES.product)
ROLE_POLICY = "use-image-keys-and-channels"
BASE = "ssm:/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"
"""Of all systems, instances of this one hold the fewest files here, and what they hold makes no difference."""

NOTHING_TO_DO = {
    "schemaVersion": "1.0",
    "phases": [
        {
            "name": "build",
            "steps": [{"name": "Nothing", "action": "ExecutePowerShell", "inputs": {"commands": ["exit 0"]}}],
        }
    ],
}
REACHING_TARGETS = ("DISTRIBUTING", "INTEGRATING")
"""States of an image in which its targets change."""

SECONDS = 60
"""Longest time that a build may take, on a busy machine."""


@dataclass
class FiveTargets:
    """The deployment: the runs of its pipeline, and what is there in its accounts."""

    cloud: ServedCloud
    runs: PipelineRuns
    image_keys: dict[str, str]
    """ARN of the image key by Region."""

    def ended(self, arn: str) -> dict[str, Any]:
        """The image once its run has ended; until then no parameter may name what its account does not have."""
        pause, deadline, seen = threading.Event(), time.monotonic() + SECONDS, ""
        while time.monotonic() < deadline:
            image: dict[str, Any] = self.cloud.client("imagebuilder").get_image(imageBuildVersionArn=arn)["image"]
            status = image["state"]["status"]
            # Before its distribution one look at each state is enough: nothing reaches the targets.
            if status != seen or status in REACHING_TARGETS:
                self.parameters()
            if status in ENDED:
                return image
            seen = status
            pause.wait(0.2)
        raise AssertionError(f"{arn} did not end within {SECONDS} s")

    def parameters(self) -> dict[str, str]:
        """Values of the parameters by account, each seen to name an image that is available there."""
        found: dict[str, str] = {}
        for account in TARGETS:
            try:
                value = self.cloud.client("ssm", account, AWAY).get_parameter(Name=PARAMETER)["Parameter"]["Value"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ParameterNotFound":
                    raise
                continue
            ec2 = self.cloud.client("ec2", account, AWAY)
            states = [image["State"] for image in ec2.describe_images(ImageIds=[value])["Images"]]
            assert states == ["available"], f"the parameter of {account} names {value}, which is {states}"
            found[account] = value
        return found

    def copies(self, arn: str) -> dict[str, list[str]]:
        """Ids of the available AMIs that an image has in the targets, by account; none where there is none."""
        filters = [
            {"Name": "tag:Ec2ImageBuilderArn", "Values": [arn]},
            {"Name": "state", "Values": ["available"]},
        ]
        return {
            account: [image["ImageId"] for image in answer["Images"]]
            for account in TARGETS
            if (answer := self.cloud.client("ec2", account, AWAY).describe_images(Owners=["self"], Filters=filters))
        }

    def instances(self) -> set[str]:
        """Ids of all instances that the hub ever launched."""
        reservations = self.cloud.client("ec2").describe_instances()["Reservations"]
        return {instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]}

    def hub_images(self) -> set[str]:
        """Ids of the AMIs of builds."""
        return {image["ImageId"] for image in self.cloud.client("ec2").describe_images(Owners=["self"])["Images"]}

    def made(self) -> tuple[set[str], set[str], set[str]]:
        """What only a build makes: instances, AMIs in the hub, and image resources of the pipeline."""
        return self.instances(), self.hub_images(), {image.arn for image in self.runs.images()}


def set_up(cloud: ServedCloud) -> FiveTargets:
    """Make the product and its targets."""
    data_key = cloud.client("kms").create_key(Policy=data_key_policy(NAMES, PLAN, ()).json())["KeyMetadata"]["Arn"]
    image_keys = _image_keys(cloud)
    for account in TARGETS:
        make_distribution_role(cloud, account)
    _pipeline(cloud, data_key, image_keys)
    statements = start_function_policy(NAMES, data_key).as_dict()["Statement"]
    function = cloud.role(HUB, *statements, name=NAMES.start_function)
    runs = PipelineRuns(cloud.client("imagebuilder", function), NAMES.pipeline_arn, NAMES.product)
    return FiveTargets(cloud, runs, image_keys)


def make_distribution_role(cloud: ServedCloud, account: str) -> None:
    """The role that Image Builder assumes in a target, as the landing zone makes it."""
    iam = cloud.client("iam", account)
    iam.create_role(RoleName=DISTRIBUTION_ROLE, AssumeRolePolicyDocument=distribution_role_trust(HUB).json())
    iam.attach_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyArn=DISTRIBUTION_MANAGED_POLICY)
    put_role_policy(cloud, account, distribution_role_policy(HUB, account))


def put_role_policy(cloud: ServedCloud, account: str, policy: PolicyDocument) -> None:
    """Replace the distribution role's inline policy."""
    cloud.client("iam", account).put_role_policy(
        RoleName=DISTRIBUTION_ROLE, PolicyName=ROLE_POLICY, PolicyDocument=policy.json()
    )


def _image_keys(cloud: ServedCloud) -> dict[str, str]:
    kms = cloud.client("kms")
    home, away = (image_key_policy(PLAN, region, ()).json() for region in (HOME, AWAY))
    primary = kms.create_key(MultiRegion=True, Policy=home)["KeyMetadata"]["Arn"]
    replica = kms.replicate_key(KeyId=primary, ReplicaRegion=AWAY, Policy=away)["ReplicaKeyMetadata"]["Arn"]
    return {HOME: primary, AWAY: replica}


def _pipeline(cloud: ServedCloud, data_key: str, image_keys: dict[str, str]) -> None:
    images = cloud.client("imagebuilder")
    cloud.client("logs").create_log_group(logGroupName=NAMES.build_log_group, kmsKeyId=data_key)
    component = images.create_component(
        name=NAMES.stem, semanticVersion="1.0.0", platform="Windows", data=json.dumps(NOTHING_TO_DO), kmsKeyId=data_key
    )["componentBuildVersionArn"]
    volume = {"encrypted": True, "kmsKeyId": image_keys[HOME], "volumeSize": 30, "volumeType": "gp3"}
    recipe = images.create_image_recipe(
        name=NAMES.stem,
        semanticVersion="1.0.0",
        parentImage=BASE,
        components=[{"componentArn": component}],
        blockDeviceMappings=[{"deviceName": "/dev/sda1", "ebs": volume}],
    )["imageRecipeArn"]
    distribution = images.create_distribution_configuration(
        name=NAMES.stem, distributions=[_distribution(image_keys[AWAY])]
    )["distributionConfigurationArn"]
    made = images.create_image_pipeline(
        name=NAMES.stem,
        imageRecipeArn=recipe,
        infrastructureConfigurationArn=make_infrastructure(cloud, NAMES, data_key),
        distributionConfigurationArn=distribution,
        executionRole=make_execution_role(cloud, NAMES, PLAN, tuple(image_keys[region] for region in PLAN.key_regions)),
        # A test instance has nothing to look at here and makes each build longer.
        imageTestsConfiguration={"imageTestsEnabled": False, "timeoutMinutes": 60},
        loggingConfiguration={"imageLogGroupName": NAMES.build_log_group},
    )["imagePipelineArn"]
    assert made == NAMES.pipeline_arn


def _distribution(image_key: str) -> dict[str, Any]:
    return {
        "region": AWAY,
        "amiDistributionConfiguration": {
            "name": f"{NAMES.stem}-{{{{ imagebuilder:buildDate }}}}",
            "kmsKeyId": image_key,
            "targetAccountIds": list(TARGETS),
            "amiTags": {TAG_PRODUCT: NAMES.product},
        },
        "ssmParameterConfigurations": [
            {"parameterName": PARAMETER, "amiAccountId": account, "dataType": "aws:ec2:image"} for account in TARGETS
        ],
    }
