"""Handing rules to the engine: from the SDK's arguments to plain resources, and from findings to violations."""

from __future__ import annotations

from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from .rule import Resource, ResourceRule, StackRule
from .values import plain


def resource_policy(rule: ResourceRule, level: EnforcementLevel) -> ResourceValidationPolicy:
    """The engine's form of a rule about single resources."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in rule.types:
            return
        resource = Resource(args.resource_type, args.name, plain(args.props), args.urn)
        for finding in rule.check(resource):
            # The engine asks again during the update, before it makes the resource and with every value known.
            if not finding.pending:
                report(f"{resource.name}: {finding.message}", None)

    return ResourceValidationPolicy(validate=validate, **_description(rule, level))


def stack_policy(rule: StackRule, level: EnforcementLevel) -> StackValidationPolicy:
    """The engine's form of a rule about a stack."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for finding in rule.check(tuple(_resource(resource) for resource in args.resources)):
            # The engine asks again after the update, about the final state.
            if not finding.pending:
                report(finding.message, finding.urn)

    return StackValidationPolicy(validate=validate, **_description(rule, level))


def _resource(given: PolicyResource) -> Resource:
    sources = {name: frozenset(source.urn for source in found) for name, found in given.property_dependencies.items()}
    return Resource(given.resource_type, given.name, plain(given.props), given.urn, sources)


def _description(rule: ResourceRule | StackRule, level: EnforcementLevel) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.requirement,
        "enforcement_level": level,
        "severity": rule.severity,
        "framework": PolicyComplianceFramework(name="golden-ami", reference=", ".join(rule.controls)),
        "tags": list(rule.controls),
    }
