"""What the deployment roles must not touch: each attempt is refused by the scope of one statement alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from model.names import role_arn
from tests.stacks.permissions import deployment_calls as calls
from tests.stacks.permissions.deployment_calls import REGION, ROLE, Call, Deployer
from tests.stacks.permissions.deployment_statements import PRODUCTION, TEST
from tests.stacks.permissions.documents import HUB, Change, Document
from tests.stacks.world import World

FOREIGN = "foreign-probe"
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
TAG = {"Key": "probe", "Value": "1"}


@dataclass(frozen=True)
class Scope:
    """A statement whose resources or conditions keep a deployment role from `attempt`, which asks for `action`.

    `wider` widens it and nothing else, and then the attempt is let through. Where something else refuses it even so
    (a role's trust), `beside` is what AWS says then.
    """

    account: str
    sid: str
    attempt: Call
    action: str
    wider: Change
    beside: str | None = None

    def __str__(self) -> str:
        return f"{self.account}: {self.sid} and {getattr(self.attempt, '__name__', 'attempt')}"


def to_any_resource(sid: str) -> Change:
    """The change that lets a statement be about everything."""

    def change(document: Document) -> None:
        _statement(document, sid)["Resource"] = "*"

    return change


def to_any_condition(sid: str) -> Change:
    """The change that takes a statement's conditions away."""

    def change(document: Document) -> None:
        del _statement(document, sid)["Condition"]

    return change


def _statement(document: Document, sid: str) -> Document:
    return next(entry for entry in document["Statement"] if entry["Sid"] == sid)


def touch_role(role: str) -> Call:
    """Tag a role."""

    def call(deployer: Deployer) -> None:
        deployer.client("iam").tag_role(RoleName=role, Tags=[TAG])
        deployer.root("iam").untag_role(RoleName=role, TagKeys=["probe"])

    call.__name__ = f"tagging {role}"
    return call


def put_policy(role: str) -> Call:
    """Give a role a policy of one's own making."""

    def call(deployer: Deployer) -> None:
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        deployer.client("iam").put_role_policy(RoleName=role, PolicyName="probe", PolicyDocument=document)
        deployer.root("iam").delete_role_policy(RoleName=role, PolicyName="probe")

    call.__name__ = f"adding a policy to {role}"
    return call


def attach_administrator(role: str) -> Call:
    """Make an administrator of a role that may have some managed policies."""

    def call(deployer: Deployer) -> None:
        deployer.client("iam").attach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR_ACCESS)
        deployer.root("iam").detach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR_ACCESS)

    call.__name__ = f"making an administrator of {role}"
    return call


def tag_bucket(deployer: Deployer) -> None:
    """Tag a bucket that is not the program's."""
    deployer.client("s3").put_bucket_tagging(Bucket=FOREIGN, Tagging={"TagSet": [TAG]})


def tag_function(deployer: Deployer) -> None:
    """Tag a function that is not the program's."""
    arn = deployer.names.function_arn(FOREIGN)
    deployer.client("lambda").tag_resource(Resource=arn, Tags={"probe": "1"})


def read_foreign_layer(deployer: Deployer) -> None:
    """Read a layer that is not the program's."""
    deployer.client("lambda").get_layer_version(LayerName=FOREIGN, VersionNumber=1)


def tag_queue(deployer: Deployer) -> None:
    """Tag a queue that is not the program's."""
    url = deployer.root("sqs").get_queue_url(QueueName=FOREIGN)["QueueUrl"]
    deployer.client("sqs").tag_queue(QueueUrl=url, Tags={"probe": "1"})


def tag_topic(deployer: Deployer) -> None:
    """Tag a topic that is not the program's."""
    arn = f"arn:aws:sns:{REGION}:{deployer.account}:{FOREIGN}"
    deployer.client("sns").tag_resource(ResourceArn=arn, Tags=[TAG])


def tag_alarm(deployer: Deployer) -> None:
    """Tag an alarm that is not the program's."""
    arn = f"arn:aws:cloudwatch:{REGION}:{deployer.account}:alarm:{FOREIGN}"
    deployer.client("cloudwatch").tag_resource(ResourceARN=arn, Tags=[TAG])


def hand_role_to_events(deployer: Deployer) -> None:
    """Hand a role to EventBridge, which needs none for the program's rules."""
    name = "golden-ami-probe"
    role = role_arn(HUB, deployer.names.start_function)
    pattern = json.dumps({"source": ["golden-ami.probe"]})
    deployer.client("events").put_rule(Name=name, EventPattern=pattern, RoleArn=role)
    deployer.root("events").delete_rule(Name=name)


def hand_role_to_lambda(role: str) -> Call:
    """Hand a consumer role to Lambda, by a role that could make functions."""

    def call(deployer: Deployer) -> None:
        name = "golden-ami-probe"
        deployer.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role_arn(deployer.account, role),
            Handler="probe.handler",
            Code={"ZipFile": _archive()},
        )
        deployer.root("lambda").delete_function(FunctionName=name)

    call.__name__ = f"handing {role} to Lambda"
    return call


def making_functions(document: Document) -> None:
    """The change that lets a role make functions: what it may hand to them is another statement's."""
    document["Statement"].append(
        {"Sid": "MakeFunctions", "Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "*"}
    )


def granted_to_anybody(document: Document) -> None:
    """The change that lets a deployment role grant an image key to whomever its own policies let it."""
    document["Statement"] = [entry for entry in document["Statement"] if entry["Sid"] != "RefuseOtherGrantees"]
    conditions = _statement(document, "GrantToAutoScaling")["Condition"]
    del conditions["StringEquals"], conditions["ForAllValues:StringEquals"]


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("probe.py", "def handler(event, context):\n    return event\n")
    return content.getvalue()


@contextmanager
def foreign_resources(world: World) -> Generator[None]:
    """One of each kind in the hub that is not named as the program's are, made by the account's root."""

    def client(service: str) -> Any:
        return world.client(service, HUB)

    s3, functions, sqs, sns, alarms = (client(each) for each in ("s3", "lambda", "sqs", "sns", "cloudwatch"))
    role = role_arn(HUB, world.session.files.names("ledger").start_function)
    with ExitStack() as made:

        def undo(what: Callable[..., object], **parameters: object) -> None:
            made.callback(what, **parameters)

        s3.create_bucket(Bucket=FOREIGN)
        undo(s3.delete_bucket, Bucket=FOREIGN)
        functions.create_function(
            FunctionName=FOREIGN, Runtime="python3.13", Role=role, Handler="probe.handler", Code={"ZipFile": _archive()}
        )
        undo(functions.delete_function, FunctionName=FOREIGN)
        functions.publish_layer_version(LayerName=FOREIGN, Content={"ZipFile": _archive()})
        undo(functions.delete_layer_version, LayerName=FOREIGN, VersionNumber=1)
        url = sqs.create_queue(QueueName=FOREIGN)["QueueUrl"]
        undo(sqs.delete_queue, QueueUrl=url)
        arn = sns.create_topic(Name=FOREIGN)["TopicArn"]
        undo(sns.delete_topic, TopicArn=arn)
        alarms.put_metric_alarm(
            AlarmName=FOREIGN,
            Namespace="Probe",
            MetricName="Probe",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        undo(alarms.delete_alarms, AlarmNames=[FOREIGN])
        yield


def _resource(account: str, sid: str, attempt: Call, action: str) -> Scope:
    return Scope(account, sid, attempt, action, to_any_resource(sid))


def _condition(account: str, sid: str, attempt: Call, action: str, beside: str | None = None) -> Scope:
    return Scope(account, sid, attempt, action, to_any_condition(sid), beside)


def _target(account: str, created: str, other: str) -> tuple[Scope, ...]:
    """What both targets' roles must not touch; `other` is a role of the account that another statement names."""
    return (
        _resource(account, "ManageDistributionRole", touch_role(ROLE), "iam:TagRole"),
        _resource(account, "ManageLifecycleRole", touch_role(ROLE), "iam:TagRole"),
        _resource(account, "ManageConsumerRoles", touch_role(other), "iam:TagRole"),
        _resource(account, "AddPolicyToRoles", put_policy(ROLE), "iam:PutRolePolicy"),
        _condition(
            account,
            "AttachDistributionPolicy",
            attach_administrator("EC2ImageBuilderDistributionCrossAccountRole"),
            "iam:AttachRolePolicy",
        ),
        _condition(
            account,
            "AttachLifecyclePolicy",
            attach_administrator("Ec2ImageBuilderCrossAccountLifecycleAccess"),
            "iam:AttachRolePolicy",
        ),
        _condition(
            account, "PassConsumerRoles", hand_role_to_lambda(created), "iam:PassRole", "cannot be assumed by Lambda"
        ),
    )


SCOPES: tuple[Scope, ...] = (
    _resource(HUB, "ManageRoles", touch_role("platform-administrator"), "iam:TagRole"),
    _condition(
        HUB, "AttachInstancePolicies", attach_administrator("golden-ami-ledger-build-instance"), "iam:AttachRolePolicy"
    ),
    _condition(HUB, "PassRoles", hand_role_to_events, "iam:PassRole"),
    _resource(HUB, "ManageBuckets", tag_bucket, "s3:PutBucketTagging"),
    _resource(HUB, "ManageFunctions", tag_function, "lambda:TagResource"),
    _resource(HUB, "ManageLayers", read_foreign_layer, "lambda:GetLayerVersion"),
    _resource(HUB, "ManageQueues", tag_queue, "sqs:TagQueue"),
    _resource(HUB, "ManageTopics", tag_topic, "sns:TagResource"),
    _resource(HUB, "ManageAlarms", tag_alarm, "cloudwatch:TagResource"),
    *_target(PRODUCTION, "ledger-instances", "ledger-team"),
    *_target(TEST, "payroll-instances", "ledger-runtime"),
    *(
        _condition(PRODUCTION, "GrantToAutoScaling", calls.grant_to(grantee), "kms:CreateGrant")
        for grantee in (role_arn(TEST, ROLE), role_arn(PRODUCTION, "ledger-instances"))
    ),
)
