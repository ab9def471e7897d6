"""What functions are set up with, by the real engine in front of the whole local cloud; and what they then find."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.environment import AccessKey, LocalFolder, stack_environment
from tests.local.cloud.served_cloud import HUB, TARGET, ServedCloud, document, root_of, serving, statement
from tests.local.provider.engine_stack import TOKENS, Stack

GREETING = """
def greet(name):
    return f"hello {name}"
"""

HANDLER = """
import sys
from pathlib import Path

import greeting


def handler(event, context):
    tool = Path(greeting.__file__).parent / "bin" / "tool"
    return {
        "said": greeting.greet(event["name"]),
        "on path": str(tool.parent.parent) in sys.path,
        "tool": tool.read_text(),
    }
"""

FUNCTION = """
from pathlib import Path

target = provider("target")
trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
role = make("aws:iam/role:Role", "role", {"assumeRolePolicy": policy, "arn": None}, target)
dead = make("aws:sqs/queue:Queue", "dead", {"arn": None}, target)
topic = make("aws:sns/topic:Topic", "topic", {}, target)
log = make("aws:cloudwatch/logGroup:LogGroup", "log", {"name": "/functions/one"}, target)
work = {"Effect": "Allow", "Action": ["sqs:SendMessage", "logs:*"], "Resource": "*"}
document = json.dumps({"Version": "2012-10-17", "Statement": [work]})
rights = make("aws:iam/rolePolicy:RolePolicy", "rights", {"role": role.id, "policy": document}, target)
layer = make(
    "aws:lambda/layerVersion:LayerVersion",
    "layer",
    {
        "layerName": "shared",
        "code": pulumi.FileArchive(str(Path(__file__).parent / "layer.zip")),
        "compatibleRuntimes": ["python3.13"],
        "compatibleArchitectures": ["x86_64"],
        "description": "What functions share",
    },
    target,
)
function = make(
    "aws:lambda/function:Function",
    "function",
    {
        "name": "one",
        # After its rights: Lambda asks at once whether the role may keep failed events.
        "role": pulumi.Output.all(role.arn, rights.id).apply(lambda values: values[0]),
        "runtime": "python3.13",
        "handler": "main.handler",
        "code": pulumi.AssetArchive({"main.py": pulumi.FileAsset(str(Path(__file__).parent / "main.py"))}),
        "layers": [layer.id],
        "architectures": ["x86_64"],
        "tracingConfig": {"mode": "Active"},
        "deadLetterConfig": {"targetArn": dead.arn},
        "loggingConfig": {
            "logFormat": "JSON",
            "logGroup": log.id,
            "applicationLogLevel": "INFO",
            "systemLogLevel": "WARN",
        },
        "arn": None,
    },
    target,
)
make(
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "retries",
    {
        "functionName": function.id,
        "maximumRetryAttempts": 1,
        "maximumEventAgeInSeconds": 3600,
        "destinationConfig": {"onFailure": {"destination": dead.arn}},
    },
    target,
)
rule = make(
    "aws:cloudwatch/eventRule:EventRule", "rule", {"eventPattern": json.dumps({"source": ["aws.imagebuilder"]})}, target
)
make(
    "aws:cloudwatch/eventTarget:EventTarget",
    "event-target",
    {
        "rule": rule.id,
        "targetId": "one",
        "arn": function.arn,
        "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 900},
        "deadLetterConfig": {"arn": dead.arn},
    },
    target,
)
make(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "alarm",
    {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "metricName": "ApproximateNumberOfMessagesVisible",
        "namespace": "AWS/SQS",
        "period": 300,
        "statistic": "Maximum",
        "threshold": 0,
        "treatMissingData": "notBreaching",
        "dimensions": {"QueueName": "dead"},
        "alarmActions": [topic.id],
    },
    target,
)
bucket = make("aws:s3/bucket:Bucket", "bucket", {"bucket": "with-lifecycle"}, target)
make(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "lifecycle",
    {
        "bucket": bucket.id,
        "rules": [
            {
                "id": "superseded",
                "status": "Enabled",
                "filter": {"prefix": "builds/"},
                "expiration": {"days": 30},
                "noncurrentVersionExpiration": {"noncurrentDays": 7},
            },
            {"id": "uploads", "status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
        ],
    },
    target,
)
pulumi.export("layer", layer.id)
"""

GRANT = """
make(
    "aws:kms/grant:Grant",
    "grant",
    {
        "keyId": pulumi.Config().require("key"),
        "granteePrincipal": pulumi.Config().require("grantee"),
        "operations": ["Decrypt", "CreateGrant"],
        "constraints": [{"encryptionContextSubset": {"purpose": "launch"}}],
    },
    provider("target"),
)
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        trust = {
            "Effect": "Allow",
            "Principal": root_of(HUB),
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "between-us"}},
        }
        target = served.client("iam", TARGET)
        target.create_role(RoleName="deployer", AssumeRolePolicyDocument=document(trust))
        target.put_role_policy(RoleName="deployer", PolicyName="work", PolicyDocument=document(statement("*")))
        yield served


@pytest.fixture
def stack(tmp_path: Path, engine_folder: LocalFolder, cloud: ServedCloud) -> Iterator[Stack]:
    who = cloud.operator(HUB)
    key = AccessKey(who.access_key, who.secret)
    made = Stack(tmp_path, stack_environment(engine_folder, os.environ, cloud.address, key))
    yield made
    made("destroy", "--yes", "--skip-preview")


def write_layer(folder: Path, greeting: str = GREETING) -> None:
    with zipfile.ZipFile(folder / "layer.zip", "w") as layer:
        layer.writestr("python/greeting.py", greeting)
        tool = zipfile.ZipInfo("python/bin/tool")
        tool.external_attr = 0o100755 << 16
        layer.writestr(tool, "a tool")


def invoked(cloud: ServedCloud) -> dict[str, Any]:
    answer = cloud.client("lambda", TARGET).invoke(FunctionName="one", Payload=json.dumps({"name": "you"}).encode())
    content = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, content
    return content


def test_a_function_finds_its_layer_and_its_settings_are_seen_again(stack: Stack, cloud: ServedCloud) -> None:
    write_layer(stack.project)
    (stack.project / "main.py").write_text(HANDLER)
    stack.program(TOKENS + FUNCTION)
    stack.up()
    stack("preview", "--expect-no-changes", "--diff")
    stack("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--diff")
    found = invoked(cloud)
    assert (found["said"], found["on path"], found["tool"]) == ("hello you", True, "a tool")
    configuration = cloud.client("lambda", TARGET).get_function_configuration(FunctionName="one")
    first = stack.outputs()["layer"]
    assert [layer["Arn"] for layer in configuration["Layers"]] == [first]
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert configuration["DeadLetterConfig"]["TargetArn"].endswith(stack.resources()["dead"]["outputs"]["name"])
    assert configuration["LoggingConfig"]["ApplicationLogLevel"] == "INFO"

    write_layer(stack.project, GREETING.replace("hello", "goodbye"))
    changed = stack.up()
    assert "1 updated" in changed
    assert "1 replaced" in changed
    assert stack.outputs()["layer"] != first
    assert invoked(cloud)["said"] == "goodbye you"
    versions = cloud.client("lambda", TARGET).list_layer_versions(LayerName="shared")["LayerVersions"]
    assert [version["LayerVersionArn"] for version in versions] == [stack.outputs()["layer"]]


def test_a_grant_on_another_accounts_key_is_made_with_the_callers_own_credentials(
    stack: Stack, cloud: ServedCloud
) -> None:
    deployer = {"AWS": f"arn:aws:iam::{TARGET}:role/deployer"}
    granting = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
    key = cloud.key(statement(granting, Principal=deployer))
    grantee = cloud.role(TARGET).arn
    stack.program(TOKENS + GRANT)
    stack("config", "set", "key", key)
    stack("config", "set", "grantee", grantee)
    stack.up()
    stack("preview", "--expect-no-changes", "--diff")
    stack("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--diff")
    grants = cloud.client("kms", HUB).list_grants(KeyId=key)["Grants"]
    assert [(grant["GranteePrincipal"], sorted(grant["Operations"])) for grant in grants] == [
        (grantee, ["CreateGrant", "Decrypt"])
    ]
    made = stack.resources()["grant"]
    assert made["id"] == f"{key}:{grants[0]['GrantId']}"
    assert made["outputs"]["grantToken"]

    stack.program(TOKENS)
    stack.up()
    assert cloud.client("kms", HUB).list_grants(KeyId=key)["Grants"] == []
