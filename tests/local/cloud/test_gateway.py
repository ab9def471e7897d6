"""Calls from within the cloud: with anybody's credentials, as a service's role, onto the event bus."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.call import Call, Caller, Credentials, ServiceError

HUB, TARGET = "111111111111", "222222222222"
HOME, AWAY = "us-east-1", "eu-west-1"
SERVICE = "imagebuilder.amazonaws.com"


def refusal(call: Callable[[], Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        call()
    return caught.value


def test_a_client_carries_its_credentials_through_the_front(running: Any) -> None:
    who = running.user("imagebuilder:GetComponent")
    running.gateway.client("imagebuilder", AWAY, who).get_component(componentBuildVersionArn="arn")
    (call,) = running.builder.calls
    assert (call.region, call.caller.arn) == (AWAY, f"arn:aws:iam::{HUB}:user/somebody")
    with pytest.raises(ClientError, match="imagebuilder:ListTagsForResource"):
        running.gateway.client("imagebuilder", AWAY, who).list_tags_for_resource(resourceArn="arn")


def test_a_root_client_acts_for_the_account(running: Any) -> None:
    sts = running.gateway.root_client("sts", TARGET, HOME)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{TARGET}:root"


def test_a_large_object_arrives_whole_without_a_socket(running: Any) -> None:
    s3 = running.gateway.root_client("s3", HUB, HOME)
    s3.create_bucket(Bucket="things")
    body = bytes(range(256)) * 4096
    s3.put_object(Bucket="things", Key="a folder/ä+b%.bin", Body=body)
    assert s3.get_object(Bucket="things", Key="a folder/ä+b%.bin")["Body"].read() == body
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="things")["Contents"]] == ["a folder/ä+b%.bin"]


def test_a_call_is_forwarded_beneath_the_front_for_the_account_and_region_given(running: Any) -> None:
    who = running.user()
    caller = Caller(HUB, "arn", who)
    call = Call("sqs", "CreateQueue", HOME, caller, {"QueueName": "work"})
    assert f"/{HUB}/work" in running.gateway.forward(call)["QueueUrl"]
    assert f"/{TARGET}/work" in running.gateway.forward(call, TARGET, AWAY)["QueueUrl"]
    assert len(running.gateway.root_client("sqs", TARGET, AWAY).list_queues()["QueueUrls"]) == 1
    assert not running.gateway.root_client("sqs", TARGET, HOME).list_queues().get("QueueUrls")


def test_a_forwarded_call_that_ministack_refuses_keeps_its_code_and_status(running: Any) -> None:
    caller = Caller(HUB, "arn", Credentials(HUB, "root"))
    call = Call("iam", "GetRole", HOME, caller, {"RoleName": "none"})
    error = refusal(lambda: running.gateway.forward(call))
    assert (error.code, error.status) == ("NoSuchEntity", 404)
    assert "none" in error.message


def test_a_role_is_assumed_by_whom_it_trusts(running: Any) -> None:
    who = running.user("sts:AssumeRole")
    trusting = running.role("trusting", {"AWS": f"arn:aws:iam::{HUB}:root"})
    other = running.role("other", {"AWS": f"arn:aws:iam::{TARGET}:root"})
    session = running.gateway.assume_role(who, trusting, "night")
    identity = running.gateway.client("sts", HOME, session).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{HUB}:assumed-role/trusting/night"
    error = refusal(lambda: running.gateway.assume_role(who, other, "night"))
    assert error.code == "AccessDenied"
    assert "sts:AssumeRole" in error.message
    assert other in error.message


def test_a_service_works_with_the_permissions_of_a_role_that_trusts_it(running: Any) -> None:
    arn = running.role("build", {"Service": SERVICE}, "sqs:ListQueues")
    session = running.gateway.assume_service_role(arn, SERVICE, "image")
    identity = running.gateway.client("sts", HOME, session).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (HUB, f"arn:aws:sts::{HUB}:assumed-role/build/image")
    running.gateway.client("sqs", HOME, session).list_queues()
    with pytest.raises(ClientError, match="sqs:CreateQueue"):
        running.gateway.client("sqs", HOME, session).create_queue(QueueName="work")


def test_a_service_s_session_reaches_the_services_here_too(running: Any) -> None:
    arn = running.role("build", {"Service": SERVICE}, "imagebuilder:GetComponent")
    session = running.gateway.assume_service_role(arn, SERVICE, "image")
    running.client("imagebuilder", session).get_component(componentBuildVersionArn="arn")
    assert running.builder.calls[0].caller.arn == f"arn:aws:sts::{HUB}:assumed-role/build/image"


@pytest.mark.parametrize(
    "principal",
    [{"Service": "ec2.amazonaws.com"}, {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
     {"AWS": f"arn:aws:iam::{HUB}:root"}, {"AWS": "*"}],
)  # fmt: skip
def test_a_service_cannot_take_a_role_that_trusts_others(running: Any, principal: Any) -> None:
    arn = running.role("build", principal)
    error = refusal(lambda: running.gateway.assume_service_role(arn, SERVICE, "image"))
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.message == f"User: {SERVICE} is not authorized to perform: sts:AssumeRole on resource: {arn}"


def test_a_service_cannot_take_a_role_that_is_not_there(running: Any) -> None:
    arn = f"arn:aws:iam::{HUB}:role/none"
    error = refusal(lambda: running.gateway.assume_service_role(arn, SERVICE, "image"))
    assert error.code == "AccessDenied"
    assert arn in error.message


def test_a_trust_policy_s_conditions_hold_for_services(running: Any) -> None:
    pipeline = f"arn:aws:imagebuilder:{HOME}:{HUB}:image-pipeline/ledger"
    condition = {"StringEquals": {"aws:SourceAccount": HUB}, "ArnLike": {"aws:SourceArn": f"{pipeline[:-6]}*"}}
    arn = running.role("build", {"Service": SERVICE}, condition=condition)
    right = {"aws:SourceAccount": HUB, "aws:SourceArn": pipeline}
    assert running.gateway.assume_service_role(arn, SERVICE, "image", right).session_token
    for wrong in ({}, {**right, "aws:SourceAccount": TARGET}, {**right, "aws:SourceArn": "arn:aws:s3:::bucket"}):
        error = refusal(lambda: running.gateway.assume_service_role(arn, SERVICE, "image", wrong))  # noqa: B023
        assert error.code == "AccessDenied"


def test_authorization_is_told_by_action_and_resource_in_the_code_asked_for(running: Any) -> None:
    who = running.user("sqs:SendMessage", resource="arn:aws:sqs:us-east-1:111111111111:work")
    gateway = running.gateway
    queue = "arn:aws:sqs:us-east-1:111111111111:"
    gateway.authorize(who, "sqs:SendMessage", f"{queue}work", HOME)
    gateway.authorize(Caller(HUB, "arn", who), "sqs:SendMessage", f"{queue}work", HOME)
    error = refusal(lambda: gateway.authorize(who, "sqs:SendMessage", f"{queue}play", HOME, code="Refused"))
    assert (error.code, error.status) == ("Refused", 403)
    assert f"not authorized to perform: sqs:SendMessage on resource: {queue}play" in error.message
    gateway.authorize(Credentials(HUB, "root"), "sqs:DeleteQueue", f"{queue}play", HOME)


def test_condition_keys_of_a_call_reach_the_policies_whatever_their_case(running: Any) -> None:
    who = running.user("ec2:RunInstances", condition={"StringEquals": {"ec2:InstanceType": "m5.large"}})

    def ask(context: dict[str, str]) -> None:
        running.gateway.authorize(who, "ec2:RunInstances", "*", HOME, context)

    ask({"ec2:InstanceType": "m5.large"})
    ask({"EC2:instancetype": "m5.large"})
    for context in ({"ec2:InstanceType": "m5.metal"}, {}):
        assert refusal(lambda: ask(context)).code == "AccessDeniedException"  # noqa: B023


def test_the_region_of_a_call_is_a_condition_key(running: Any) -> None:
    who = running.user("sqs:*", condition={"StringEquals": {"aws:RequestedRegion": AWAY}})
    running.gateway.authorize(who, "sqs:SendMessage", "*", AWAY)
    assert refusal(lambda: running.gateway.authorize(who, "sqs:SendMessage", "*", HOME)).code == "AccessDeniedException"


def test_an_event_of_a_service_reaches_a_queue_by_its_rule(running: Any) -> None:
    sqs, events = running.client("sqs"), running.client("events")
    url = sqs.create_queue(QueueName="outcomes")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.imagebuilder"], "detail": {"state": {"status": ["AVAILABLE"]}}}
    rule = events.put_rule(Name="built", EventPattern=json.dumps(pattern))["RuleArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
                 "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule="built", Targets=[{"Id": "queue", "Arn": queue}])
    put = running.gateway.put_service_event
    put(HUB, HOME, "aws.imagebuilder", "State Change", ["arn:one"], {"state": {"status": "FAILED"}})
    put(TARGET, HOME, "aws.imagebuilder", "State Change", ["arn:two"], {"state": {"status": "AVAILABLE"}})
    put(HUB, AWAY, "aws.imagebuilder", "State Change", ["arn:three"], {"state": {"status": "AVAILABLE"}})
    put(HUB, HOME, "aws.imagebuilder", "State Change", ["arn:four"], {"state": {"status": "AVAILABLE"}})
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10)["Messages"]
    (event,) = [json.loads(message["Body"]) for message in messages]
    assert (event["source"], event["detail-type"]) == ("aws.imagebuilder", "State Change")
    assert (event["account"], event["region"], event["resources"]) == (HUB, HOME, ["arn:four"])
    assert event["detail"] == {"state": {"status": "AVAILABLE"}}


def test_nobody_but_a_service_puts_events_of_aws(running: Any) -> None:
    entry = {"Source": "aws.imagebuilder", "DetailType": "State Change", "Detail": "{}"}
    answer = running.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1
