"""A product's whole life in a few seconds, with what goes wrong in it, for the calls that it leaves in the journal."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.follow import Follower
from local.build_following import BuildError
from local.cloud.journal import FILE_NAME, RecordedCall, read
from local.environment import REPOSITORY
from local.people import APPLICATION_OPERATOR, PRODUCT_ENGINEER, SCRIPT_AUTHOR
from model.names import ProductNames, channel_parameter, role_arn
from tests.stacks.permissions.documents import HUB, PRODUCT, documents
from tests.stacks.waiting import until
from tests.stacks.world import Deployed, World

REFUSING = "333333333333"
REGION = "us-east-1"


@dataclass(frozen=True)
class Recording:
    """What the cloud decides from the time of its making on."""

    path: Path
    size: int

    @classmethod
    def begin(cls, world: World) -> Recording:
        """Record from now on."""
        path = world.session.folder.cloud / FILE_NAME
        return cls(path, path.stat().st_size)

    def calls(self) -> list[RecordedCall]:
        """What was decided since."""
        return read(self.path, self.size)

    def count(self, principal: str, action: str) -> int:
        """How often an action was allowed since."""
        return sum((each.principal, each.action, each.allowed) == (principal, action, True) for each in self.calls())

    def wait_for(self, principal: str, action: str) -> None:
        """Wait until an action was allowed."""
        until(lambda: self.count(principal, action), f"{action} by {principal}")


def whole_run(world: World, image: Deployed, scripts: Path) -> list[RecordedCall]:
    """What is recorded of a product from its first deployment to its launches.

    Of the deployments that is the first one; of everything else one run from upload to launch in which an upload is
    refused, a target refuses, events are not delivered, and both functions fail. Other tests on the same cloud change
    policies for a while: what was called meanwhile is left out.
    """
    first = first_deployment(world)
    recording = Recording.begin(world)
    with nothing_left_behind(world, image, recording):
        refused_upload(world, recording)
        undelivered_failure(world, recording, scripts)
        retried_build(world, recording, scripts)
        functions_failing_for_good(world, recording)
    access_report(world)
    return [*first, *recording.calls()]


def first_deployment(world: World) -> list[RecordedCall]:
    """Calls of the deployment roles until the product was there for the first time; the engine keeps when that was."""
    histories = (world.session.folder.state / ".pulumi" / "history").glob(f"*/{PRODUCT}/*.history.json")
    done = min(json.loads(file.read_text(encoding="utf-8"))["endTime"] for file in histories)
    sessions = ("/golden-ami-landing-zone", f"/golden-ami-{PRODUCT}")
    calls = read(world.session.folder.cloud / FILE_NAME)
    # The engine tells whole seconds.
    return [each for each in calls if (each.session or "").endswith(sessions) and each.time.timestamp() < done + 1]


@contextmanager
def nothing_left_behind(world: World, image: Deployed, recording: Recording) -> Generator[None]:
    """Begin without failed events, so that the alarm goes off, and leave neither them nor reports to other tests."""
    sqs, cloudwatch, names = world.client("sqs"), world.client("cloudwatch"), _names(world)
    dead_letters = sqs.get_queue_url(QueueName=names.dead_letter_queue)["QueueUrl"]

    def calm() -> bool:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[names.dead_letter_alarm])["MetricAlarms"]
        return alarm["StateValue"] != "ALARM"

    def all_delivered() -> bool:
        publishers = {each.principal for each in recording.calls() if each.action == "sns:Publish"}
        published = sum(recording.count(each, "sns:Publish") for each in publishers)
        return published == recording.count("sns.amazonaws.com", "sqs:SendMessage")

    sqs.purge_queue(QueueUrl=dead_letters)
    until(calm, "the alarm is over")
    try:
        yield
        until(all_delivered, "all reports are delivered")
    finally:
        sqs.purge_queue(QueueUrl=dead_letters)
        sqs.purge_queue(QueueUrl=image.reports.url)
        until(calm, "the alarm is over")


def refused_upload(world: World, recording: Recording) -> None:
    """The team uploads an empty file, hears of it, looks at what is there, and withdraws it."""
    (uploader,) = world.session.files.plan(PRODUCT).uploaders
    team = world.session.person(SCRIPT_AUTHOR, uploader.account).assume(uploader.arn, "upload").s3(REGION)
    bucket, key = _names(world).bucket, f"scripts/empty-{uuid.uuid4().hex}.conf"
    team.put_object(Bucket=bucket, Key=key, Body=b"")
    recording.wait_for(_function_role(world, "start"), "sns:Publish")
    team.list_objects_v2(Bucket=bucket, Prefix="scripts/")
    assert team.get_object(Bucket=bucket, Key=key)["Body"].read() == b""
    team.delete_object(Bucket=bucket, Key=key)
    unfinished = team.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    team.upload_part(Bucket=bucket, Key=key, UploadId=unfinished, PartNumber=1, Body=b"the first part")
    team.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=unfinished)


def undelivered_failure(world: World, recording: Recording, scripts: Path) -> None:
    """A target refuses the image, and nobody takes the event of that: the dead-letter queue keeps it, and alarms."""
    found = documents(world)
    target, report = found[f"policy of distribution to {REFUSING}"], found["permissions of report-outcome"]
    with target.changed(target.without("WriteChannels")), report.changed(report.without("CalledByImageState")):
        with pytest.raises(BuildError):
            world.image(PRODUCT, scripts).build()
        recording.wait_for("events.amazonaws.com", "sqs:SendMessage")
    recording.wait_for("cloudwatch.amazonaws.com", "sns:Publish")


def retried_build(world: World, recording: Recording, scripts: Path) -> None:
    """The failed distribution is repeated, and the image launched as each consumer role, with its profile too."""
    engineer = world.session.person(PRODUCT_ENGINEER, HUB)
    answer = engineer.functions(REGION).invoke(
        FunctionName=_names(world).start_function, Payload=json.dumps({"source": "retry"}).encode()
    )
    arn: str = json.loads(answer["Payload"].read())["imageBuildVersionArn"]
    ended = Follower(engineer.image_builder(REGION), world.session.report.console).follow(arn)
    assert ended.available, ended.reason
    rows = world.image(PRODUCT, scripts).rows(ended)
    assert {row.launched for row in rows} == {"yes"}
    for consumer in world.session.files.plan(PRODUCT).consumers:
        if consumer.create:
            _launch_with_profile(world, consumer.account, consumer.arn)
    recording.wait_for(_function_role(world, "report"), "sns:Publish")


def _launch_with_profile(world: World, account: str, role: str) -> None:
    """An instance that has the role by which it was launched."""
    operator = world.session.person(APPLICATION_OPERATOR, account)
    consumer = operator.assume(role, "launch")
    parameter = channel_parameter(PRODUCT)
    image = consumer.ssm(REGION).get_parameter(Name=parameter)["Parameter"].get("Value", "")
    made = consumer.ec2(REGION).run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": role.rsplit("/", 1)[-1]},
    )
    instances = [each.get("InstanceId", "") for each in made.get("Instances", [])]
    operator.ec2(REGION).terminate_instances(InstanceIds=instances)


def functions_failing_for_good(world: World, recording: Recording) -> None:
    """Events that make no sense to the functions go to the dead-letter queue after their retries."""
    names, functions = _names(world), world.client("lambda")
    senseless = {names.start_function: {"source": "manual"}, names.report_function: {}}
    for function, event in senseless.items():
        functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode())
    for function in ("start", "report"):
        recording.wait_for(_function_role(world, function), "sqs:SendMessage")


def access_report(world: World) -> None:
    """`make access --live`: read as the deployment roles who may launch."""
    done = subprocess.run(
        [sys.executable, "-m", "commands.access", "--product", PRODUCT, "--live", "--format", "json"],
        cwd=REPOSITORY,
        env=world.session.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _names(world: World) -> ProductNames:
    return world.session.files.names(PRODUCT)


def _function_role(world: World, function: str) -> str:
    names = _names(world)
    return role_arn(HUB, names.start_function if function == "start" else names.report_function)
