"""A product whose images go after a time, on a served cloud whose clock is moved by days.

The target gets copies in one Region and the hub in another, so that the AMIs of builds are at no destination.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local.clock import forward
from model.distribution import DistributionPlan, RegionTarget
from model.documents import PolicyDocument
from model.hub_policies import report_function_policy, sweep_function_policy
from model.key_policies import data_key_policy, image_key_policy
from model.names import (
    DISTRIBUTION_MANAGED_POLICY,
    DISTRIBUTION_ROLE,
    LIFECYCLE_MANAGED_POLICY,
    LIFECYCLE_ROLE,
    TAG_MANIFEST,
    TAG_PRODUCT,
    TAG_SCRIPT_VERSION,
    ProductNames,
    channel_parameter,
    role_arn,
)
from model.pipeline_policies import execution_role_trust
from model.retention_policies import lifecycle_execution_policy, lifecycle_role_policy, lifecycle_role_trust
from model.target_policies import distribution_role_policy, distribution_role_trust
from runtime.functions import report_outcome, sweep_images
from runtime.functions.pipeline_runs import ENDED
from runtime.functions.retention import Place, Rules
from runtime.functions.settings import Settings
from tests.local.cloud.image_builder.five_targets import BASE, NOTHING_TO_DO
from tests.local.cloud.pipeline_roles import make_execution_role, make_infrastructure
from tests.local.cloud.served_cloud import AWAY, HOME, HUB, TARGET, Role, ServedCloud

PLAN = DistributionPlan(HUB, HOME, (RegionTarget(HOME, (TARGET,)), RegionTarget(AWAY, ())), (), retention=True)
NAMES = ProductNames("web", HUB, HOME)
CHANNEL = channel_parameter(NAMES.product)
RULES = Rules(after_days=90, keep_newest=2)
BUILDS, COPIES, TARGETS = Place(HUB, HOME), Place(HUB, AWAY), Place(TARGET, HOME)
"""Where AMIs of builds are, where the hub has its copies, and where the target has its own."""

SECONDS = 60
"""Longest time that a build may take, on a busy machine."""


@dataclass
class RetainedProduct:
    """The deployment; images are known by the order in which they were made, from 1 on."""

    cloud: ServedCloud
    topic: str
    sweeper: Role
    reporter: Role
    day: float = 0
    images: list[str] = field(default_factory=list[str])

    def on(self, day: float) -> None:
        """Let the time be that of a day."""
        if day > self.day:
            forward(self.cloud.address, HUB, timedelta(days=day - self.day))
        self.day = day

    def build(self, day: float) -> int:
        """Build an image on a day, and have it reported; returns its number."""
        self.on(day)
        builder, number = self.cloud.client("imagebuilder"), len(self.images) + 1
        tags = {TAG_PRODUCT: NAMES.product, TAG_MANIFEST: f"digest-{number}", TAG_SCRIPT_VERSION: f"version-{number}"}
        arn = builder.start_image_pipeline_execution(imagePipelineArn=NAMES.pipeline_arn, tags=tags)[
            "imageBuildVersionArn"
        ]
        pause, state = threading.Event(), dict[str, Any]()
        for _ in range(SECONDS * 5):
            state = builder.get_image(imageBuildVersionArn=arn)["image"]["state"]
            if state["status"] in ENDED:
                break
            pause.wait(0.2)
        assert state == {"status": "AVAILABLE"}
        self.images.append(arn)
        self.report(number)
        return number

    def report(self, number: int) -> None:
        """Call the report function for an image."""
        with self._as(self.reporter):
            report_outcome.lambda_handler({"resources": [self.images[number - 1]]}, _context(NAMES.report_function))

    def sweep(self) -> dict[str, Any]:
        """Call the sweeping function, as its rule does."""
        now = datetime.now(UTC) + timedelta(days=self.day)
        with self._as(self.sweeper):
            return sweep_images.lambda_handler({"time": now.isoformat()}, _context(NAMES.sweep_function))

    @contextmanager
    def _as(self, function: Role) -> Generator[None]:
        pipeline = NAMES.pipeline_arn
        settings = Settings(NAMES.product, "linux", "install.sh", NAMES.bucket, HUB, "key", pipeline, self.topic)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.environment().items():
                patch.setenv(name, value)
            patch.setenv("RETENTION", RULES.json())
            patch.setenv("AWS_ENDPOINT_URL", self.cloud.address)
            patch.setenv("AWS_DEFAULT_REGION", HOME)
            patch.setenv("AWS_ACCESS_KEY_ID", function.who.access_key)
            patch.setenv("AWS_SECRET_ACCESS_KEY", function.who.secret)
            patch.setenv("AWS_SESSION_TOKEN", function.who.token or "")
            # boto3 keeps its first session with the credentials of that time.
            patch.setattr("boto3.DEFAULT_SESSION", None)
            yield

    def there(self, place: Place) -> dict[int, str]:
        """AMIs of the product that are still in a place, by their image's number."""
        ec2 = self.cloud.client("ec2", place.account, place.region)
        found: dict[int, str] = {}
        for image in ec2.describe_images(Owners=["self"])["Images"]:
            arn = {tag["Key"]: tag["Value"] for tag in image["Tags"]}["Ec2ImageBuilderArn"]
            found[self.images.index(arn) + 1] = image["ImageId"]
        return found

    def snapshots(self, place: Place) -> int:
        """How many snapshots a place has."""
        return len(
            self.cloud.client("ec2", place.account, place.region).describe_snapshots(OwnerIds=["self"])["Snapshots"]
        )

    def resources(self) -> list[int]:
        """Images that Image Builder still holds."""
        listed = self.cloud.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=NAMES.pipeline_arn)
        return [self.images.index(image["arn"]) + 1 for image in listed["imageSummaryList"]]

    def marked(self, place: Place, tag: str) -> list[int]:
        """Images whose AMI in a place has a tag."""
        ec2, there = self.cloud.client("ec2", place.account, place.region), self.there(place)
        filters = [{"Name": f"tag:{tag}", "Values": ["true"]}]
        ids = {image["ImageId"] for image in ec2.describe_images(Owners=["self"], Filters=filters)["Images"]}
        return sorted(number for number, ami in there.items() if ami in ids)

    def go_back(self, place: Place, number: int) -> None:
        """Let the channel of a place name the AMI of an image."""
        ssm = self.cloud.client("ssm", place.account, place.region)
        ssm.put_parameter(
            Name=CHANNEL, Value=self.there(place)[number], Type="String", DataType="aws:ec2:image", Overwrite=True
        )

    def lifecycle(self) -> dict[str, str]:
        """What the newest execution of the lifecycle policy says of each image and what belongs to it: state, reason.

        Images are known by their number, AMIs by `<number> <account> <Region>`.
        """
        builder = self.cloud.client("imagebuilder")
        arn = NAMES.pipeline_arn.replace("image-pipeline", "lifecycle-policy")
        execution = builder.list_lifecycle_executions(resourceArn=arn)["lifecycleExecutions"][0]
        given = {"lifecycleExecutionId": execution["lifecycleExecutionId"]}
        found: dict[str, str] = {}
        for image in builder.list_lifecycle_execution_resources(**given)["resources"]:
            number = str(self.images.index(image["resourceId"]) + 1)
            found[number] = _state(image)
            of_image = builder.list_lifecycle_execution_resources(**given, parentResourceId=image["resourceId"])
            for ami in of_image["resources"]:
                found[f"{number} {ami['accountId']} {ami['region']}"] = _state(ami)
        return found


def _state(resource: dict[str, Any]) -> str:
    state = resource["state"]
    return f"{state['status']} {state.get('reason', '')}".strip()


def _context(function: str) -> Any:
    return SimpleNamespace(
        function_name=function,
        memory_limit_in_mb=1024,
        invoked_function_arn=NAMES.function_arn(function),
        aws_request_id="request",
    )


def set_up(cloud: ServedCloud) -> RetainedProduct:
    """Make the product, its lifecycle policy and its target, with the documents that its stack would deploy."""
    kms = cloud.client("kms")
    data_key = kms.create_key(Policy=data_key_policy(NAMES, PLAN, ()).json())["KeyMetadata"]["Arn"]
    home, away = (image_key_policy(PLAN, region, ()).json() for region in (HOME, AWAY))
    primary = kms.create_key(MultiRegion=True, Policy=home)["KeyMetadata"]["Arn"]
    replica = kms.replicate_key(KeyId=primary, ReplicaRegion=AWAY, Policy=away)["ReplicaKeyMetadata"]["Arn"]
    topic = cloud.client("sns").create_topic(Name=NAMES.topic)["TopicArn"]
    _target_role(cloud, DISTRIBUTION_ROLE, distribution_role_trust(HUB), DISTRIBUTION_MANAGED_POLICY,
                 distribution_role_policy(HUB, TARGET))  # fmt: skip
    _target_role(cloud, LIFECYCLE_ROLE, lifecycle_role_trust(HUB), LIFECYCLE_MANAGED_POLICY,
                 lifecycle_role_policy(TARGET))  # fmt: skip
    _pipeline(cloud, data_key, {HOME: primary, AWAY: replica})
    sweeper = cloud.role(HUB, *statements(sweep_function_policy(NAMES, PLAN, data_key)), name=NAMES.sweep_function)
    reporter = cloud.role(HUB, *statements(report_function_policy(NAMES, PLAN, data_key)), name=NAMES.report_function)
    return RetainedProduct(cloud, topic, sweeper, reporter)


def statements(policy: PolicyDocument) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", policy.as_dict()["Statement"])


def _target_role(cloud: ServedCloud, role: str, trust: PolicyDocument, managed: str, policy: PolicyDocument) -> None:
    iam = cloud.client("iam", TARGET)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust.json())
    iam.attach_role_policy(RoleName=role, PolicyArn=managed)
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=policy.json())


def make_lifecycle_policy(cloud: ServedCloud) -> None:
    """The lifecycle policy that the product's stack makes, with its role."""
    iam = cloud.client("iam")
    iam.create_role(RoleName=NAMES.lifecycle_role, AssumeRolePolicyDocument=execution_role_trust(HUB).json())
    policy = lifecycle_execution_policy(NAMES, PLAN).json()
    iam.put_role_policy(RoleName=NAMES.lifecycle_role, PolicyName="inline", PolicyDocument=policy)
    kept = {"golden-ami:channel": "true", "golden-ami:kept": "true"}
    cloud.client("imagebuilder").create_lifecycle_policy(
        name=NAMES.stem,
        executionRole=role_arn(HUB, NAMES.lifecycle_role),
        resourceType="AMI_IMAGE",
        policyDetails=[
            {
                "action": {"type": "DELETE", "includeResources": {"amis": True, "snapshots": True}},
                "filter": {
                    "type": "AGE", "value": RULES.after_days, "unit": "DAYS", "retainAtLeast": RULES.keep_newest,
                },
                "exclusionRules": {"tagMap": {"golden-ami:channel": "true"}, "amis": {"tagMap": kept}},
            }
        ],
        resourceSelection={"recipes": [{"name": NAMES.stem, "semanticVersion": "x.x.x"}]},
    )  # fmt: skip


def _pipeline(cloud: ServedCloud, data_key: str, keys: dict[str, str]) -> None:
    images = cloud.client("imagebuilder")
    cloud.client("logs").create_log_group(logGroupName=NAMES.build_log_group, kmsKeyId=data_key)
    component = images.create_component(
        name=NAMES.stem, semanticVersion="1.0.0", platform="Windows", data=json.dumps(NOTHING_TO_DO), kmsKeyId=data_key
    )["componentBuildVersionArn"]
    volume = {"encrypted": True, "kmsKeyId": keys[HOME], "volumeSize": 30, "volumeType": "gp3"}
    recipe = images.create_image_recipe(
        name=NAMES.stem,
        semanticVersion="1.0.0",
        parentImage=BASE,
        components=[{"componentArn": component}],
        blockDeviceMappings=[{"deviceName": "/dev/sda1", "ebs": volume}],
        amiTags={TAG_PRODUCT: NAMES.product},
    )["imageRecipeArn"]
    distribution = images.create_distribution_configuration(
        name=NAMES.stem,
        distributions=[
            {
                "region": target.region,
                "amiDistributionConfiguration": {
                    "name": f"{NAMES.stem}-{{{{ imagebuilder:buildDate }}}}",
                    "kmsKeyId": keys[target.region],
                    "amiTags": {TAG_PRODUCT: NAMES.product},
                    **({"targetAccountIds": list(target.accounts)} if target.accounts else {}),
                },
                "ssmParameterConfigurations": [
                    {"parameterName": CHANNEL, "amiAccountId": account, "dataType": "aws:ec2:image"}
                    for account in PLAN.holders(target)
                ],
            }
            for target in PLAN.regions
        ],
    )["distributionConfigurationArn"]
    images.create_image_pipeline(
        name=NAMES.stem,
        imageRecipeArn=recipe,
        infrastructureConfigurationArn=make_infrastructure(cloud, NAMES, data_key),
        distributionConfigurationArn=distribution,
        executionRole=make_execution_role(cloud, NAMES, PLAN, tuple(keys.values())),
        imageTestsConfiguration={"imageTestsEnabled": False, "timeoutMinutes": 60},
        loggingConfiguration={"imageLogGroupName": NAMES.build_log_group},
    )
