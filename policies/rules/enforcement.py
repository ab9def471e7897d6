"""Handing rules to the engine: from the SDK's arguments to plain resources, and from findings to violations."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyProviderResource,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from .catalogue import RESOURCE_RULES, STACK_RULES
from .configuration import REASON_SCHEMA, SCHEMA, Configuration
from .judgement import judgements, name_of, told
from .levels import PENDING, advisory_rules, level_note, refused_rules
from .places import PROVIDER, Place, place_of
from .remediation import NO_FILES, StackFiles
from .repeated import without_repeated
from .rule import Resource, ResourceRule, StackRule
from .symbols import with_symbols
from .values import plain
from .waivers import NONE, Waivers

STACK: ContextVar[tuple[Resource, ...]] = ContextVar("STACK")
"""The resources of the stack that is judged, where they were read before for all policies."""

WAIVED = "waived: "
"""How a remark on a waiver begins; its label follows."""


def resource_policy(
    rule: ResourceRule, level: EnforcementLevel, waivers: Waivers = NONE, files: StackFiles = NO_FILES
) -> ResourceValidationPolicy:
    """The engine's form of a rule about single resources."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in rule.types:
            return
        resource = Resource(
            args.resource_type,
            args.name,
            plain(args.props),
            args.urn,
            protected=args.opts.protect,
            place=place(args.provider),
        )
        configuration = args.get_config()
        for finding in rule.findings(resource, Configuration.of(configuration)):
            # The engine asks again during the update, before it makes the resource and with every value known.
            if not finding.pending and not waivers.covers(rule.name, resource.name, finding.statement):
                message = told(finding, rule.name, resource.urn, files)
                report(f"{resource.name}: {message}{level_note(configuration)}", None)

    return ResourceValidationPolicy(validate=validate, **_description(rule, level))


def stack_policy(
    rule: StackRule, level: EnforcementLevel, waivers: Waivers = NONE, files: StackFiles = NO_FILES
) -> StackValidationPolicy:
    """The engine's form of a rule about a stack."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        configuration = args.get_config()
        advisory = advisory_rules(configuration)
        for finding in rule.findings(_resources(args), Configuration.of(configuration)):
            name = finding.rule or rule.name
            # The engine asks again after the update, about the final state.
            if finding.pending or name in advisory:
                continue
            if not waivers.covers(name, name_of(finding.urn), finding.statement):
                report(told(finding, name, finding.urn, files) + level_note(configuration), finding.urn)

    return StackValidationPolicy(validate=validate, **_description(rule, level))


def pending_policy(waivers: Waivers = NONE) -> StackValidationPolicy:
    """Remarks that count what a preview cannot judge, what waivers excuse, and which levels are lowered in vain.

    Advisory, as nothing is wrong yet.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        configuration = args.get_config()
        found = judgements(_resources(args), Configuration.of(configuration), waivers)
        pending = found.pending
        if pending:
            places = ", ".join(dict.fromkeys(f"{each.resource} ({each.rule})" for each in pending))
            report(f"{len(pending)} not to be judged before deployment, then judged by `make audit`: {places}", None)
        used = Counter(each.waiver for each in found.waived if each.waiver)
        for waiver, count in used.items():
            findings = "1 finding" if count == 1 else f"{count} findings"
            report(f"{WAIVED}{waiver.label}, until {waiver.expires} by {waiver.owner}: {findings}", None)
        if refused := refused_rules(configuration):
            report(f"{', '.join(refused)}: stay mandatory, as their configuration lowers them without a reason", None)

    return StackValidationPolicy(
        validate=validate,
        name=PENDING,
        description="What rests on values that only the update knows is counted, and what is waived.",
        enforcement_level=EnforcementLevel.ADVISORY,
        config_schema=PolicyConfigSchema(properties=dict(SCHEMA)),
    )


def initial_configuration(
    configuration: Configuration, level: EnforcementLevel
) -> dict[str, EnforcementLevel | dict[str, Any]]:
    """What rules are told of the landing zone where nobody hands another configuration over."""
    told = {**configuration.properties(), "enforcementLevel": level}
    named = {rule.name: dict(told) for rule in (*RESOURCE_RULES, *STACK_RULES) if rule.configured}
    return {**named, PENDING: {**configuration.properties(), "enforcementLevel": EnforcementLevel.ADVISORY}}


def place(provider: PolicyProviderResource | None) -> Place:
    """Account and Region in which a provider makes things, as far as it says so itself."""
    if provider is None or provider.resource_type != PROVIDER:
        return Place()
    return place_of(plain(provider.props))


def resources_of(args: StackValidationArgs) -> tuple[Resource, ...]:
    """Every resource of the stack as rules see it."""
    return with_symbols(without_repeated(_resource(resource) for resource in args.resources))


def _resources(args: StackValidationArgs) -> tuple[Resource, ...]:
    read = STACK.get(None)
    return resources_of(args) if read is None else read


def _resource(given: PolicyResource) -> Resource:
    sources = {name: frozenset(source.urn for source in found) for name, found in given.property_dependencies.items()}
    return Resource(
        given.resource_type,
        given.name,
        plain(given.props),
        given.urn,
        sources,
        parent=given.parent.urn if given.parent else "",
        protected=given.opts.protect,
        place=place(given.provider),
    )


def _description(rule: ResourceRule | StackRule, level: EnforcementLevel) -> dict[str, Any]:
    return {
        "name": rule.name,
        "description": rule.requirement,
        "enforcement_level": level,
        "severity": rule.severity,
        "framework": PolicyComplianceFramework(name="golden-ami", reference=", ".join(rule.controls)),
        "tags": list(rule.controls),
        "config_schema": PolicyConfigSchema(properties={**REASON_SCHEMA, **(SCHEMA if rule.configured else {})}),
    }
