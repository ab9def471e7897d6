"""The real engine with this plugin, in front of ministack with its access checks on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.environment import AccessKey, LocalFolder, stack_environment
from tests.local.provider.engine_stack import TOKENS, Stack

pytestmark = pytest.mark.stack

HUB, TARGET = "111111111111", "222222222222"
EXTERNAL_ID = "between-us"
READY_SECONDS = 60

SERVICES = "s3,sqs,sns,lambda,iam,sts,kms,ssm,ec2,events,logs,monitoring"

SDK = """
import json

import pulumi
import pulumi_aws as aws

role = aws.ProviderAssumeRoleArgs(
    role_arn="arn:aws:iam::222222222222:role/deployer", session_name="trial", external_id="between-us"
)
target = aws.Provider(
    "target",
    region="us-east-1",
    assume_roles=[role],
    allowed_account_ids=["222222222222"],
    default_tags=aws.ProviderDefaultTagsArgs(tags={"owner": "platform"}),
)
there = pulumi.ResourceOptions(provider=target)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
"""

RESOURCES = """
config = pulumi.Config()
key = aws.kms.Key("key", description=config.get("description"), multi_region=True, opts=there)
replica = aws.kms.ReplicaKey("replica", primary_key_arn=key.arn, region="eu-west-1", opts=there)
log = aws.cloudwatch.LogGroup(
    "log", name="/app/log", log_group_class=config.get("class") or "STANDARD", retention_in_days=7, opts=there
)
dead = aws.sqs.Queue("dead", opts=there)
queue = aws.sqs.Queue(
    "queue",
    redrive_policy=dead.arn.apply(lambda arn: json.dumps({"maxReceiveCount": 3, "deadLetterTargetArn": arn})),
    tags={"team": "ledger"},
    opts=there,
)
role = aws.iam.Role(
    "role",
    assume_role_policy=document(
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["sts:AssumeRole"]}
    ),
    opts=there,
)
function = aws.lambda_.Function(
    "function",
    role=role.arn,
    runtime="python3.13",
    handler="main.handler",
    code=pulumi.AssetArchive({"main.py": pulumi.StringAsset("def handler(event, context):\\n    return 1\\n")}),
    environment=aws.lambda_.FunctionEnvironmentArgs(variables={"TOKEN": config.require_secret("token")}),
    opts=there,
)
group = aws.ec2.SecurityGroup("group", vpc_id="vpc-00000001", description="Nothing comes in", opts=there)
alarm = aws.cloudwatch.MetricAlarm(
    "alarm",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=1,
    metric_name="ApproximateNumberOfMessagesVisible",
    namespace="AWS/SQS",
    period=60,
    statistic="Maximum",
    threshold=0,
    dimensions={"QueueName": dead.name},
    opts=there,
)
pulumi.export("caller", aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=target)).account_id)
pulumi.export("replica", replica.arn)
pulumi.export("tags", queue.tags_all)
pulumi.export("queue", queue.url)
pulumi.export("key", key.key_id)
pulumi.export("version", function.version)
pulumi.export("hash", function.code_sha256)
pulumi.export("egress", group.egress)
"""

BUCKET = """
make("aws:s3/bucket:Bucket", "files", {"bucket": "trial-files", "tags": {"team": "ledger"}}, provider("target"))
"""


@dataclass(frozen=True)
class Cloud:
    """ministack, and the platform engineer's keys in the hub."""

    address: str
    key: AccessKey

    def root(self, service: str, account: str = TARGET) -> Any:
        """A client of an account's root."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.address,
            aws_access_key_id=account,
            aws_secret_access_key="root",
            region_name="us-east-1",
        )

    def tags(self, bucket: str) -> dict[str, str]:
        """Tags of a bucket."""
        return {tag["Key"]: tag["Value"] for tag in self.root("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]}

    def allow(self, *denied: str) -> None:
        """Let the target's deployment role do everything but these actions."""
        statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        if denied:
            statements.append({"Effect": "Deny", "Action": list(denied), "Resource": "*"})
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.root("iam").put_role_policy(RoleName="deployer", PolicyName="work", PolicyDocument=document)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AUTH": "true",
        "AWS_ENDPOINT_URL": address,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": SERVICES,
    }
    folder = tmp_path_factory.mktemp("ministack")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from ministack.app import main; main()"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(f"{address}/_ministack/health", process, folder / "log")
        yield _with_accounts(address)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"ministack does not answer: {log.read_text(errors='replace')[-2000:]}")


def _with_accounts(address: str) -> Cloud:
    cloud = Cloud(address, AccessKey("", ""))
    hub = cloud.root("iam", HUB)
    hub.create_user(UserName="engineer")
    may_assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    hub.put_user_policy(
        UserName="engineer",
        PolicyName="assume",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may_assume]}),
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    cloud.root("iam").create_role(
        RoleName="deployer",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    key = hub.create_access_key(UserName="engineer")["AccessKey"]
    made = Cloud(address, AccessKey(key["AccessKeyId"], key["SecretAccessKey"]))
    made.allow()
    return made


@pytest.fixture
def stack(tmp_path: Path, engine_folder: LocalFolder, cloud: Cloud) -> Iterator[Stack]:
    made = Stack(tmp_path, stack_environment(engine_folder, os.environ, cloud.address, cloud.key))
    yield made
    cloud.allow()
    made("destroy", "--yes", "--skip-preview")


def test_a_stack_lives_its_life(stack: Stack, cloud: Cloud) -> None:
    stack("config", "set", "--secret", "token", "never-shown")
    stack.program(SDK + RESOURCES)

    previewed = stack("preview")
    assert "never-shown" not in previewed
    assert "never-shown" not in stack.up()
    assert "never-shown" not in stack("stack", "export")
    outputs = stack.outputs()
    assert outputs["caller"] == TARGET
    assert outputs["tags"] == {"owner": "platform", "team": "ledger"}
    assert outputs["replica"].startswith(f"arn:aws:kms:eu-west-1:{TARGET}:key/mrk-")
    assert outputs["egress"] == []
    lost = {name for name, item in stack.resources().items() if item.get("outputs", {}).get("arn", "") is None}
    assert lost == set()

    stack.up("--expect-no-changes")
    stack("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    stack("config", "set", "description", "images")
    stack("config", "set", "class", "INFREQUENT_ACCESS")
    changed = stack.up()
    assert "1 updated" in changed
    assert "1 replaced" in changed
    assert cloud.root("kms").describe_key(KeyId=outputs["key"])["KeyMetadata"]["Description"] == "images"

    cloud.root("sqs").set_queue_attributes(QueueUrl=outputs["queue"], Attributes={"VisibilityTimeout": "77"})
    refreshed = stack("refresh", "--yes", "--skip-preview", "--diff")
    assert "visibilityTimeoutSeconds" in refreshed
    assert "1 updated" in refreshed
    assert "1 updated" in stack.up()
    answer = cloud.root("sqs").get_queue_attributes(QueueUrl=outputs["queue"], AttributeNames=["VisibilityTimeout"])
    assert answer["Attributes"]["VisibilityTimeout"] == "30"


def test_a_half_made_bucket_is_recorded_and_repaired_by_the_next_up(stack: Stack, cloud: Cloud) -> None:
    stack.program(TOKENS + BUCKET)
    cloud.allow("s3:PutBucketTagging")
    failed = stack.up(fails=True)
    assert "PutBucketTagging" in failed
    assert stack.resources()["files"]["id"] == "trial-files"
    assert stack.resources()["files"]["initErrors"]

    cloud.allow()
    assert "1 updated" in stack.up()
    assert "initErrors" not in stack.resources()["files"]
    assert cloud.tags("trial-files") == {"owner": "platform", "team": "ledger"}
    stack.up("--expect-no-changes")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            'make("aws:s3/bucket:Bucket", "files", {"requestPayer": "Requester"}, provider("target"))',
            "aws:s3/bucket:Bucket: property 'requestPayer' is not supported",
        ),
        (
            'make("aws:dynamodb/table:Table", "table", {}, provider("target"))',
            "aws:dynamodb/table:Table is not supported",
        ),
        (
            'make("aws:s3/bucket:Bucket", "files", {}, provider("target", useFipsEndpoint="true"))',
            "useFipsEndpoint: not supported",
        ),
    ],
)
def test_what_is_not_supported_is_named_at_preview(stack: Stack, program: str, message: str) -> None:
    stack.program(f"{TOKENS}\n{program}\n")
    assert message in stack("preview", fails=True)


def test_a_provider_refuses_another_account_than_its_own(stack: Stack) -> None:
    stack.program(
        TOKENS
        + """
wrong = provider("wrong", allowedAccountIds=json.dumps(["333333333333"]))
make("aws:sqs/queue:Queue", "queue", {}, wrong)
"""
    )
    assert "AWS account 222222222222 is not allowed" in stack("preview", fails=True)


def test_changed_default_tags_reach_resources_that_the_program_did_not_touch(stack: Stack, cloud: Cloud) -> None:
    stack.program(TOKENS + BUCKET)
    stack.up()
    stack.program(TOKENS + BUCKET.replace('provider("target")', 'provider("target", owner="security")'))
    stack.up()
    assert cloud.tags("trial-files") == {"owner": "security", "team": "ledger"}


def test_an_imported_bucket_is_taken_over_without_a_change(stack: Stack, cloud: Cloud) -> None:
    cloud.root("s3").create_bucket(Bucket="taken-over")
    program = """
plain = provider("plain", owner=None)
make("aws:s3/bucket:Bucket", "files", {"bucket": "taken-over"}, plain, import_="taken-over")
"""
    stack.program(TOKENS + program)
    assert "1 imported" in stack.up()
    stack.up("--expect-no-changes")
