"""How the pack is served: a resource is read for the rules about its type, and a stack once for all rules."""

from __future__ import annotations

from typing import Any

import pulumi_policy.policy
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import Policy

from policies.rules import imagebuilder, logs
from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES, recheck_state
from policies.rules.enforcement import pending_policy, resource_policy, stack_policy
from policies.rules.server import PackServicer, serve_so

LEVEL = EnforcementLevel.MANDATORY
POLICIES: list[Policy] = [
    *(resource_policy(rule, LEVEL) for rule in RESOURCE_RULES),
    *(stack_policy(rule, LEVEL) for rule in STACK_RULES),
    pending_policy(),
]


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


def server() -> Any:
    return PackServicer("tested", "0.0.1", POLICIES, LEVEL)


def log_group(name: str) -> dict[str, Any]:
    properties = Struct()
    properties.update({"retentionInDays": 7, "tagsAll": {}})
    return {"type": logs.LOG_GROUP, "name": name, "urn": f"urn::{name}", "properties": properties}


def test_the_pack_is_served_with_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_policy.policy, "_PolicyAnalyzerServicer", object)
    serve_so()
    assert vars(pulumi_policy.policy)["_PolicyAnalyzerServicer"] is PackServicer


def test_a_resource_is_read_once_for_each_rule_about_its_type_and_for_no_other(reads: list[object]) -> None:
    told = server().Analyze(analyzer_pb2.AnalyzeRequest(**log_group("log")), None).diagnostics
    assert {each.policyName for each in told} == {logs.require_retention.name, logs.require_customer_key.name}
    assert len(reads) == sum(logs.LOG_GROUP in rule.types for rule in RESOURCE_RULES) < len(RESOURCE_RULES)


def test_a_stack_is_read_once_for_all_rules_and_every_resource_of_it_is_judged(reads: list[object]) -> None:
    resources = [analyzer_pb2.AnalyzerResource(**log_group(name)) for name in ("one", "two")]
    told = server().AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), None).diagnostics
    assert len(reads) == len(resources)
    assert {(each.policyName, each.urn) for each in told} == {(recheck_state.name, each.urn) for each in resources}


def test_the_final_state_is_judged_by_what_each_rule_itself_is_told() -> None:
    recipe = {"parentImage": "arn:aws:imagebuilder:us-east-1:222222222222:image/base/x.x.x", "blockDeviceMappings": []}
    properties = Struct()
    properties.update(recipe)
    resource: dict[str, Any] = {
        "type": imagebuilder.RECIPE,
        "name": "recipe",
        "urn": "urn::recipe",
        "properties": properties,
    }
    request = analyzer_pb2.AnalyzeStackRequest(resources=[analyzer_pb2.AnalyzerResource(**resource)])
    owners = imagebuilder.scope_base_owner.name

    def rules_told(image_owner: str) -> str:
        asked = server()
        configuration = analyzer_pb2.ConfigureAnalyzerRequest()
        for policy in POLICIES:
            configuration.policyConfig[policy.name].enforcementLevel = analyzer_pb2.MANDATORY
        configuration.policyConfig[owners].properties.update({"imageOwners": [image_owner]})
        asked.Configure(configuration, None)
        return "\n".join(each.message for each in asked.AnalyzeStack(request, None).diagnostics)

    assert owners not in rules_told("222222222222")
    assert owners in rules_told("333333333333")


def test_another_stack_is_judged_by_its_own_resources() -> None:
    asked = server()
    for name in ("one", "two"):
        request = analyzer_pb2.AnalyzeStackRequest(resources=[analyzer_pb2.AnalyzerResource(**log_group(name))])
        assert {each.urn for each in asked.AnalyzeStack(request, None).diagnostics} == {f"urn::{name}"}
    assert list(asked.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), None).diagnostics) == []
