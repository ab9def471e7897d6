"""Builds through the local cloud's own address, with roles and keys decided by the policies that are there."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
DISTRIBUTION_POLICY = "arn:aws:iam::aws:policy/Ec2ImageBuilderCrossAccountDistributionAccess"
INSTANCE_POLICIES = ("EC2InstanceProfileForImageBuilder", "AmazonSSMManagedInstanceCore")
SECONDS = 30
ENDED = ("AVAILABLE", "FAILED", "CANCELLED")
pytestmark = pytest.mark.stack


def trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: Any = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Cloud:
    address: str

    def client(self, service: str, account: str = HUB, region: str = HOME, secret: str = "root") -> Any:
        session: Any = boto3.Session()
        return session.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id=account,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@contextmanager
def serving(folder: Path) -> Generator[tuple[Cloud, "subprocess.Popen[bytes]"]]:
    """A local cloud as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).parents[4]
    command = [sys.executable, "-m", "local.cloud.server", "--port", str(port), "--directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(server, address, folder / "log")
        yield Cloud(address), server
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as (served, _):
        yield served


def _wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    pause = threading.Event()
    for _ in range(600):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{address}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError):
            pause.wait(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


@dataclass
class Product:
    """A recipe's surroundings: roles, keys, bucket, queue of events."""

    cloud: Cloud
    keys: dict[str, str]
    queue: str
    infrastructure: str
    distribution: str
    role: str

    def __post_init__(self) -> None:
        self.images: Any = self.cloud.client("imagebuilder")
        self.count = 0

    def pipeline(self, script: str) -> str:
        self.count += 1
        name = f"web-{self.count}"
        data = {
            "schemaVersion": "1.0",
            "phases": [
                {
                    "name": "build",
                    "steps": [
                        {
                            "name": "Get",
                            "action": "S3Download",
                            "inputs": [{"source": "s3://scripts-111111111111/now/*", "destination": "/opt/work/"}],
                        },
                        {"name": "Run", "action": "ExecuteBash", "inputs": {"commands": [script]}},
                    ],
                }
            ],
        }
        component = self.images.create_component(
            name=name, semanticVersion="1.0.0", platform="Linux", data=json.dumps(data)
        )["componentBuildVersionArn"]
        recipe = self.images.create_image_recipe(
            name=name,
            semanticVersion="1.0.0",
            parentImage=f"ssm:{BASE}",
            components=[{"componentArn": component}],
            blockDeviceMappings=[
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {"encrypted": True, "kmsKeyId": self.keys[HOME], "volumeSize": 10, "volumeType": "gp3"},
                }
            ],
        )["imageRecipeArn"]
        return self.images.create_image_pipeline(
            name=name,
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=self.infrastructure,
            distributionConfigurationArn=self.distribution,
            executionRole=self.role,
        )["imagePipelineArn"]

    def start(self, pipeline: str, **more: Any) -> str:
        return self.images.start_image_pipeline_execution(imagePipelineArn=pipeline, **more)["imageBuildVersionArn"]

    def ended(self, arn: str, since: str = "") -> dict[str, Any]:
        """The image once it has ended, after having been in another state than `since`."""
        pause = threading.Event()
        image: dict[str, Any] = {}
        for _ in range(SECONDS * 10):
            image = self.images.get_image(imageBuildVersionArn=arn)["image"]
            if image["state"]["status"] in ENDED and image["state"]["status"] != since:
                return image
            pause.wait(0.1)
        raise AssertionError(image["state"])

    def states(self, arn: str) -> list[str]:
        """States of an image by the events on the queue; the queue is then empty of them."""
        sqs = self.cloud.client("sqs")
        found: list[tuple[str, str]] = []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                event = json.loads(message["Body"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                if event["resources"] == [arn]:
                    found.append((event["detail"]["previous-state"]["status"], event["detail"]["state"]["status"]))
            if found and any(state in ENDED for _, state in found):
                break
        # SQS does not promise an order: each event says what it followed.
        after = dict(found)
        chain = ["PENDING"]
        while chain[-1] in after:
            chain.append(after.pop(chain[-1]))
        return chain[1:]


@pytest.fixture(scope="module")
def product(cloud: Cloud) -> Product:
    return set_up(cloud)


def set_up(cloud: Cloud) -> Product:
    for account in (TARGET, OTHER):
        iam = cloud.client("iam", account)
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{HUB}:root"}))
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=DISTRIBUTION_POLICY)
        iam.put_role_policy(
            RoleName=ROLE, PolicyName="more", PolicyDocument=allow("kms:*", "ec2:CreateTags", "ssm:PutParameter")
        )
    iam = cloud.client("iam")
    iam.create_role(RoleName="build", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    for policy in INSTANCE_POLICIES:
        iam.attach_role_policy(RoleName="build", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    bucket = "arn:aws:s3:::scripts-111111111111"
    read = allow("s3:GetObject", "s3:ListBucket", resource=[bucket, f"{bucket}/*"])
    iam.put_role_policy(RoleName="build", PolicyName="read", PolicyDocument=read)
    iam.create_instance_profile(InstanceProfileName="build")
    iam.add_role_to_instance_profile(InstanceProfileName="build", RoleName="build")
    iam.create_role(RoleName="execution", AssumeRolePolicyDocument=trust({"Service": "imagebuilder.amazonaws.com"}))
    work = allow("ec2:*", "ssm:*", "kms:*", "logs:*", "iam:PassRole", "sts:AssumeRole")
    iam.put_role_policy(RoleName="execution", PolicyName="work", PolicyDocument=work)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="scripts-111111111111")
    s3.put_object(Bucket="scripts-111111111111", Key="now/files/install.sh", Body=b"yum install -y nginx\necho done")
    keys = {region: _key(cloud, region) for region in (HOME, AWAY)}
    images = cloud.client("imagebuilder")
    infrastructure = images.create_infrastructure_configuration(name="small", instanceProfileName="build")
    distribution = images.create_distribution_configuration(
        name="everywhere", distributions=[_distribution(region, key) for region, key in keys.items()]
    )
    return Product(
        cloud,
        keys,
        _queue(cloud),
        infrastructure["infrastructureConfigurationArn"],
        distribution["distributionConfigurationArn"],
        f"arn:aws:iam::{HUB}:role/execution",
    )


def _key(cloud: Cloud, region: str) -> str:
    principals = [f"arn:aws:iam::{account}:root" for account in (HUB, TARGET, OTHER)]
    statement = {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return cloud.client("kms", region=region).create_key(Policy=policy)["KeyMetadata"]["Arn"]


def _distribution(region: str, key: str) -> dict[str, Any]:
    return {
        "region": region,
        "amiDistributionConfiguration": {
            "name": "web-{{ imagebuilder:buildDate }}",
            "kmsKeyId": key,
            "targetAccountIds": [TARGET, OTHER],
            "amiTags": {"product": "web", "called": "{{imagebuilder:buildVersion}} {{ imagebuilder:buildDate }}"},
        },
        "ssmParameterConfigurations": [
            {"parameterName": "/golden-ami/web/stable", "amiAccountId": account, "dataType": "aws:ec2:image"}
            for account in (TARGET, OTHER)
        ],
    }


def _queue(cloud: Cloud) -> str:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="states")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = {"source": ["aws.imagebuilder"], "detail-type": ["EC2 Image Builder Image State Change"]}
    events.put_rule(Name="states", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="states", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _amis(image: dict[str, Any]) -> dict[tuple[str, str], str]:
    outputs = image["outputResources"]["amis"]
    return {(ami["accountId"], ami["region"]): ami["image"] for ami in outputs if "image" in ami}


def _parameter(cloud: Cloud, account: str, region: str) -> str:
    return cloud.client("ssm", account, region).get_parameter(Name="/golden-ami/web/stable")["Parameter"]["Value"]


def test_a_linux_build_reaches_two_accounts_in_two_regions(cloud: Cloud, product: Product) -> None:
    pipeline = product.pipeline("cd /opt/work/files && bash install.sh")
    token = "a" * 64
    arn = product.start(pipeline, clientToken=token, tags={"golden-ami:product": "web"})
    image = product.ended(arn)
    assert image["state"] == {"status": "AVAILABLE"}
    assert image["tags"] == {"golden-ami:product": "web"}
    amis = _amis(image)
    assert set(amis) == {(account, region) for account in (TARGET, OTHER) for region in (HOME, AWAY)}
    for (account, region), ami in amis.items():
        ec2 = cloud.client("ec2", account, region)
        described = ec2.describe_images(ImageIds=[ami])["Images"][0]
        snapshot = described["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
        assert (found["Encrypted"], found["KmsKeyId"]) == (True, product.keys[region])
        tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
        assert tags["product"] == "web"
        version = "-".join(arn.split("/")[-2:])
        assert tags["called"] == f"{version} {described['Name'].removeprefix('web-')}"
        assert _parameter(cloud, account, region) == ami
    wanted = ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]
    assert product.states(arn) == wanted
    assert product.start(pipeline, clientToken=token, tags={"golden-ami:product": "web"}) == arn
    group, stream = image["loggingConfiguration"]["logGroupName"], "/".join(arn.split("/")[-2:])
    events = cloud.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert "  yum install -y nginx" in [event["message"] for event in events]


def test_a_failing_script_makes_no_image(cloud: Cloud, product: Product) -> None:
    before = len(cloud.client("ec2").describe_images(Owners=["self"])["Images"])
    arn = product.start(product.pipeline("echo no licence >&2; exit 4"))
    image = product.ended(arn)
    assert image["state"]["status"] == "FAILED"
    assert "exit code 4: no licence" in image["state"]["reason"]
    assert _amis(image) == {}
    assert len(cloud.client("ec2").describe_images(Owners=["self"])["Images"]) == before
    assert product.states(arn) == ["CREATING", "BUILDING", "FAILED"]
    instances = cloud.client("ec2").describe_instances()["Reservations"]
    assert {entry["Instances"][0]["State"]["Name"] for entry in instances} <= {"terminated", "shutting-down"}


def test_a_refused_target_keeps_copies_and_a_retry_completes_the_image(cloud: Cloud, product: Product) -> None:
    iam = cloud.client("iam", OTHER)
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust({"AWS": f"arn:aws:iam::{OTHER}:root"}))
    old = _parameter(cloud, OTHER, HOME)
    arn = product.start(product.pipeline("true"))
    image = product.ended(arn)
    assert image["state"]["status"] == "FAILED"
    assert "Not all distribution jobs are completed. 1) STS Client Error" in image["state"]["reason"]
    kept = _amis(image)
    assert set(kept) == {(TARGET, HOME), (TARGET, AWAY)}
    assert _parameter(cloud, TARGET, HOME) == kept[(TARGET, HOME)]
    assert _parameter(cloud, OTHER, HOME) == old
    own = {entry["ImageId"] for entry in cloud.client("ec2").describe_images(Owners=["self"])["Images"]}
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust({"AWS": f"arn:aws:iam::{HUB}:root"}))
    product.images.retry_image(imageBuildVersionArn=arn)
    image = product.ended(arn, since="FAILED")
    assert image["state"] == {"status": "AVAILABLE"}
    made = _amis(image)
    assert len(made) == 4
    assert kept.items() <= made.items()
    assert _parameter(cloud, OTHER, HOME) == made[(OTHER, HOME)]
    assert {entry["ImageId"] for entry in cloud.client("ec2").describe_images(Owners=["self"])["Images"]} == own


def test_a_key_that_does_not_admit_a_target_fails_its_copies(cloud: Cloud, product: Product) -> None:
    kms = cloud.client("kms", region=AWAY)
    before = kms.get_key_policy(KeyId=product.keys[AWAY], PolicyName="default")["Policy"]
    narrowed = json.loads(before)
    narrowed["Statement"][0]["Principal"]["AWS"] = [f"arn:aws:iam::{account}:root" for account in (HUB, TARGET)]
    kms.put_key_policy(KeyId=product.keys[AWAY], PolicyName="default", Policy=json.dumps(narrowed))
    try:
        image = product.ended(product.start(product.pipeline("true")))
    finally:
        kms.put_key_policy(KeyId=product.keys[AWAY], PolicyName="default", Policy=before)
    assert image["state"]["status"] == "FAILED"
    assert "AMI Copy Reported Failure For 'ami-" in image["state"]["reason"]
    assert set(_amis(image)) == {(TARGET, HOME), (OTHER, HOME), (TARGET, AWAY)}


def test_a_second_run_is_refused_while_one_goes_and_a_run_can_be_cancelled(product: Product) -> None:
    pipeline = product.pipeline("sleep 600")
    arn = product.start(pipeline)
    with pytest.raises(ClientError, match=r"\(ResourceInUseException\)"):
        product.start(pipeline)
    product.images.cancel_image_creation(imageBuildVersionArn=arn)
    assert product.ended(arn)["state"]["status"] == "CANCELLED"


def test_a_recipe_in_use_cannot_be_deleted(product: Product) -> None:
    pipeline = product.images.get_image_pipeline(imagePipelineArn=product.pipeline("true"))["imagePipeline"]
    with pytest.raises(ClientError, match="has other resources depended on it"):
        product.images.delete_image_recipe(imageRecipeArn=pipeline["imageRecipeArn"])
    product.images.delete_image_pipeline(imagePipelineArn=pipeline["arn"])
    product.images.delete_image_recipe(imageRecipeArn=pipeline["imageRecipeArn"])


def test_what_image_builder_here_does_not_do_names_itself(product: Product) -> None:
    with pytest.raises(ClientError, match="ImportVmImage"):
        product.images.import_vm_image(
            name="old", semanticVersion="1.0.0", platform="Linux", vmImportTaskId="import-ami-00000001"
        )


def test_a_caller_without_permission_is_refused(cloud: Cloud, product: Product) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="visitor")
    key = iam.create_access_key(UserName="visitor")["AccessKey"]
    visitor = cloud.client("imagebuilder", key["AccessKeyId"], secret=key["SecretAccessKey"])
    with pytest.raises(ClientError, match="is not authorized to perform: imagebuilder:ListImagePipelines"):
        visitor.list_image_pipelines()


def test_nothing_of_a_build_outlives_the_server(tmp_path: Path) -> None:
    mark = f"golden-{tmp_path.name}"
    with serving(tmp_path) as (cloud, server):
        product = set_up(cloud)
        product.start(product.pipeline(f"exec -a {mark} sleep 600"))
        pause = threading.Event()
        for _ in range(SECONDS * 10):
            if _running(mark):
                break
            pause.wait(0.1)
        assert _running(mark)
        server.terminate()
        server.wait(SECONDS)
        for _ in range(50):
            if not _running(mark):
                break
            pause.wait(0.1)
        assert not _running(mark)


def _running(mark: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if place.read_bytes().startswith(mark.encode()):
                return True
        except OSError:
            continue
    return False
