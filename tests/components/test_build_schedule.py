"""What a product's schedule asks of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.files.schedule import Schedule

Build = Callable[[Product, LandingZone], Any]


def scheduled(product: Product, **stated: str) -> Product:
    schedule = Schedule.model_validate_json(json.dumps({"expression": "cron(0 10 * * ? *)", **stated}))
    return product.model_copy(update={"schedule": schedule})


def test_a_schedule_calls_the_start_function_with_its_time(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(scheduled(ledger, timeZone="Europe/Berlin"), landing_zone)
    inputs = resources.one("Schedule").inputs
    assert (inputs["name"], inputs["scheduleExpression"], inputs["scheduleExpressionTimezone"]) == (
        "golden-ami-ledger-schedule",
        "cron(0 10 * * ? *)",
        "Europe/Berlin",
    )
    assert inputs["flexibleTimeWindow"] == {"mode": "OFF"}
    assert inputs["kmsKeyArn"].endswith("ledger-data-key-key")
    target = inputs["target"]
    assert target["arn"].endswith("ledger-trigger-start-build-function")
    assert json.loads(target["input"]) == {
        "source": "schedule",
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "startCondition": "updates-available",
    }
    assert target["retryPolicy"] == {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 3600}
    assert target["deadLetterConfig"]["arn"].endswith("ledger-trigger-dead-letters")


def test_the_schedules_role_is_for_scheduler_alone_and_calls_one_function(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(scheduled(ledger), landing_zone)
    role = resources.one("Role", "ledger-trigger-schedule").inputs
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:111111111111:schedule-group/default"},
    }
    policy = json.loads(resources.one("RolePolicy", "ledger-trigger-schedule").inputs["policy"])
    invoke = next(entry for entry in policy["Statement"] if entry["Action"] == "lambda:InvokeFunction")
    assert invoke["Resource"] == "arn:aws:lambda:us-east-1:111111111111:function:golden-ami-ledger-start-build"


def test_the_start_function_looks_up_what_the_schedule_waits_for(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(scheduled(ledger), landing_zone)
    variables = resources.one("Function", "start-build").inputs["environment"]["variables"]
    recipe, *others = variables["DEPENDENCIES"].split()
    assert recipe.endswith("ledger-recipe-recipe")
    assert tuple(others) == scheduled(ledger).dependencies(landing_zone)
    policy = json.loads(resources.one("RolePolicy", "trigger-start-build").inputs["policy"])
    read = next(entry for entry in policy["Statement"] if entry["Sid"] == "ReadBaseImage")
    assert read["Action"] == "ssm:GetParameter"
    assert read["Resource"].startswith("arn:aws:ssm:us-east-1::parameter/aws/service/")


def test_a_schedule_that_builds_always_looks_nothing_up(
    product_resources: Build, ledger: Product, landing_zone: LandingZone
) -> None:
    resources = product_resources(scheduled(ledger, startCondition="always"), landing_zone)
    assert "DEPENDENCIES" not in resources.one("Function", "start-build").inputs["environment"]["variables"]
    policy = json.loads(resources.one("RolePolicy", "trigger-start-build").inputs["policy"])
    assert "ReadBaseImage" not in [entry["Sid"] for entry in policy["Statement"]]


def test_without_a_schedule_there_is_none(ledger_resources: Any) -> None:
    assert ledger_resources.of_type("Schedule") == []
    assert "DEPENDENCIES" not in ledger_resources.one("Function", "start-build").inputs["environment"]["variables"]
