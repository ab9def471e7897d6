from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Credentials
from local.cloud.clock import SettableClock
from local.cloud.image_builder.build_log import BuildLog


class Logs:
    """CloudWatch Logs over a dictionary."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, list[str]]] = {}

    def put_log_events(self, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> None:
        if logStreamName not in self.groups.get(logGroupName, {}):
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "PutLogEvents")
        self.groups[logGroupName][logStreamName] += [event["message"] for event in logEvents]

    def create_log_stream(self, logGroupName: str, logStreamName: str) -> None:
        if logGroupName not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "CreateLogStream")
        self.groups[logGroupName][logStreamName] = []

    def create_log_group(self, logGroupName: str) -> None:
        self.groups[logGroupName] = {}


def test_the_log_makes_its_group_and_stream_and_hides_secrets() -> None:
    logs = Logs()
    log = BuildLog("/aws/imagebuilder/web", "1.0.0/1", SettableClock(datetime(2026, 1, 1, tzinfo=UTC)))
    log.use(lambda: logs)
    log.hide(Credentials("ASIAAAAAAAAAAAAAAAAA", "the-secret", "the-token"))
    for line in ("started", "echo the-secret", "export DB_PASSWORD=hunter2", "AKIAIOSFODNN7EXAMPLE", "using the-token"):
        log.write(line)
    log.flush()
    assert logs.groups["/aws/imagebuilder/web"]["1.0.0/1"] == [
        "started",
        "echo [hidden]",
        "export DB_PASSWORD=[hidden]",
        "[hidden]",
        "using [hidden]",
    ]


def test_a_log_that_may_not_be_written_does_not_end_the_build() -> None:
    class Refusing(Logs):
        def put_log_events(self, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not for you"}}, "PutLogEvents")

    log = BuildLog("/aws/imagebuilder/web", "1.0.0/1", SettableClock(datetime(2026, 1, 1, tzinfo=UTC)))
    log.use(Refusing)
    log.write("started")
    log.flush()
    assert "not for you" in (log.problem or "")
