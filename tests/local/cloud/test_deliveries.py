"""Deliveries between services: each needs the permission that AWS asks for, and nothing is lost that AWS keeps."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.cloud.journal import FILE_NAME, RecordedCall, read
from tests.local.cloud.served_cloud import (
    HOME,
    HUB,
    TARGET,
    ServedCloud,
    document,
    own,
    refusal,
    serving,
    statement,
)

BY_S3, BY_EVENTS, BY_LAMBDA = "s3.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com"
FAILING = "def handler(event, context):\n    raise ValueError('will not')\n"
"""What fails shows in its dead letters what it was called with."""
SLOW = "import time\n\ndef handler(event, context):\n    time.sleep(0.2)\n    raise ValueError('will not')\n"
TRUST = {"Effect": "Allow", "Principal": {"Service": BY_LAMBDA}, "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(directory: Path) -> Iterator[ServedCloud]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.01")
        with serving(directory) as served:
            yield served


class Queue:
    """A queue, under a key if one is given, and what is in it."""

    def __init__(self, cloud: ServedCloud, key: str | None = None, *admitted: Mapping[str, Any]) -> None:
        name = cloud.name("queue")
        attributes = {"KmsMasterKeyId": key} if key else {}
        if admitted:
            attributes["Policy"] = document(*admitted)
        self._sqs = cloud.client("sqs")
        self.url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{HOME}:{HUB}:{name}"

    def messages(self, count: int = 1, seconds: int = 10) -> list[dict[str, Any]]:
        """As many messages as are expected, or what came until the time was over."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            more = self._sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not more:
                break
            found += more
        return found


class Function:
    """A function, its role, and its dead letters."""

    def __init__(
        self, cloud: ServedCloud, queue: Queue, *rights: Mapping[str, Any], source: str = FAILING, **more: Any
    ) -> None:
        self.name = cloud.name("function")
        self.role = f"arn:aws:iam::{HUB}:role/{self.name}"
        iam = cloud.client("iam")
        iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=document(TRUST))
        rights = rights or (statement("sqs:SendMessage", queue.arn),)
        iam.put_role_policy(RoleName=self.name, PolicyName="work", PolicyDocument=document(*rights))
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as code:
            code.writestr("code.py", source)
        self._functions = cloud.client("lambda")
        self.arn = self._functions.create_function(
            FunctionName=self.name,
            Runtime="python3.13",
            Role=self.role,
            Handler="code.handler",
            Code={"ZipFile": archive.getvalue()},
            DeadLetterConfig={"TargetArn": queue.arn},
            **more,
        )["FunctionArn"]
        # A failed attempt takes a new process, and most tests only ask what comes after the last one.
        self._functions.put_function_event_invoke_config(FunctionName=self.name, MaximumRetryAttempts=0)

    def admit(self, service: str, source: str, account: str = HUB) -> None:
        self._functions.add_permission(
            FunctionName=self.name,
            StatementId="Admitted",
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source,
            SourceAccount=account,
        )

    def shut(self) -> None:
        self._functions.remove_permission(FunctionName=self.name, StatementId="Admitted")


def until(found: Callable[[], list[RecordedCall]]) -> list[RecordedCall]:
    """What the journal comes to hold."""
    pause = threading.Event()
    for _ in range(200):
        calls = found()
        if calls:
            return calls
        pause.wait(0.05)
    raise AssertionError("nothing was written")


def decided(directory: Path, **wanted: str) -> list[RecordedCall]:
    return until(
        lambda: [
            call
            for call in read(directory / FILE_NAME)
            if all(getattr(call, name) == value for name, value in wanted.items())
        ]
    )


def bucket(cloud: ServedCloud) -> str:
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def notify(cloud: ServedCloud, name: str, function: str) -> None:
    configuration = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    cloud.client("s3").put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )


def rule(cloud: ServedCloud, target: str, **more: Any) -> tuple[str, str]:
    """ARN of a rule with one target, and the source whose events it matches."""
    name = cloud.name("rule")
    events = cloud.client("events")
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": target, **more}])
    return arn, name


def put_event(cloud: ServedCloud, source: str) -> None:
    entry = {"Source": source, "DetailType": "test", "Detail": json.dumps({"said": source})}
    cloud.client("events").put_events(Entries=[entry])


def test_an_upload_reaches_a_function_that_admits_the_bucket(cloud: ServedCloud, directory: Path) -> None:
    queue, name = Queue(cloud), bucket(cloud)
    function = Function(cloud, queue)
    function.admit(BY_S3, f"arn:aws:s3:::{name}")
    notify(cloud, name, function.arn)
    cloud.client("s3").put_object(Bucket=name, Key="a", Body=b"a")
    [message] = queue.messages()
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "a"
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "200"
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "will not"
    assert all(call.allowed and call.account == HUB for call in decided(directory, resource=function.arn))
    assert {call.principal for call in decided(directory, resource=function.arn)} == {BY_S3}
    [sent] = decided(directory, resource=queue.arn)
    assert (sent.principal, sent.service, sent.action) == (function.role, BY_LAMBDA, "sqs:SendMessage")


def refuse_none(_function: Function, _name: str) -> None:
    """Nobody is admitted."""


def admit_another_bucket(function: Function, name: str) -> None:
    function.admit(BY_S3, f"arn:aws:s3:::{name}-other")


def admit_another_account(function: Function, name: str) -> None:
    function.admit(BY_S3, f"arn:aws:s3:::{name}", TARGET)


def admit_another_service(function: Function, name: str) -> None:
    function.admit(BY_EVENTS, f"arn:aws:s3:::{name}")


@pytest.mark.parametrize(
    "admit",
    [refuse_none, admit_another_bucket, admit_another_account, admit_another_service],
    ids=lambda one: one.__name__,
)
def test_a_notification_needs_the_function_s_permission(
    cloud: ServedCloud, admit: Callable[[Function, str], None]
) -> None:
    name = bucket(cloud)
    function = Function(cloud, Queue(cloud))
    admit(function, name)
    code, message = refusal(lambda: notify(cloud, name, function.arn))
    assert code == "InvalidArgument"
    assert message.startswith("Unable to validate the following destination configurations")


def test_an_upload_does_not_reach_a_function_that_shuts_itself(cloud: ServedCloud, directory: Path) -> None:
    name = bucket(cloud)
    function = Function(cloud, Queue(cloud))
    function.admit(BY_S3, f"arn:aws:s3:::{name}")
    notify(cloud, name, function.arn)
    function.shut()
    cloud.client("s3").put_object(Bucket=name, Key="a", Body=b"a")
    [refused] = decided(directory, resource=function.arn, decision="AccessDeniedException")
    assert (refused.action, refused.principal) == ("lambda:InvokeFunction", BY_S3)


def test_an_event_reaches_a_function_that_admits_the_rule(cloud: ServedCloud, directory: Path) -> None:
    queue = Queue(cloud)
    function = Function(cloud, queue)
    arn, source = rule(cloud, function.arn)
    function.admit(BY_EVENTS, arn)
    put_event(cloud, source)
    [message] = queue.messages()
    assert json.loads(message["Body"])["detail"] == {"said": source}
    [call] = decided(directory, resource=function.arn)
    assert (call.principal, call.service, call.decision) == (BY_EVENTS, BY_EVENTS, "allowed")


def test_a_refused_event_is_kept_where_the_target_s_queue_admits_events(cloud: ServedCloud, directory: Path) -> None:
    key = cloud.key(statement(["kms:GenerateDataKey", "kms:Decrypt"], Principal={"Service": BY_EVENTS}))
    kept = Queue(cloud, key, statement("sqs:SendMessage", Principal={"Service": BY_EVENTS}))
    function = Function(cloud, Queue(cloud))
    arn, source = rule(cloud, function.arn, DeadLetterConfig={"Arn": kept.arn})
    put_event(cloud, source)
    [message] = kept.messages()
    assert json.loads(message["Body"])["source"] == source
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (told["RULE_ARN"], told["TARGET_ARN"], told["ERROR_CODE"]) == (arn, function.arn, "NO_PERMISSIONS")
    assert "lambda:InvokeFunction" in told["ERROR_MESSAGE"]
    assert [call.action for call in decided(directory, principal=BY_EVENTS, resource=key)] == [
        "kms:GenerateDataKey",
        "kms:Decrypt",
    ]


def test_an_event_for_a_function_that_is_gone_is_kept(cloud: ServedCloud) -> None:
    kept = Queue(cloud, None, statement("sqs:SendMessage", Principal={"Service": BY_EVENTS}))
    _, source = rule(cloud, f"arn:aws:lambda:{HOME}:{HUB}:function:gone", DeadLetterConfig={"Arn": kept.arn})
    put_event(cloud, source)
    [message] = kept.messages()
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_refused_event_is_lost_where_the_queue_or_its_key_does_not_admit_events(
    cloud: ServedCloud, directory: Path
) -> None:
    admitting = statement("sqs:SendMessage", Principal={"Service": BY_EVENTS})
    key = cloud.key()
    for queue, resource in ((shut := Queue(cloud), shut.arn), (Queue(cloud, key, admitting), key)):
        function = Function(cloud, Queue(cloud))
        _, source = rule(cloud, function.arn, DeadLetterConfig={"Arn": queue.arn})
        put_event(cloud, source)
        [refused] = decided(directory, principal=BY_EVENTS, resource=resource)
        assert refused.decision == "AccessDeniedException"
        assert queue.messages(seconds=0) == []


def test_events_reach_queues_and_topics_that_admit_them(cloud: ServedCloud, directory: Path) -> None:
    queue = Queue(cloud, None, statement("sqs:SendMessage", Principal={"Service": [BY_EVENTS, "sns.amazonaws.com"]}))
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=cloud.name("topic"))["TopicArn"]
    policy = document(statement("sns:Publish", topic, Principal={"Service": BY_EVENTS}))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    for target in (queue.arn, topic):
        _, source = rule(cloud, target)
        put_event(cloud, source)
        [message] = queue.messages()
        assert source in message["Body"]
    shut = Queue(cloud)
    _, source = rule(cloud, shut.arn)
    put_event(cloud, source)
    assert not decided(directory, resource=shut.arn)[0].allowed
    assert shut.messages(seconds=0) == []


@pytest.mark.parametrize("missing", ["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"])
def test_a_dead_letter_needs_the_role_s_rights(cloud: ServedCloud, directory: Path, missing: str) -> None:
    queue = Queue(cloud, cloud.key())
    rights = ["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"]
    function = Function(cloud, queue, statement(rights))
    cloud.put_policy(HUB, function.name, statement([right for right in rights if right != missing]))
    cloud.client("iam").delete_role_policy(RoleName=function.name, PolicyName="work")
    cloud.client("lambda").invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    [refused] = decided(directory, principal=function.role, action=missing)
    assert not refused.allowed
    assert queue.messages(seconds=0) == []


def test_a_dead_letter_reaches_an_encrypted_queue(cloud: ServedCloud) -> None:
    queue = Queue(cloud, cloud.key())
    rights = statement(["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"])
    function = Function(cloud, queue, rights)
    cloud.client("lambda").invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"a": 1}')
    [message] = queue.messages()
    assert json.loads(message["Body"]) == {"a": 1}


def test_a_function_whose_role_does_not_trust_lambda_does_not_run(cloud: ServedCloud, directory: Path) -> None:
    queue = Queue(cloud)
    function = Function(cloud, queue)
    other = {**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}}
    cloud.client("iam").update_assume_role_policy(RoleName=function.name, PolicyDocument=document(other))
    answer = cloud.client("lambda").invoke(FunctionName=function.name, Payload=b"{}")
    assert answer["FunctionError"]
    assert b"cannot be assumed by Lambda" in answer["Payload"].read()
    assert decided(directory, principal=BY_LAMBDA, resource=function.role)[-1].decision == "AccessDeniedException"


@pytest.mark.parametrize("missing", [None, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
def test_logs_are_written_with_the_function_s_role(cloud: ServedCloud, directory: Path, missing: str | None) -> None:
    rights = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    of_logs = statement([right for right in rights if right != missing], f"arn:aws:logs:{HOME}:{HUB}:log-group:*")
    function = Function(cloud, queue := Queue(cloud), statement("sqs:SendMessage", queue.arn), of_logs)
    assert cloud.client("lambda").invoke(FunctionName=function.name, Payload=b"{}")["FunctionError"]
    logs = cloud.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function.name}")["logGroups"]
    assert bool(groups) is (missing is None)
    written = [call for call in read(directory / FILE_NAME) if call.principal == function.role]
    assert {call.action for call in written if not call.allowed} == ({missing} if missing else set())
    assert {call.service for call in written} == {BY_LAMBDA}


def test_throttled_events_wait_for_their_turn(cloud: ServedCloud) -> None:
    queue = Queue(cloud)
    function = Function(cloud, queue, source=SLOW)
    functions = cloud.client("lambda")
    functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    for number in range(3):
        functions.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps(number).encode())
    messages = queue.messages(3)
    assert sorted(json.loads(message["Body"]) for message in messages) == list(range(3))
    assert {message["MessageAttributes"]["ErrorCode"]["StringValue"] for message in messages} == {"200"}


def test_a_function_that_may_not_run_at_all_sends_its_events_away(cloud: ServedCloud) -> None:
    queue = Queue(cloud)
    function = Function(cloud, queue)
    functions = cloud.client("lambda")
    functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    functions.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    [message] = queue.messages()
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"


def test_a_failure_goes_to_a_destination_with_its_record(cloud: ServedCloud) -> None:
    queue, destination = Queue(cloud), Queue(cloud)
    function = Function(cloud, queue, statement("sqs:SendMessage"))
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": destination.arn}},
    )
    cloud.client("lambda").invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"a": 1}')
    [message] = destination.messages()
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"a": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2


@pytest.mark.parametrize("missing", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_sending_to_an_encrypted_queue_or_topic_needs_the_key(cloud: ServedCloud, missing: str) -> None:
    key = cloud.key()
    queue = Queue(cloud, key)
    topic = cloud.client("sns").create_topic(Name=cloud.name("topic"), Attributes={"KmsMasterKeyId": key})["TopicArn"]
    both = ["kms:GenerateDataKey", "kms:Decrypt"]
    rights = [right for right in both if right != missing]
    for allowed in (True, False):
        role = cloud.role(HUB, statement(["sqs:SendMessage", "sns:Publish"]), statement(both if allowed else rights))
        calls = {
            "KMS.AccessDeniedException": lambda role=role: cloud.client("sqs", role).send_message(
                QueueUrl=queue.url, MessageBody="a"
            ),
            "KMSAccessDenied": lambda role=role: cloud.client("sns", role).publish(TopicArn=topic, Message="a"),
        }
        for code, call in calls.items():
            if allowed:
                call()
            else:
                found, message = refusal(call)
                assert found == code
                assert missing in message


def test_receiving_from_an_encrypted_queue_needs_its_key(cloud: ServedCloud) -> None:
    queue = Queue(cloud, cloud.key(own()))
    role = cloud.role(HUB, statement("sqs:ReceiveMessage"))
    code, _ = refusal(lambda: cloud.client("sqs", role).receive_message(QueueUrl=queue.url))
    assert code == "KMS.AccessDeniedException"
