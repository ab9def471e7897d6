"""The levels of the rules: advisory for a stated reason only, and never off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2

from .catalogue import recheck_state
from .configuration import RULES, SCHEMA

PENDING = "stack-findings-count-pending"

REASON = "reason"
"""In which the configuration of a rule says why it is advisory."""

_NOTE = "levelNote"
_ADVISORY = "advisoryRules"
_REFUSED = "refusedRules"
"""By which this module tells rules what their configuration came to; they see no levels themselves."""

_LOWERED = (analyzer_pb2.ADVISORY, analyzer_pb2.DISABLED)


def with_reasons(
    request: analyzer_pb2.ConfigureAnalyzerRequest, rules: Collection[str]
) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """The configuration with each rule advisory that says why, and every other one mandatory.

    What asks other rules is told the configuration of each.
    """
    settled = analyzer_pb2.ConfigureAnalyzerRequest()
    settled.CopyFrom(request)
    lowered = [
        name
        for name in sorted(rules)
        if name in settled.policyConfig and settled.policyConfig[name].enforcementLevel in _LOWERED
    ]
    advisory = [name for name in lowered if _reason(settled.policyConfig[name])]
    refused = [name for name in lowered if name not in advisory]
    for name in advisory:
        config = settled.policyConfig[name]
        config.enforcementLevel = analyzer_pb2.ADVISORY
        config.properties.update({_NOTE: f" [advisory: {_reason(config)}]"})
    for name in refused:
        config = settled.policyConfig[name]
        config.enforcementLevel = analyzer_pb2.MANDATORY
        config.properties.update({_NOTE: f' [stays mandatory: its configuration lowers it without a "{REASON}"]'})
    told = _told(settled, rules)
    settled.policyConfig[recheck_state.name].properties.update({_ADVISORY: advisory, RULES: told})
    settled.policyConfig[PENDING].enforcementLevel = analyzer_pb2.ADVISORY
    settled.policyConfig[PENDING].properties.update({_REFUSED: refused, RULES: told})
    return settled


def level_note(configuration: Mapping[str, Any]) -> str:
    """What a violation adds of its rule's level; "" where that is as ever."""
    return configuration.get(_NOTE, "")


def advisory_rules(configuration: Mapping[str, Any]) -> frozenset[str]:
    """The rules that are advisory, as the rule that checks the final state is told them.

    They have said themselves what they found; said again, it would be mandatory.
    """
    return frozenset(configuration.get(_ADVISORY, ()))


def refused_rules(configuration: Mapping[str, Any]) -> tuple[str, ...]:
    """The rules that stay mandatory since their configuration says no reason, as the counting policy is told them."""
    return tuple(configuration.get(_REFUSED, ()))


def _told(request: analyzer_pb2.ConfigureAnalyzerRequest, rules: Collection[str]) -> dict[str, dict[str, Any]]:
    configured = {
        name: json_format.MessageToDict(request.policyConfig[name].properties)
        for name in sorted(rules)
        if name in request.policyConfig and name != recheck_state.name
    }
    stated = {name: {key: value for key, value in each.items() if key in SCHEMA} for name, each in configured.items()}
    return {name: each for name, each in stated.items() if each}


def _reason(config: analyzer_pb2.PolicyConfig) -> str:
    stated = json_format.MessageToDict(config.properties).get(REASON)
    return stated.strip() if isinstance(stated, str) else ""
