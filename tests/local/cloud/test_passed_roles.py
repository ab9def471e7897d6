"""Roles that are handed to services: iam:PassRole, and what Lambda asks of a function's role."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud.journal import FILE_NAME, read
from tests.local.cloud.served_cloud import HOME, HUB, Role, ServedCloud, document, refusal, serving, statement


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[ServedCloud]:
    with serving(directory) as served:
        yield served


def passed(cloud: ServedCloud, service: str = "lambda.amazonaws.com", *rights: Any) -> tuple[str, str]:
    """Name and ARN of a role for a service."""
    name = cloud.name("passed")
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, Path="/work/", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    if rights:
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(*rights))
    return name, arn


def code() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("code.py", "def handler(event, context):\n    return event\n")
    return archive.getvalue()


def create_function(cloud: ServedCloud, who: Role | str, role: str, **more: Any) -> str:
    name = cloud.name("function")
    cloud.client("lambda", who).create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="code.handler", Code={"ZipFile": code()}, **more
    )
    return name


def creating(cloud: ServedCloud, who: Role, _name: str, arn: str) -> None:
    create_function(cloud, who, arn)


def reconfiguring(cloud: ServedCloud, who: Role, _name: str, arn: str) -> None:
    function = create_function(cloud, HUB, passed(cloud)[1])
    functions = cloud.client("lambda", who)
    functions.update_function_configuration(FunctionName=function, Timeout=5)
    functions.update_function_configuration(FunctionName=function, Role=arn)


def putting_a_rule(cloud: ServedCloud, who: Role, _name: str, arn: str) -> None:
    pattern = json.dumps({"source": ["one"]})
    cloud.client("events", who).put_rule(Name=cloud.name("rule"), EventPattern=pattern, RoleArn=arn)


def putting_a_target(cloud: ServedCloud, who: Role, _name: str, arn: str) -> None:
    name = cloud.name("rule")
    cloud.client("events").put_rule(Name=name, EventPattern=json.dumps({"source": ["one"]}))
    target = {"Id": "one", "Arn": f"arn:aws:sqs:{HOME}:{HUB}:queue", "RoleArn": arn}
    cloud.client("events", who).put_targets(Rule=name, Targets=[target])


def adding_to_a_profile(cloud: ServedCloud, who: Role, name: str, _arn: str) -> None:
    profile = cloud.name("profile")
    cloud.client("iam").create_instance_profile(InstanceProfileName=profile)
    cloud.client("iam", who).add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)


@pytest.mark.parametrize(
    ("attempt", "service", "refused"),
    [
        (creating, "lambda.amazonaws.com", "AccessDeniedException"),
        (reconfiguring, "lambda.amazonaws.com", "AccessDeniedException"),
        (putting_a_rule, "events.amazonaws.com", "AccessDeniedException"),
        (putting_a_target, "events.amazonaws.com", "AccessDeniedException"),
        (adding_to_a_profile, "ec2.amazonaws.com", "AccessDenied"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_role_is_passed_by_whoever_may_pass_it_to_the_service(
    cloud: ServedCloud,
    directory: Path,
    attempt: Callable[[ServedCloud, Role, str, str], None],
    service: str,
    refused: str,
) -> None:
    name, arn = passed(cloud, service)
    who = cloud.role(HUB, statement(["lambda:*", "events:*", "iam:AddRoleToInstanceProfile"]))
    only = {"StringEquals": {"iam:PassedToService": service}}
    other = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    rights = [statement(["lambda:*", "events:*", "iam:AddRoleToInstanceProfile"])]
    for more in ([], [statement("iam:PassRole", arn, Condition=other)], [statement("iam:PassRole", f"{arn}-other")]):
        cloud.put_policy(HUB, who.name, *rights, *more)
        found, message = refusal(lambda: attempt(cloud, who, name, arn))
        assert found == refused
        assert f"{who.session} is not authorized to perform: iam:PassRole on resource: {arn}" in message
    cloud.put_policy(HUB, who.name, *rights, statement("iam:PassRole", arn, Condition=only))
    attempt(cloud, who, name, arn)
    calls = [
        call.decision for call in read(directory / FILE_NAME) if call.resource == arn and call.principal == who.arn
    ]
    assert calls == [refused, refused, refused, "allowed"]


def test_lambda_takes_no_role_that_does_not_trust_it(cloud: ServedCloud) -> None:
    _, arn = passed(cloud, "ec2.amazonaws.com")
    expected = ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
    assert refusal(lambda: create_function(cloud, HUB, arn)) == expected
    function = create_function(cloud, HUB, passed(cloud)[1])
    change = cloud.client("lambda").update_function_configuration
    assert refusal(lambda: change(FunctionName=function, Role=arn)) == expected
    assert refusal(lambda: create_function(cloud, HUB, f"arn:aws:iam::{HUB}:role/none"))[0] == expected[0]


@pytest.mark.parametrize("service", ["sqs", "sns"])
def test_lambda_takes_no_dead_letters_that_the_role_may_not_send(cloud: ServedCloud, service: str) -> None:
    action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}[service]
    target = f"arn:aws:{service}:{HOME}:{HUB}:letters"
    letters = {"TargetArn": target}
    _, without = passed(cloud)
    found, message = refusal(lambda: create_function(cloud, HUB, without, DeadLetterConfig=letters))
    assert found == "InvalidParameterValueException"
    assert message.startswith("The provided execution role does not have permissions to call")
    function = create_function(cloud, HUB, without)
    change = cloud.client("lambda").update_function_configuration
    assert refusal(lambda: change(FunctionName=function, DeadLetterConfig=letters)) == (found, message)
    _, role = passed(cloud, "lambda.amazonaws.com", statement(action, target))
    create_function(cloud, HUB, role, DeadLetterConfig=letters)
