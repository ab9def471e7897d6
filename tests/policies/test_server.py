"""How the pack is served: a resource is read for the rules about its type, and a stack once for all rules."""

from __future__ import annotations

from typing import Any

import pulumi_policy.policy
import pytest
from pulumi.runtime.proto import analyzer_pb2

from policies.rules import imagebuilder, logs
from policies.rules.catalogue import RESOURCE_RULES, recheck_state
from policies.rules.server import PackServicer, serve_so
from tests.policies.pack_server import MANDATORY, analyze_stack, configured, resource


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every reading of a resource's properties by the SDK."""
    seen: list[object] = []
    read = vars(pulumi_policy.policy)["deserialize_properties"]

    def counted(properties: object) -> object:
        seen.append(properties)
        return read(properties)

    monkeypatch.setattr(pulumi_policy.policy, "deserialize_properties", counted)
    return seen


def log_group(name: str) -> dict[str, Any]:
    return resource(logs.LOG_GROUP, name, {"retentionInDays": 7, "tagsAll": {}})


def test_the_pack_is_served_with_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_policy.policy, "_PolicyAnalyzerServicer", object)
    serve_so()
    assert vars(pulumi_policy.policy)["_PolicyAnalyzerServicer"] is PackServicer


def test_a_resource_is_read_once_for_each_rule_about_its_type_and_for_no_other(reads: list[object]) -> None:
    told = configured({}).Analyze(analyzer_pb2.AnalyzeRequest(**log_group("log")), None).diagnostics
    assert {each.policyName for each in told} == {logs.require_retention.name, logs.require_customer_key.name}
    assert len(reads) == sum(logs.LOG_GROUP in rule.types for rule in RESOURCE_RULES) < len(RESOURCE_RULES)


def test_a_stack_is_read_once_for_all_rules_and_every_resource_of_it_is_judged(reads: list[object]) -> None:
    told = analyze_stack(configured({}), log_group("one"), log_group("two"))
    assert len(reads) == 2
    assert {(each.policyName, each.urn) for each in told} == {(recheck_state.name, f"urn::{n}") for n in ("one", "two")}


def test_the_final_state_is_judged_by_what_each_rule_itself_is_told() -> None:
    parent = "arn:aws:imagebuilder:us-east-1:222222222222:image/base/x.x.x"
    recipe = resource(imagebuilder.RECIPE, "recipe", {"parentImage": parent, "blockDeviceMappings": []})
    owners = imagebuilder.scope_base_owner.name

    def told(image_owner: str) -> str:
        asked = configured({owners: (MANDATORY, {"imageOwners": [image_owner]})})
        return "\n".join(each.message for each in analyze_stack(asked, recipe))

    assert owners not in told("222222222222")
    assert owners in told("333333333333")


def test_another_stack_is_judged_by_its_own_resources() -> None:
    asked = configured({})
    for name in ("one", "two"):
        assert {each.urn for each in analyze_stack(asked, log_group(name))} == {f"urn::{name}"}
    assert analyze_stack(asked) == []
