"""What starts builds, and what becomes of events that fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.function import SOURCES
from model.files.landing_zone import LandingZone
from model.files.product import Product

PROJECT = Path(__file__).parent.parent.parent
FUNCTIONS = ("start-build", "report-outcome")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_traced_keeps_what_fails_and_tries_a_bounded_number_of_times(
    ledger_resources: Any, function: str
) -> None:
    inputs = ledger_resources.one("Function", function).inputs
    assert inputs["tracingConfig"] == {"mode": "Active"}
    assert inputs["deadLetterConfig"]["targetArn"].endswith("ledger-trigger-dead-letters")
    (layer,) = inputs["layers"]
    assert layer.endswith(ledger_resources.one("LayerVersion").name)
    assert (inputs["architectures"], inputs["runtime"]) == (["x86_64"], "python3.13")
    assert "reservedConcurrentExecutions" not in inputs
    retries = ledger_resources.one("FunctionEventInvokeConfig", function).inputs
    assert (retries["maximumRetryAttempts"], retries["maximumEventAgeInSeconds"]) == (2, 3600)


def test_functions_know_their_product_and_its_system(ledger_resources: Any) -> None:
    variables = ledger_resources.one("Function", "start-build").inputs["environment"]["variables"]
    assert (variables["PRODUCT"], variables["OPERATING_SYSTEM"]) == ("ledger", "linux")


def test_every_module_that_the_functions_import_is_in_their_archive(ledger_resources: Any) -> None:
    there = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "runtime" / "functions").glob("*.py")}
    assert there <= set(SOURCES)
    assert sorted(SOURCES) == list(SOURCES)
    assert all((PROJECT / source).is_file() for source in SOURCES)


def test_events_that_cannot_be_delivered_are_tried_for_an_hour_and_then_kept(ledger_resources: Any) -> None:
    targets = ledger_resources.of_type("EventTarget")
    assert len(targets) == 3
    for target in targets:
        assert target.inputs["retryPolicy"] == {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 3600}
        assert target.inputs["deadLetterConfig"]["arn"].endswith("ledger-trigger-dead-letters")


def test_the_start_function_also_looks_without_an_event(ledger_resources: Any) -> None:
    rule = ledger_resources.one("EventRule", "reconciliation").inputs
    assert (rule["name"], rule["scheduleExpression"]) == ("golden-ami-ledger-reconciliation", "rate(15 minutes)")


def test_one_event_that_failed_for_good_raises_an_alarm_on_the_products_topic(ledger_resources: Any) -> None:
    alarm = ledger_resources.one("MetricAlarm").inputs
    assert alarm["dimensions"] == {"QueueName": "golden-ami-ledger-dead-letters"}
    assert (alarm["metricName"], alarm["threshold"], alarm["comparisonOperator"]) == (
        "ApproximateNumberOfMessagesVisible",
        0,
        "GreaterThanThreshold",
    )
    (action,) = alarm["alarmActions"]
    assert action.endswith("ledger-notifications-outcomes")


def test_a_team_of_our_own_accounts_gets_its_policy_there(ledger_resources: Any) -> None:
    policy = ledger_resources.one("RolePolicy", "uploaders")
    assert policy.inputs["role"] == "ledger-team"
    assert policy.provider.split("::")[-2] == "workloads-production"
    sids = [entry["Sid"] for entry in json.loads(policy.inputs["policy"])["Statement"]]
    assert sids == ["UploadScripts", "ListScripts", "EncryptScripts"]


def test_a_team_of_an_account_that_is_not_ours_is_admitted_and_gets_no_policy(
    product_resources: Callable[[Product, LandingZone], Any], ledger: Product, landing_zone: LandingZone
) -> None:
    foreign = ledger.model_copy(update={"uploaders": ("arn:aws:iam::444444444444:role/team",)})
    resources = product_resources(foreign, landing_zone)
    assert [policy.name for policy in resources.of_type("RolePolicy") if "uploaders" in policy.name] == []
    statements = json.loads(resources.one("BucketPolicy").inputs["policy"])["Statement"]
    (team,) = [entry for entry in statements if entry["Sid"] == "UploadByTeam"]
    assert team["Principal"] == {"AWS": "arn:aws:iam::444444444444:root"}


def test_auto_scaling_gets_a_grant_in_each_region_from_its_own_account(ledger_resources: Any) -> None:
    grants = ledger_resources.of_type("Grant")
    role = "arn:aws:iam::222222222222:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    assert {(grant.inputs["region"], grant.inputs["granteePrincipal"]) for grant in grants} == {
        ("us-east-1", role),
        ("eu-west-1", role),
    }
    for grant in grants:
        assert grant.inputs["keyId"].startswith(f"arn:aws:kms:{grant.inputs['region']}:111111111111:key/")
        assert grant.provider.split("::")[-2] == "workloads-production"


def test_without_auto_scaling_nobody_is_granted_anything(
    product_resources: Callable[[Product, LandingZone], Any], payroll: Product, landing_zone: LandingZone
) -> None:
    assert product_resources(payroll, landing_zone).of_type("Grant") == []
