"""The server of the pack: a rule is advisory for a stated reason only, never off, and asked about its own types."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import pulumi_policy.policy
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import Policy

from .catalogue import RESOURCE_RULES, recheck_state
from .judgement import rule_names

PENDING = "stack-findings-count-pending"

REASON = "reason"
"""In which the configuration of a rule says why it is advisory."""

_NOTE = "levelNote"
_ADVISORY = "advisoryRules"
_REFUSED = "refusedRules"
"""By which this module tells rules what their configuration came to; they see no levels themselves."""

_POLICIES = "_PolicyAnalyzerServicer__policies"
"""Where the SDK's server keeps a pack's policies."""

_LOWERED = (analyzer_pb2.ADVISORY, analyzer_pb2.DISABLED)


_TYPES = {rule.name: rule.types for rule in RESOURCE_RULES}


class ReasonedServicer(pulumi_policy.policy._PolicyAnalyzerServicer):  # pyright: ignore[reportPrivateUsage]
    """The SDK's server of a pack, which takes no lower level without a reason, and asks who has something to say."""

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, _context: Any) -> Empty:  # noqa: N802
        """Take what the engine made of the pack's own configuration and of the one that was handed over."""
        return super().Configure(with_reasons(request, rule_names()), _context)

    def Analyze(  # noqa: N802
        self, request: analyzer_pb2.AnalyzeRequest, _context: Any
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge a resource by the rules about its type: the SDK reads all its properties anew for each rule."""
        narrowed = copy.copy(self)
        policies: list[Policy] = getattr(self, _POLICIES)
        setattr(narrowed, _POLICIES, [each for each in policies if request.type in _TYPES.get(each.name, ())])
        return super(ReasonedServicer, narrowed).Analyze(request, _context)


def demand_reasons() -> None:
    """Have every pack of this process served so: the SDK makes its server itself, and tells rules no levels."""
    pulumi_policy.policy._PolicyAnalyzerServicer = ReasonedServicer  # pyright: ignore[reportPrivateUsage]


def with_reasons(
    request: analyzer_pb2.ConfigureAnalyzerRequest, rules: Collection[str]
) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """The configuration with each rule advisory that says why, and every other one mandatory."""
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
    settled.policyConfig[recheck_state.name].properties.update({_ADVISORY: advisory})
    settled.policyConfig[PENDING].enforcementLevel = analyzer_pb2.ADVISORY
    settled.policyConfig[PENDING].properties.update({_REFUSED: refused})
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


def _reason(config: analyzer_pb2.PolicyConfig) -> str:
    stated = json_format.MessageToDict(config.properties).get(REASON)
    return stated.strip() if isinstance(stated, str) else ""
