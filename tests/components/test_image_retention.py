"""What a product asks of AWS whose images go after a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from model.files.distribution import Distribution
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.files.retention import Retention
from runtime.functions.retention import Rules


@pytest.fixture
def kept_for_a_time(
    product_resources: Callable[..., Any], ledger: Product, landing_zone: LandingZone
) -> Callable[..., Any]:
    """The Linux example with a retention of its own."""

    def build(**stated: int) -> Any:
        retention = Retention.model_validate(stated)
        return product_resources(ledger.model_copy(update={"retention": retention}), landing_zone)

    return build


def test_a_lifecycle_policy_removes_old_images_of_every_version_of_the_recipe(kept_for_a_time: Any) -> None:
    resources = kept_for_a_time(afterDays=90, keepNewest=3, unusedDays=30)
    policy = resources.one("LifecyclePolicy").inputs
    assert (policy["resourceType"], policy["name"]) == ("AMI_IMAGE", "golden-ami-ledger")
    recipe = resources.one("ImageRecipe").inputs["name"]
    assert policy["resourceSelection"]["recipes"] == [{"name": recipe, "semanticVersion": "x.x.x"}]
    (rule,) = policy["policyDetails"]
    assert rule["action"] == {"type": "DELETE", "includeResources": {"amis": True, "snapshots": True}}
    assert rule["filter"] == {"type": "AGE", "value": 90, "unit": "DAYS", "retainAtLeast": 3}


def test_it_leaves_what_channels_name_and_what_was_launched_not_long_ago(kept_for_a_time: Any) -> None:
    (rule,) = kept_for_a_time(afterDays=90, unusedDays=30).one("LifecyclePolicy").inputs["policyDetails"]
    assert rule["exclusionRules"] == {
        "tagMap": {"golden-ami:channel": "true"},
        "amis": {
            "tagMap": {"golden-ami:channel": "true", "golden-ami:kept": "true"},
            "lastLaunched": {"value": 30, "unit": "DAYS"},
        },
    }
    (rule,) = kept_for_a_time(afterDays=90).one("LifecyclePolicy").inputs["policyDetails"]
    assert "lastLaunched" not in rule["exclusionRules"]["amis"]
    assert rule["filter"]["retainAtLeast"] == 3


def test_its_role_removes_images_of_the_product_alone(kept_for_a_time: Any) -> None:
    resources = kept_for_a_time(afterDays=90)
    role = resources.one("Role", "retention").inputs
    assert role["name"] == "golden-ami-ledger-lifecycle"
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    statements = json.loads(resources.one("RolePolicy", "retention").inputs["policy"])["Statement"]
    (removing,) = [each for each in statements if each["Sid"] == "RemoveImages"]
    assert removing["Condition"]["StringEquals"]["aws:ResourceTag/golden-ami:product"] == "ledger"


def test_a_function_sweeps_once_a_day_by_the_same_rules(kept_for_a_time: Any) -> None:
    resources = kept_for_a_time(afterDays=60, keepNewest=2, unusedDays=7)
    function = resources.one("Function", "sweep-images").inputs
    variables = function["environment"]["variables"]
    assert Rules.from_json(variables["RETENTION"]) == Rules(60, 2, 7)
    assert function["handler"] == "runtime.functions.sweep_images.lambda_handler"
    rule = resources.one("EventRule", "sweep").inputs
    assert (rule["name"], rule["scheduleExpression"]) == ("golden-ami-ledger-sweep", "rate(1 day)")
    queue = json.loads(resources.one("QueuePolicy").inputs["policy"])["Statement"]
    (sources,) = [each["Condition"]["ArnEquals"]["aws:SourceArn"] for each in queue if each["Effect"] == "Allow"]
    assert "arn:aws:events:us-east-1:111111111111:rule/golden-ami-ledger-sweep" in sources


def test_the_report_function_marks_what_channels_name_where_images_go(
    kept_for_a_time: Any, ledger_resources: Any
) -> None:
    def sids(resources: Any) -> set[str]:
        policy = json.loads(resources.one("RolePolicy", "report-outcome").inputs["policy"])
        return {statement["Sid"] for statement in policy["Statement"]}

    resources = kept_for_a_time(afterDays=90)
    assert "RETENTION" in resources.one("Function", "report-outcome").inputs["environment"]["variables"]
    assert sids(resources) - sids(ledger_resources) == {
        "MarkImages", "MarkImageResources", "ReadChannels", "ReadDestinations", "RetentionInTargets",
    }  # fmt: skip


def test_without_a_retention_nothing_is_removed(ledger_resources: Any) -> None:
    assert ledger_resources.of_type("LifecyclePolicy") == []
    names = {function.inputs["name"] for function in ledger_resources.of_type("Function")}
    assert names == {"golden-ami-ledger-start-build", "golden-ami-ledger-report-outcome"}
    for function in ledger_resources.of_type("Function"):
        assert "RETENTION" not in function.inputs["environment"]["variables"]


def test_what_further_parameters_name_is_read_in_copies_and_shares(
    product_resources: Callable[..., Any], ledger: Product, landing_zone: LandingZone
) -> None:
    home = {"region": "us-east-1", "accounts": ("workloads-production",), "parameters": ("/team/ami",)}
    away = {"region": "eu-west-1", "share": {"accounts": ("workloads-test",)}, "parameters": ("/team/other",)}
    facts = {
        "distribution": tuple(Distribution.model_validate(each) for each in (home, away)),
        "consumers": (),
        "retention": Retention.model_validate({"afterDays": 90}),
    }
    resources = product_resources(ledger.model_copy(update=facts), landing_zone)
    read = {
        policy.inputs["role"]: json.loads(policy.inputs["policy"])["Statement"][0]["Resource"]
        for policy in resources.of_type("RolePolicy")
        if policy.inputs["name"] == "golden-ami-ledger-retention"
        and policy.provider.split("::")[-2] == "workloads-test"
    }
    assert read == {
        "Ec2ImageBuilderCrossAccountLifecycleAccess": "arn:aws:ssm:eu-west-1:333333333333:parameter/team/other"
    }
    sweep = json.loads(resources.one("RolePolicy", "sweep-images").inputs["policy"])["Statement"]
    by_sid = {statement["Sid"]: statement for statement in sweep}
    assert by_sid["RetentionInTargets"]["Resource"] == [
        f"arn:aws:iam::{account}:role/Ec2ImageBuilderCrossAccountLifecycleAccess"
        for account in ("222222222222", "333333333333")
    ]
    assert by_sid["ReadParameters"]["Resource"] == "arn:aws:ssm:eu-west-1:111111111111:parameter/team/other"
