"""A rule is advisory for a stated reason only."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2

from policies.rules import logs, stacks
from policies.rules.catalogue import recheck_state
from policies.rules.levels import PENDING
from tests.policies.pack_server import MANDATORY, analyze_stack, configured, resource
from tests.policies.verdict import KEY

RULE = logs.require_retention.name
REASON = "Logs are copied to an archive."
ADVISORY, DISABLED, REMEDIATE = analyzer_pb2.ADVISORY, analyzer_pb2.DISABLED, analyzer_pb2.REMEDIATE
SHORT = {"kmsKeyId": KEY, "retentionInDays": 7, "tagsAll": {}}


def log_group() -> dict[str, Any]:
    return resource(logs.LOG_GROUP, "log", SHORT)


def single(server: Any) -> Any:
    (diagnostic,) = server.Analyze(analyzer_pb2.AnalyzeRequest(**log_group()), None).diagnostics
    assert diagnostic.policyName == RULE
    return diagnostic


def whole(server: Any) -> dict[str, Any]:
    return {each.policyName: each for each in analyze_stack(server, log_group())}


@pytest.mark.parametrize("level", [ADVISORY, DISABLED])
def test_a_rule_with_a_reason_is_advisory_and_tells_it(level: Any) -> None:
    server = configured({RULE: (level, {"reason": f" {REASON} "})})
    told = single(server)
    assert told.enforcementLevel == ADVISORY
    assert told.message.endswith(f" [advisory: {REASON}]")
    # The rule that checks the final state would say it again, and mandatory.
    assert whole(server) == {}


@pytest.mark.parametrize("level", [ADVISORY, DISABLED])
@pytest.mark.parametrize("properties", [{}, {"reason": ""}, {"reason": "  "}, {"reason": ["none"]}])
def test_a_rule_without_a_reason_stays_mandatory_and_says_so(level: Any, properties: dict[str, Any]) -> None:
    server = configured({RULE: (level, properties)})
    told = single(server)
    assert told.enforcementLevel == MANDATORY
    assert told.message.endswith(' [stays mandatory: its configuration lowers it without a "reason"]')
    again = whole(server)
    assert again[recheck_state.name].enforcementLevel == MANDATORY
    assert f"{RULE}: stay mandatory" in again[PENDING].message
    assert again[PENDING].enforcementLevel == ADVISORY


@pytest.mark.parametrize("level", [MANDATORY, REMEDIATE])
def test_a_level_that_nobody_lowers_is_told_without_a_word(level: Any) -> None:
    server = configured({RULE: (level, {"reason": REASON})})
    told = single(server)
    assert told.enforcementLevel == MANDATORY
    assert "advisory" not in told.message
    assert "stays" not in told.message
    assert set(whole(server)) == {recheck_state.name}


def test_a_reason_of_one_rule_or_of_all_is_no_reason_of_another() -> None:
    server = configured(
        {RULE: (ADVISORY, {}), logs.require_customer_key.name: (ADVISORY, {"reason": REASON}), "all": (ADVISORY, {})}
    )
    assert single(server).enforcementLevel == MANDATORY


@pytest.mark.parametrize("level", [ADVISORY, MANDATORY, DISABLED])
def test_what_is_counted_is_never_turned_off(level: Any) -> None:
    assert PENDING in whole(configured({RULE: (DISABLED, {}), PENDING: (level, {})}))


@pytest.mark.parametrize(("properties", "expected"), [({"reason": REASON}, ADVISORY), ({}, MANDATORY)])
def test_a_rule_about_a_stack_is_held_to_the_same(properties: dict[str, Any], expected: Any) -> None:
    name = stacks.require_tags.name
    told = whole(configured({name: (ADVISORY, {"tags": ["owner"], **properties})}))[name]
    assert told.enforcementLevel == expected
    assert ("[advisory: " in told.message) is (expected == ADVISORY)


def test_every_rule_lets_a_reason_be_stated() -> None:
    server = configured({})
    told = server.GetAnalyzerInfo(None, None).policies
    assert [each.name for each in told if "reason" not in each.configSchema.properties and each.name != PENDING] == []
