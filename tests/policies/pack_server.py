"""The whole pack's server without its port, and what the engine asks of it."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import Policy

from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES
from policies.rules.enforcement import pending_policy, resource_policy, stack_policy
from policies.rules.server import PackServicer

MANDATORY = analyzer_pb2.MANDATORY
_LEVEL = EnforcementLevel.MANDATORY


def configured(levels: dict[str, tuple[Any, dict[str, Any]]]) -> Any:
    """The server, configured as the engine does: every rule has an entry, and some have another level or properties."""
    policies: list[Policy] = [
        *(resource_policy(rule, _LEVEL) for rule in RESOURCE_RULES),
        *(stack_policy(rule, _LEVEL) for rule in STACK_RULES),
        pending_policy(),
    ]
    server = PackServicer("tested", "0.0.1", policies, _LEVEL)
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for policy in policies:
        level, properties = levels.get(policy.name, (MANDATORY, {}))
        request.policyConfig[policy.name].enforcementLevel = level
        request.policyConfig[policy.name].properties.update(properties)
    server.Configure(request, None)
    return server


def resource(kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """What the engine sends of a resource."""
    sent = Struct()
    sent.update(properties)
    return {"type": kind, "name": name, "urn": f"urn::{name}", "properties": sent}


def analyze_stack(server: Any, *resources: dict[str, Any]) -> list[Any]:
    """What the server says of a stack."""
    sent = [analyzer_pb2.AnalyzerResource(**each) for each in resources]
    return list(server.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=sent), None).diagnostics)
