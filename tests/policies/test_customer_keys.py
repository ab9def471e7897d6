"""What the pack asks of topics, queues, log groups, functions and schedules."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import imagebuilder, lambda_, logs, scheduler, sns, sqs, states
from policies.rules.rule import ResourceRule
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, IRISH_KEY, KEPT, KEY, NO_KEYS, PENDING, changed, verdict

KEY_RULES = [
    (sns.require_customer_key, "kmsMasterKeyId"),
    (sqs.require_customer_key, "kmsMasterKeyId"),
    (logs.require_customer_key, "kmsKeyId"),
    (lambda_.require_customer_key, "kmsKeyArn"),
    (scheduler.require_customer_key, "kmsKeyArn"),
]
KEYS = [(KEY, KEPT), (IRISH_KEY, KEPT), (UNKNOWN, PENDING), *((key, BROKEN) for key in NO_KEYS)]


@pytest.mark.parametrize(("rule", "name"), KEY_RULES, ids=[rule.name for rule, _ in KEY_RULES])
@pytest.mark.parametrize(("key", "expected"), KEYS)
def test_content_lies_under_a_customer_key(rule: ResourceRule, name: str, key: Any, expected: str) -> None:
    assert verdict(rule, changed({}, key, name)) == expected


@pytest.mark.parametrize(("key", "expected"), KEYS)
def test_executions_and_workflows_lie_under_a_customer_key(key: Any, expected: str) -> None:
    assert verdict(states.require_customer_key, changed({}, key, "encryptionConfiguration", "kmsKeyId")) == expected
    workflow = changed({}, key, "kmsKeyId")
    assert verdict(imagebuilder.require_component_key, workflow, imagebuilder.WORKFLOW) == expected


@pytest.mark.parametrize(
    ("level", "expected"), [("ALL", KEPT), ("ERROR", BROKEN), ("OFF", BROKEN), (None, BROKEN), (UNKNOWN, PENDING)]
)
@pytest.mark.parametrize("more", [{}, {"includeExecutionData": True}])
def test_all_that_executions_do_is_logged(more: dict[str, Any], level: Any, expected: str) -> None:
    logging = {"loggingConfiguration": more}
    assert verdict(states.require_log, changed(logging, level, "loggingConfiguration", "level")) == expected


@pytest.mark.parametrize(
    ("enabled", "expected"), [(True, KEPT), (False, BROKEN), (None, BROKEN), (UNKNOWN, PENDING), ("true", BROKEN)]
)
@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_executions_are_traced(kind: str, enabled: Any, expected: str) -> None:
    machine = changed({"type": kind}, enabled, "tracingConfiguration", "enabled")
    assert verdict(states.require_trace, machine) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [(365, KEPT), (3653, KEPT), (None, BROKEN), (0, BROKEN), (364, BROKEN), ("x", BROKEN), (UNKNOWN, PENDING)],
)
def test_logs_are_kept_for_a_stated_year_or_more(days: Any, expected: str) -> None:
    assert verdict(logs.require_retention, changed({}, days, "retentionInDays")) == expected


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"targetArn": "arn:aws:sqs:us-east-1:111111111111:dead"}, KEPT),
        ({"targetArn": "arn:aws:sns:us-east-1:111111111111:dead"}, KEPT),
        (None, BROKEN),
        ({"targetArn": ""}, BROKEN),
        (UNKNOWN, PENDING),
        ({"targetArn": UNKNOWN}, PENDING),
    ],
)
def test_a_function_keeps_the_events_it_failed_on(configuration: Any, expected: str) -> None:
    assert verdict(lambda_.require_dead_letters, changed({}, configuration, "deadLetterConfig")) == expected


RULE_ARN = "arn:aws:events:us-east-1:111111111111:rule/ledger"
BUCKET_ARN = "arn:aws:s3:::golden-ami-ledger"
PERMISSIONS = [
    ("a rule", ("events.amazonaws.com", RULE_ARN, "111111111111"), KEPT),
    ("a rule of no named account", ("events.amazonaws.com", RULE_ARN, None), BROKEN),
    ("a bucket of an account", ("s3.amazonaws.com", BUCKET_ARN, "111111111111"), KEPT),
    ("a bucket of whichever account", ("s3.amazonaws.com", BUCKET_ARN, None), BROKEN),
    ("a bucket of an empty account", ("s3.amazonaws.com", BUCKET_ARN, ""), BROKEN),
    ("any rule", ("events.amazonaws.com", None, "111111111111"), BROKEN),
    ("a rule of a badly written account", ("events.amazonaws.com", RULE_ARN, "1111"), BROKEN),
    ("any ARN", ("events.amazonaws.com", "*", None), BROKEN),
    ("any bucket", ("s3.amazonaws.com", "arn:aws:s3:::*", "111111111111"), BROKEN),
    ("any account's rule", ("events.amazonaws.com", "arn:aws:events:us-east-1:*:rule/ledger", None), BROKEN),
    ("another account", ("222222222222", None, None), KEPT),
    ("everybody", ("*", None, None), BROKEN),
    ("nobody", (None, RULE_ARN, "111111111111"), BROKEN),
    ("an unknown source", ("events.amazonaws.com", UNKNOWN, "111111111111"), PENDING),
    ("an unknown bucket of whichever account", ("s3.amazonaws.com", UNKNOWN, None), BROKEN),
    ("an unknown account", ("s3.amazonaws.com", BUCKET_ARN, UNKNOWN), PENDING),
    ("an unknown principal", (UNKNOWN, RULE_ARN, None), PENDING),
]


@pytest.mark.parametrize(
    ("given", "expected"), [case[1:] for case in PERMISSIONS], ids=[case[0] for case in PERMISSIONS]
)
def test_a_service_calls_for_one_source_of_one_account(given: tuple[Any, Any, Any], expected: str) -> None:
    properties = {
        name: value
        for name, value in zip(("principal", "sourceArn", "sourceAccount"), given, strict=True)
        if value is not None
    }
    assert verdict(lambda_.bind_source, properties) == expected


def test_everybody_of_an_organisation_may_call() -> None:
    assert verdict(lambda_.bind_source, {"principal": "*", "principalOrgId": "o-a1b2c3d4e5"}) == KEPT


@pytest.mark.parametrize(
    ("kind", "expected"), [("AWS_IAM", KEPT), ("NONE", BROKEN), (None, BROKEN), (UNKNOWN, PENDING)]
)
@pytest.mark.parametrize("more", [{}, {"cors": {"allowOrigins": ["https://example.com"]}}])
def test_a_functions_url_answers_signed_requests_only(more: dict[str, Any], kind: Any, expected: str) -> None:
    assert verdict(lambda_.require_url_authentication, changed(more, kind, "authorizationType")) == expected
