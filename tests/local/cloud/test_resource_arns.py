"""The ARNs that policies see: a role allowed on one ARN acts on that resource and on no other like it."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.served_cloud import HOME, HUB, Role, ServedCloud, document, refusal, root_of, serving, statement

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


def lone(cloud: ServedCloud, action: str, arn: str) -> Role:
    """A role that may do one action on one resource."""
    return cloud.role(HUB, statement(action, arn))


def assert_denied(call: Callable[[], Any]) -> None:
    code, message = refusal(call)
    assert code in DENIED, message


@dataclass
class Case:
    """An action on two resources: `run` acts on a name, `arn` is AWS's ARN for it."""

    service: str
    action: str
    arn: Callable[[str], str]
    run: Callable[[Any, str], Any]


def local(service: str, rest: str) -> Callable[[str], str]:
    return lambda name: f"arn:aws:{service}:{HOME}:{HUB}:" + rest.format(name)


def of_iam(rest: str) -> Callable[[str], str]:
    return lambda name: f"arn:aws:iam::{HUB}:" + rest.format(name)


TRUST = document({"Effect": "Allow", "Principal": root_of(HUB), "Action": "sts:AssumeRole"})


def new_profile(iam: Any, name: str) -> Any:
    return iam.create_instance_profile(InstanceProfileName=name, Path="/builders/")


def new_role(iam: Any, name: str) -> Any:
    return iam.create_role(RoleName=name, Path="/application/", AssumeRolePolicyDocument=TRUST)


def new_rule(events: Any, name: str) -> Any:
    return events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.imagebuilder"]}))


def new_function(client: Any, name: str) -> Any:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("code.py", "def handler(event, context):\n    return event\n")
    return client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="code.handler",
        Role=f"arn:aws:iam::{HUB}:role/function",
        Code={"ZipFile": archive.getvalue()},
    )


MAKING = [
    Case("iam", "iam:CreateInstanceProfile", of_iam("instance-profile/builders/{}"), new_profile),
    Case("iam", "iam:CreateRole", of_iam("role/application/{}"), new_role),
    Case("events", "events:PutRule", local("events", "rule/{}"), new_rule),
    Case("lambda", "lambda:CreateFunction", local("lambda", "function:{}"), new_function),
    Case("logs", "logs:CreateLogGroup", local("logs", "log-group:{}"),
         lambda logs, name: logs.create_log_group(logGroupName=name)),
    Case("sns", "sns:CreateTopic", local("sns", "{}"), lambda sns, name: sns.create_topic(Name=name)),
    Case("sqs", "sqs:CreateQueue", local("sqs", "{}"), lambda sqs, name: sqs.create_queue(QueueName=name)),
]  # fmt: skip


@pytest.mark.parametrize("case", MAKING, ids=lambda case: case.action)
def test_what_is_made_is_named_by_its_arn(cloud: ServedCloud, case: Case) -> None:
    mine, other = cloud.name("mine"), cloud.name("other")
    if case.service == "lambda" and not has_role(cloud, "function"):
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        cloud.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=document(trust))
    rights = [statement(case.action, case.arn(mine)), statement("iam:PassRole")]
    client = cloud.client(case.service, cloud.role(HUB, *rights))
    case.run(client, mine)
    assert_denied(lambda: case.run(client, other))


def has_role(cloud: ServedCloud, name: str) -> bool:
    try:
        cloud.client("iam").get_role(RoleName=name)
    except ClientError:
        return False
    return True


@pytest.mark.parametrize(
    "operation", ["get_role", "list_role_policies", "list_attached_role_policies", "list_role_tags"]
)
def test_a_role_is_seen_with_its_path(cloud: ServedCloud, operation: str) -> None:
    mine, other = cloud.role(HUB, path="/application/"), cloud.role(HUB)
    action = "iam:" + "".join(part.title() for part in operation.split("_"))
    iam = cloud.client("iam", lone(cloud, action, f"arn:aws:iam::{HUB}:role/application/*"))
    getattr(iam, operation)(RoleName=mine.name)
    assert_denied(lambda: getattr(iam, operation)(RoleName=other.name))


def test_a_role_s_inline_policy_is_put_by_the_role_s_arn(cloud: ServedCloud) -> None:
    mine, other = cloud.role(HUB, path="/application/"), cloud.role(HUB, path="/other/")
    iam = cloud.client("iam", lone(cloud, "iam:PutRolePolicy", mine.arn))
    request = {"PolicyName": "inline", "PolicyDocument": document(statement("s3:ListBucket"))}
    iam.put_role_policy(RoleName=mine.name, **request)
    assert_denied(lambda: iam.put_role_policy(RoleName=other.name, **request))


def test_adding_a_role_to_a_profile_is_an_action_on_the_profile(cloud: ServedCloud) -> None:
    names, role = [cloud.name("profile"), cloud.name("profile")], cloud.role(HUB)
    for name in names:
        cloud.client("iam").create_instance_profile(InstanceProfileName=name)
    arns = [f"arn:aws:iam::{HUB}:instance-profile/{name}" for name in names]
    rights = [statement("iam:AddRoleToInstanceProfile", arns[0]), statement("iam:PassRole")]
    iam = cloud.client("iam", cloud.role(HUB, *rights))
    iam.add_role_to_instance_profile(InstanceProfileName=names[0], RoleName=role.name)
    assert_denied(lambda: iam.add_role_to_instance_profile(InstanceProfileName=names[1], RoleName=role.name))


def test_an_existing_profile_is_seen_with_its_path(cloud: ServedCloud) -> None:
    name = cloud.name("profile")
    arn = cloud.client("iam").create_instance_profile(InstanceProfileName=name, Path="/builders/")
    iam = cloud.client("iam", lone(cloud, "iam:GetInstanceProfile", arn["InstanceProfile"]["Arn"]))
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Path"] == "/builders/"


@pytest.mark.parametrize("bus", [None, "default"])
def test_rules_of_the_default_bus_are_named_without_it(cloud: ServedCloud, bus: str | None) -> None:
    mine, other = cloud.name("rule"), cloud.name("rule")
    for name in (mine, other):
        new_rule(cloud.client("events"), name)
    arns = [f"arn:aws:events:{HOME}:{HUB}:rule/{name}" for name in (mine, other)]
    named = {"EventBusName": bus} if bus else {}
    rights = [statement(action, arns[0]) for action in ("events:DescribeRule", "events:PutTargets")]
    events = cloud.client("events", cloud.role(HUB, *rights))
    assert events.describe_rule(Name=mine, **named)["Arn"] == arns[0]
    targets = [{"Id": "queue", "Arn": f"arn:aws:sqs:{HOME}:{HUB}:queue"}]
    assert events.put_targets(Rule=mine, Targets=targets, **named)["FailedEntryCount"] == 0
    assert_denied(lambda: events.describe_rule(Name=other, **named))
    assert_denied(lambda: events.put_targets(Rule=other, Targets=targets, **named))


def test_log_streams_have_arns_of_their_own(cloud: ServedCloud) -> None:
    group = cloud.name("/golden-ami/group")
    cloud.client("logs").create_log_group(logGroupName=group)
    stem = f"arn:aws:logs:{HOME}:{HUB}:log-group:{group}:log-stream:"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents"]
    logs = cloud.client("logs", cloud.role(HUB, statement(actions, f"{stem}mine")))
    logs.create_log_stream(logGroupName=group, logStreamName="mine")
    events = [{"timestamp": 1_793_620_800_000, "message": "a line"}]
    logs.put_log_events(logGroupName=group, logStreamName="mine", logEvents=events)
    assert logs.get_log_events(logGroupName=group, logStreamName="mine")
    cloud.client("logs").create_log_stream(logGroupName=group, logStreamName="other")
    for call in (
        lambda: logs.create_log_stream(logGroupName=group, logStreamName="third"),
        lambda: logs.put_log_events(logGroupName=group, logStreamName="other", logEvents=events),
        lambda: logs.get_log_events(logGroupName=group, logStreamName="other"),
    ):
        assert_denied(call)


def test_a_security_group_is_named_by_its_id(cloud: ServedCloud) -> None:
    owner = cloud.client("ec2")
    vpc = owner.describe_vpcs()["Vpcs"][0]["VpcId"]
    groups = [
        owner.create_security_group(GroupName=cloud.name("group"), Description="one", VpcId=vpc)["GroupId"]
        for _ in range(2)
    ]
    arns = [f"arn:aws:ec2:{HOME}:{HUB}:security-group/{group}" for group in groups]
    ec2 = cloud.client("ec2", lone(cloud, "ec2:AuthorizeSecurityGroupIngress", arns[0]))
    rule = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=rule)
    assert_denied(lambda: ec2.authorize_security_group_ingress(GroupId=groups[1], IpPermissions=rule))
    remover = cloud.client("ec2", lone(cloud, "ec2:DeleteSecurityGroup", arns[1]))
    assert_denied(lambda: remover.delete_security_group(GroupId=groups[0]))
    remover.delete_security_group(GroupId=groups[1])


def test_a_new_security_group_is_an_action_on_all_of_them(cloud: ServedCloud) -> None:
    owner = cloud.client("ec2")
    vpc = owner.describe_vpcs()["Vpcs"][0]["VpcId"]
    allowed = lone(cloud, "ec2:CreateSecurityGroup", f"arn:aws:ec2:{HOME}:{HUB}:security-group/*")
    other = lone(cloud, "ec2:CreateSecurityGroup", f"arn:aws:ec2:eu-west-1:{HUB}:security-group/*")
    request = {"Description": "one", "VpcId": vpc}
    assert cloud.client("ec2", allowed).create_security_group(GroupName=cloud.name("group"), **request)["GroupId"]
    assert_denied(lambda: cloud.client("ec2", other).create_security_group(GroupName=cloud.name("group"), **request))


def test_a_topic_s_tags_are_asked_for_by_its_arn(cloud: ServedCloud) -> None:
    mine, other = (cloud.client("sns").create_topic(Name=cloud.name("topic"))["TopicArn"] for _ in range(2))
    sns = cloud.client("sns", lone(cloud, "sns:ListTagsForResource", mine))
    assert sns.list_tags_for_resource(ResourceArn=mine)["Tags"] == []
    assert_denied(lambda: sns.list_tags_for_resource(ResourceArn=other))
