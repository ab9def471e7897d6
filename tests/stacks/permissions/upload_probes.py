"""Probes of the upload side: one thing each, done as whoever does it in earnest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3

from local.cloud.journal import FILE_NAME, RecordedCall, read
from local.people import PLATFORM_ENGINEER, PRODUCT_ENGINEER, SCRIPT_AUTHOR
from local.session import Actor
from tests.stacks.permissions.classification import RefusedError, at
from tests.stacks.permissions.documents import HUB, PRODUCT, documents
from tests.stacks.waiting import until
from tests.stacks.world import World

TEAM = "arn:aws:iam::222222222222:role/ledger-team"
ADMINISTRATOR = f"arn:aws:iam::{HUB}:role/platform-administrator"
PROBE_SOURCE = "golden-ami.probe"


def names(world: World) -> Any:
    return world.session.files.names(PRODUCT)


class Recorded:
    """What the cloud decides from now on."""

    def __init__(self, world: World) -> None:
        self._path: Path = world.session.folder.cloud / FILE_NAME
        self._size = self._path.stat().st_size

    def first(self, principal: str, action: str, part: str = "") -> RecordedCall:
        """The first decision on an action (or pattern) of a principal whose resource contains a part; waits for it."""

        def found() -> RecordedCall | None:
            calls = read(self._path, self._size)
            wanted = (call for call in calls if call.principal == principal and fnmatchcase(call.action, action))
            return next((call for call in wanted if part in call.resource), None)

        return until(found, f"{action} by {principal}")

    def require(self, place: str, principal: str, action: str, part: str = "") -> None:
        """Wait for the decision; raises `RefusedError` where it is a refusal."""
        call = self.first(principal, action, part)
        if not call.allowed:
            raise RefusedError(place, f"{call.decision}: {principal} {action} {call.resource}")


def invoke(world: World, function: str, event: dict[str, Any], place: str) -> dict[str, Any]:
    """Call a function and wait for its answer; an error of the function is a refusal with its text."""
    functions = world.session.person(PRODUCT_ENGINEER, HUB).functions("us-east-1")
    client = functions if function == names(world).start_function else world.client("lambda")
    with at(place):
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    content = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise RefusedError(place, f"{content.get('errorType')}: {content.get('errorMessage')}")
    return content


def reconcile(world: World) -> None:
    """The start function looks at what is there; nothing is due."""
    invoke(world, names(world).start_function, {}, "reconciliation")


def report_a_refused_upload(world: World) -> None:
    """The start function tells the team of an upload that it refuses."""
    with empty_upload(world):
        invoke(world, names(world).start_function, {}, "reconciliation")


def report_an_outcome(world: World) -> None:
    """The report function tells of the last image, and tags its copies."""
    pipeline = names(world).pipeline_arn
    images = world.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=pipeline)["imageSummaryList"]
    arn = next(image["arn"] for image in images if image["state"]["status"] == "AVAILABLE")
    invoke(world, names(world).report_function, {"resources": [arn]}, "report")


@contextmanager
def empty_upload(world: World) -> Generator[None]:
    """A file of the team that is refused, and so never built; a new one each time."""
    key = f"scripts/empty-{uuid.uuid4().hex}.conf"
    upload(world, key)
    try:
        yield
    finally:
        world.client("s3").delete_object(Bucket=names(world).bucket, Key=key)


def upload(world: World, key: str) -> None:
    """The team writes an empty object."""
    with at("upload"):
        team(world).put_object(Bucket=names(world).bucket, Key=key, Body=b"")


def team(world: World) -> Any:
    """S3 as the team's role, of another account."""
    return world.session.person(SCRIPT_AUTHOR, "222222222222").assume(TEAM, "probe").s3("us-east-1")


def team_uploads(world: World) -> None:
    """The team's role of another account writes under its prefix."""
    with empty_upload(world):
        pass


def team_lists(world: World) -> None:
    """The team's role sees what it has uploaded."""
    with at("listing"):
        team(world).list_objects_v2(Bucket=names(world).bucket, Prefix="scripts/")


def upload_is_delivered(world: World) -> None:
    """S3 calls the start function for an upload."""
    recorded = Recorded(world)
    with empty_upload(world):
        recorded.require("S3 event", "s3.amazonaws.com", "lambda:InvokeFunction", names(world).start_function)


def image_state_reaches_the_start_function(world: World) -> None:
    """EventBridge calls the start function for what the rule of image states matches."""
    _deliver(world, names(world).image_state_rule, names(world).start_function)


def image_state_reaches_the_report_function(world: World) -> None:
    """EventBridge calls the report function for what the rule of image states matches."""
    _deliver(world, names(world).image_state_rule, names(world).report_function)


def reconciliation_reaches_the_start_function(world: World) -> None:
    """EventBridge calls the start function by the rule that makes up for lost events."""
    _deliver(world, names(world).reconciliation_rule, names(world).start_function)


def _deliver(world: World, rule: str, function: str) -> None:
    recorded = Recorded(world)
    with probed(world, rule):
        recorded.require("EventBridge", "events.amazonaws.com", "lambda:InvokeFunction", function)


@contextmanager
def probed(world: World, rule: str, source: str = PROBE_SOURCE) -> Generator[None]:
    """Let a rule match one event of ours, which AWS's own services cannot be made to send at will."""
    events = world.client("events")
    before = events.describe_rule(Name=rule)
    kept = {key: before[key] for key in ("ScheduleExpression", "EventPattern", "Description") if before.get(key)}
    events.put_rule(Name=rule, **{**kept, "EventPattern": json.dumps({"source": [source]})})
    entry = {"Source": source, "DetailType": "probe", "Detail": "{}"}
    try:
        events.put_events(Entries=[entry])
        yield
    finally:
        events.put_rule(Name=rule, **kept)


def undelivered_events_are_kept(world: World) -> None:
    """What EventBridge may not deliver goes to the dead-letter queue."""
    permissions = documents(world)["permissions of report-outcome"]
    recorded = Recorded(world)
    with permissions.changed(permissions.without("CalledByImageState")), probed(world, names(world).image_state_rule):
        queue = names(world).dead_letter_queue
        recorded.require("dead-letter queue", "events.amazonaws.com", "sqs:SendMessage", queue)


def undelivered_events_are_encrypted(world: World) -> None:
    """EventBridge uses the data key for what it keeps."""
    permissions = documents(world)["permissions of report-outcome"]
    recorded = Recorded(world)
    with permissions.changed(permissions.without("CalledByImageState")), probed(world, names(world).image_state_rule):
        recorded.require("dead-letter queue", "events.amazonaws.com", "kms:GenerateDataKey")


def start_keeps_what_fails(world: World) -> None:
    """The start function's events that fail for good go to the dead-letter queue."""
    # A request by hand without what identifies it.
    _fail_for_good(world, names(world).start_function, "manual")


def report_keeps_what_fails(world: World) -> None:
    """The report function's events that fail for good go to the dead-letter queue."""
    _fail_for_good(world, names(world).report_function, PROBE_SOURCE)


def _fail_for_good(world: World, function: str, source: str) -> None:
    recorded = Recorded(world)
    with probed(world, names(world).image_state_rule, source):
        recorded.require("dead-letter queue", role_of(function), "sqs:SendMessage", names(world).dead_letter_queue)


def start_writes_its_log(world: World) -> None:
    """The start function's log is written with its role."""
    recorded = Recorded(world)
    reconcile(world)
    recorded.require("log", role_of(names(world).start_function), "logs:*")


def report_writes_its_log(world: World) -> None:
    """The report function's log is written with its role."""
    recorded = Recorded(world)
    report_an_outcome(world)
    recorded.require("log", role_of(names(world).report_function), "logs:*")


def role_of(function: str) -> str:
    return f"arn:aws:iam::{HUB}:role/{function}"


def alarm_reaches_the_topic(world: World) -> None:
    """An event in the dead-letter queue raises the alarm on the product's topic."""
    _alarm(world, "sns:Publish")


def alarm_uses_the_key(world: World) -> None:
    """The alarm's message is encrypted with the data key."""
    _alarm(world, "kms:GenerateDataKey")


def _alarm(world: World, action: str) -> None:
    sqs, cloudwatch = world.client("sqs"), world.client("cloudwatch")
    url = sqs.get_queue_url(QueueName=names(world).dead_letter_queue)["QueueUrl"]

    def state() -> str:
        alarms = cloudwatch.describe_alarms(AlarmNames=[names(world).dead_letter_alarm])["MetricAlarms"]
        return alarms[0]["StateValue"]

    sqs.purge_queue(QueueUrl=url)
    until(lambda: state() != "ALARM", "the alarm is over")
    recorded = Recorded(world)
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        until(lambda: state() == "ALARM", "the alarm goes off")
        recorded.require("alarm", "cloudwatch.amazonaws.com", action)
    finally:
        sqs.purge_queue(QueueUrl=url)


def administrator_reads_the_data_key(world: World) -> None:
    """A key administrator manages the key without any identity policy."""
    key = world.client("kms").describe_key(KeyId=f"alias/golden-ami/{PRODUCT}/data")["KeyMetadata"]["Arn"]
    with at("administration"):
        client_of(administrator(world), "kms").get_key_policy(KeyId=key, PolicyName="default")


def administrator(world: World) -> Actor:
    """The role that the landing zone names, as a user of the hub who may assume it."""
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ADMINISTRATOR}
    return hub_user(world, allow).assume(ADMINISTRATOR, "probe")


def hub_user(world: World, *statements: dict[str, Any]) -> Actor:
    """Somebody new of the hub with the rights given."""
    iam = world.client("iam")
    name = f"probe-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="probe", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Actor(boto3.Session(key["AccessKeyId"], key["SecretAccessKey"]), world.session.address)


def client_of(actor: Actor, service: Any, region: str = "us-east-1") -> Any:
    """A client of any service."""
    return actor.clients.client(service, region_name=region, endpoint_url=actor.address)


def over_plain_http(client: Any) -> Any:
    """The same client as if its calls came without TLS."""

    def forward(request: Any, **_details: Any) -> None:
        request.headers["x-forwarded-proto"] = "http"

    client.meta.events.register("before-sign", forward)
    return client


def read_a_script_over_plain_http(world: World) -> None:
    """Somebody who may read a script does so without TLS."""
    s3 = over_plain_http(world.session.person(PRODUCT_ENGINEER, HUB).s3("us-east-1"))
    with at("plain HTTP"):
        s3.get_object(Bucket=names(world).bucket, Key="scripts/install.sh")


def read_the_queue_over_plain_http(world: World) -> None:
    """The deployment role reads the queue without TLS."""
    engineer = world.session.person(PLATFORM_ENGINEER, HUB)
    deployer = engineer.assume(f"arn:aws:iam::{HUB}:role/golden-ami-deployment", "probe")
    url = world.client("sqs").get_queue_url(QueueName=names(world).dead_letter_queue)["QueueUrl"]
    with at("plain HTTP"):
        over_plain_http(client_of(deployer, "sqs")).get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def publish_over_plain_http(world: World) -> None:
    """Somebody who may publish does so without TLS."""
    allow = {"Effect": "Allow", "Action": ["sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}
    with at("plain HTTP"):
        sns = over_plain_http(client_of(hub_user(world, allow), "sns"))
        sns.publish(TopicArn=names(world).topic_arn, Message="probe")


def write_under_another_key(world: World) -> None:
    """Somebody who may upload does so under a key of their own choice."""
    kms = world.client("kms")
    other = kms.describe_key(KeyId=f"alias/golden-ami/{PRODUCT}/image")["KeyMetadata"]["Arn"]
    s3 = world.session.person(PRODUCT_ENGINEER, HUB).s3("us-east-1")
    key = f"scripts/other-{uuid.uuid4().hex}.conf"
    with at("upload"):
        s3.put_object(Bucket=names(world).bucket, Key=key, Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=other)
    world.client("s3").delete_object(Bucket=names(world).bucket, Key=key)


def write_a_build(world: World) -> None:
    """Somebody other than the start function writes what a build reads, though otherwise allowed everything."""
    key = f"builds/current/files/{uuid.uuid4().hex}"
    s3 = client_of(hub_user(world, {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}), "s3")
    with at("upload"):
        s3.put_object(Bucket=names(world).bucket, Key=key, Body=b"")
        s3.delete_object(Bucket=names(world).bucket, Key=key)
