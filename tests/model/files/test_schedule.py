"""When a product is built again without an upload: expressions, time zones, and what an update can be."""

from __future__ import annotations

from typing import Any

import pytest

from model.files.component_steps import Components, ComponentStep
from model.files.landing_zone import LandingZone
from model.files.problems import FileError
from model.files.schedule import StartCondition
from tests.model.files.journal import journal

MOVING = {"ssmParameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}
NEWEST = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"
DAILY = {"expression": "cron(0 10 * * ? *)"}


def told(landing_zone: LandingZone, **stated: Any) -> str:
    with pytest.raises(FileError) as raised:
        journal(landing_zone, **stated)
    return str(raised.value)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 day)",
        "rate(90 minutes)",
        "cron(0 10 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 2 L * ? *)",
        "cron(0 2 15W 1,7 ? 2026-2030)",
        "cron(0 2 ? JAN-MAR 6#3 *)",
        "cron(30 22 ? * friL *)",
    ],
)
def test_an_expression_of_eventbridge_scheduler_is_taken(landing_zone: LandingZone, expression: str) -> None:
    product = journal(landing_zone, baseImage=MOVING, schedule={"expression": expression})
    assert product.schedule
    assert product.schedule.expression == expression


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("daily", "takes cron("),
        ("rate(0 days)", "takes cron("),
        ("rate(1 week)", "takes cron("),
        ("at(2026-12-01T00:00:00)", "takes cron("),
        ("cron(0 10 * * ?)", "takes cron("),
        ("cron(60 24 * * ? *)", "has no valid minutes and hours"),
        ("cron(0 10 * 13 ? *)", "has no valid month"),
        ("cron(0 10 ? * 0 *)", "has no valid day of week"),
        ("cron(0 10 ? * MON-XXX *)", "has no valid day of week"),
        ("cron(0 10 32 * ? *)", "has no valid day of month"),
        ("cron(0 10 ?,1 * ? *)", "has no valid day of month"),
        ("cron(0/0 10 * * ? *)", "has no valid minutes"),
        ("cron(0 10 * * ? 1969)", "has no valid year"),
        ("cron(0 10 * * * *)", "takes '?' for exactly one"),
        ("cron(0 10 ? * ? *)", "takes '?' for exactly one"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(landing_zone: LandingZone, expression: str, why: str) -> None:
    message = told(landing_zone, baseImage=MOVING, schedule={"expression": expression})
    assert message.startswith("stacks/Pulumi.journal.yaml:")
    assert f"schedule.expression: {why}" in message
    assert repr(expression) in message


def test_a_time_zone_is_one_of_the_iana_database(landing_zone: LandingZone) -> None:
    stated = {**DAILY, "timeZone": "Europe/Berlin"}
    assert journal(landing_zone, baseImage=MOVING, schedule=stated).schedule
    message = told(landing_zone, baseImage=MOVING, schedule={**DAILY, "timeZone": "CEST"})
    assert "schedule.timeZone: must be a time zone of the IANA database, got 'CEST'" in message


def test_a_schedule_waits_for_updates_unless_the_file_says_always(landing_zone: LandingZone) -> None:
    product = journal(landing_zone, baseImage=MOVING, schedule=DAILY)
    assert product.schedule
    assert product.schedule.start_condition is StartCondition.UPDATES_AVAILABLE
    assert product.dependencies(landing_zone) == (f"ssm:{MOVING['ssmParameter']}",)
    always = journal(landing_zone, baseImage=MOVING, schedule={**DAILY, "startCondition": "always"})
    assert always.dependencies(landing_zone) == ()
    assert journal(landing_zone, baseImage=MOVING).dependencies(landing_zone) == ()


def test_updates_are_those_of_another_product_and_of_components_with_wildcards_the_mandatory_ones_too(
    landing_zone: LandingZone,
) -> None:
    exact = NEWEST.replace("x.x.x", "1.0.2")
    rebooting = NEWEST.replace("update", "reboot")
    tests = Components(test=(ComponentStep(arn=rebooting),))
    mandatory = landing_zone.mandatory_components.model_copy(update={"linux": tests})
    zone = landing_zone.model_copy(update={"mandatory_components": mandatory})
    steps = {"build": [{"arn": NEWEST}, {"arn": exact}], "finish": [{"arn": NEWEST}]}
    product = journal(zone, baseImage={"product": "ledger"}, components=steps, schedule=DAILY)
    assert product.dependencies(zone) == (
        "ssm:/golden-ami/ledger/stable",
        NEWEST,
        rebooting,
    )


def test_a_schedule_that_waits_for_updates_of_what_is_exact_is_refused(landing_zone: LandingZone) -> None:
    message = told(landing_zone, schedule=DAILY)
    assert (
        "schedule.startCondition: is 'updates-available', but base image and components move with a deployment only"
        in message
    )
    newest = {"newest": {"owner": "amazon", "name": "al2023-ami-2023.*-x86_64"}}
    assert "schedule.startCondition" in told(landing_zone, baseImage=newest, schedule=DAILY)
    journal(landing_zone, schedule={**DAILY, "startCondition": "always"})
    journal(landing_zone, schedule=DAILY, components={"build": [{"arn": NEWEST}]})
