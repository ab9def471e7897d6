"""What is granted is what was called in the life of a product, or is listed with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from local.cloud.journal import RecordedCall
from model.names import role_arn
from tests.stacks.never_called import NEVER_CALLED, NeverCalled, Why, never
from tests.stacks.recorded_calls import Allowing, Deployed, deployed
from tests.stacks.recorded_run import whole_run
from tests.stacks.world import Deployed as DeployedImage
from tests.stacks.world import World

ROLE = role_arn("111111111111", "golden-ami-web-start-build")
QUEUE = "arn:aws:sqs:us-east-1:111111111111:golden-ami-web-dead-letters"
EVENTS = "events.amazonaws.com"
KEEP = Allowing(ROLE, "KeepFailedEvents", (ROLE,), ("sqs:SendMessage",), (QUEUE,))
TRACE = Allowing(ROLE, "WriteTraces", (ROLE,), ("xray:PutTraceSegments",), ("*",))
TAKE = Allowing(QUEUE, "KeepUndeliveredEvents", (EVENTS,), ("sqs:SendMessage",), (QUEUE,))
GRANTED = Deployed(own=(KEEP, TRACE), foreign=(), resources=(TAKE,))
LISTED = (never(ROLE, "WriteTraces", Why.TRACES, "xray:PutTraceSegments"),)


def call(principal: str, action: str = "sqs:SendMessage", resource: str = QUEUE) -> RecordedCall:
    service = None if principal.startswith("arn:") else principal
    now = datetime.now(UTC)
    return RecordedCall(now, principal, None, "111111111111", action, resource, "allowed", service)


CALLS = [call(ROLE), call(EVENTS)]


@dataclass(frozen=True)
class Recorded:
    granted: Deployed
    calls: list[RecordedCall]


@pytest.fixture(scope="module")
def recorded(world: World, ledger_image: DeployedImage, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded") / "scripts"
    scripts = world.scripts("ledger", folder, install_sh="echo recorded > /opt/recorded\n")
    calls = whole_run(world, ledger_image, scripts)
    return Recorded(deployed(world), calls)


@pytest.mark.stack
def test_whatever_the_product_s_roles_and_aws_s_services_call_is_granted_to_them(recorded: Recorded) -> None:
    found = recorded.granted.ungranted(recorded.calls)
    assert not found, "\n".join(found)


@pytest.mark.stack
def test_whatever_is_granted_is_called_or_listed_with_the_reason_why_it_is_not(recorded: Recorded) -> None:
    found = recorded.granted.unexplained(recorded.calls, NEVER_CALLED)
    assert not found, "\n".join(found)


def test_grants_that_are_called_or_listed_leave_nothing_to_explain() -> None:
    assert GRANTED.ungranted(CALLS) == []
    assert GRANTED.unexplained(CALLS, LISTED) == []


def test_a_grant_that_is_neither_called_nor_listed_is_named() -> None:
    wider = replace(KEEP, actions=("sqs:SendMessage", "sqs:PurgeQueue"))
    granted = replace(GRANTED, own=(wider, TRACE))
    assert granted.unexplained(CALLS, LISTED) == [
        f"{ROLE}: KeepFailedEvents: sqs:PurgeQueue: neither called nor listed"
    ]


def test_every_action_that_a_wildcard_stands_for_counts() -> None:
    granted = replace(GRANTED, own=(KEEP, TRACE, Allowing(ROLE, "UseKey", (ROLE,), ("kms:ReEncrypt*",), ("*",))))
    assert granted.unexplained(CALLS, LISTED) == [
        f"{ROLE}: UseKey: kms:ReEncryptFrom: neither called nor listed",
        f"{ROLE}: UseKey: kms:ReEncryptTo: neither called nor listed",
    ]
    assert granted.unexplained(CALLS, (*LISTED, never(ROLE, "UseKey", Why.SEED, "kms:ReEncrypt*"))) == []
    assert granted.unexplained(CALLS, (*LISTED, never(ROLE, "UseKey", Why.SEED))) == []


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (never(ROLE, "KeepFailedEvents", Why.LET_GO, "sqs:SendMessage"), "sqs:SendMessage: listed, and called"),
        (never(ROLE, "KeepFailedEvents", Why.LET_GO), "sqs:SendMessage: listed, and called"),
        (never(ROLE, "KeepFailedEvents", Why.LET_GO, "sqs:PurgeQueue"), "sqs:PurgeQueue: listed, and not granted"),
        (never(ROLE, "KeepEvents", Why.LET_GO), "the statement: listed, and not granted"),
        (never(ROLE.replace("web", "mail"), "WriteTraces", Why.TRACES), "the statement: listed, and not granted"),
        (*LISTED, "xray:PutTraceSegments: listed twice"),
    ],
)
def test_an_entry_that_does_not_hold_is_named(entry: NeverCalled, named: str) -> None:
    assert GRANTED.unexplained(CALLS, (*LISTED, entry)) == [f"{entry.holder}: {entry.sid}: {named}"]


@pytest.mark.parametrize("other", ["sqs:PurgeQueue", "sqs:ReceiveMessage"])
def test_a_call_of_a_role_that_nothing_grants_is_named(other: str) -> None:
    assert GRANTED.ungranted([*CALLS, call(ROLE, other)]) == [f"{ROLE}: {other} on {QUEUE}"]


@pytest.mark.parametrize("statement", [KEEP, TAKE])
def test_without_a_statement_the_call_that_it_granted_is_named(statement: Allowing) -> None:
    def others(statements: tuple[Allowing, ...]) -> tuple[Allowing, ...]:
        return tuple(each for each in statements if each != statement)

    # What else a role or resource has stays: who has no statement at all is none of the product's.
    narrower = Deployed(others(GRANTED.own), (), (*others(GRANTED.resources), replace(TAKE, actions=("sqs:Other",))))
    (caller,) = statement.callers
    assert narrower.ungranted(CALLS) == [f"{caller}: sqs:SendMessage on {QUEUE}"]


def test_a_call_on_another_resource_or_by_another_service_is_named() -> None:
    elsewhere = call(ROLE, resource=QUEUE.replace("web", "mail"))
    stranger = call("sns.amazonaws.com")
    assert GRANTED.ungranted([elsewhere, stranger]) == [
        f"{ROLE}: sqs:SendMessage on {elsewhere.resource}",
        f"sns.amazonaws.com: sqs:SendMessage on {QUEUE}",
    ]


def test_refused_calls_and_those_of_strangers_are_passed_over() -> None:
    refused = replace(call(ROLE, "sqs:PurgeQueue"), decision="AccessDenied")
    stranger = call(role_arn("111111111111", "somebody"), "sqs:PurgeQueue")
    assert GRANTED.ungranted([refused, stranger]) == []
    assert GRANTED.called([refused, stranger]) == set()
