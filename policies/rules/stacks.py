"""Rules over whole stacks that belong to no one AWS service: where resources lie, and what they carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pulumi_policy import Severity

from .configuration import Configuration
from .rule import Resource, configured_stack_rule
from .values import UNKNOWN, Finding, Findings, look_up

ACCOUNT = "account"
"""The output in which a component says in which account its resources lie."""


@configured_stack_rule(
    "stack-resources-require-account", Severity.CRITICAL, ("golden-ami",), field="landingZone.targets"
)
def require_account(resources: tuple[Resource, ...], configuration: Configuration) -> Findings:
    """Every resource lies in its component's account, and that is one of the landing zone's."""
    known = {resource.urn: resource for resource in resources}
    for resource in resources:
        stated = _stated_account(resource, known)
        if not resource.account:
            if stated is not None and resource.type.startswith("aws:"):
                yield Finding(
                    f"{resource.name}: its provider does not say in which account it lies, its component lies in "
                    f"{stated}; give the provider allowed_account_ids.",
                    pending=True,
                    urn=resource.urn,
                )
            continue
        if configuration.accounts and resource.account not in configuration.accounts:
            yield Finding(
                f"{resource.name}: it lies in account {resource.account}, outside the landing zone; "
                "use the provider of one of its accounts.",
                urn=resource.urn,
            )
        if stated is not None and stated != resource.account:
            yield Finding(
                f"{resource.name}: it lies in account {resource.account}, its component in {stated}; "
                "pass the component's own provider.",
                urn=resource.urn,
            )


@configured_stack_rule("stack-resources-require-tags", Severity.MEDIUM, ("Tag.1",), field="landingZone.tags")
def require_tags(resources: tuple[Resource, ...], configuration: Configuration) -> Findings:
    """Every resource that can carry tags carries the landing zone's."""
    for resource in resources:
        carried = look_up(resource.properties, "tagsAll")
        if "tagsAll" not in resource.properties:
            continue
        keys = set(cast(dict[str, Any], carried)) if isinstance(carried, dict) else set[str]()
        missing = sorted(configuration.tags - keys)
        if missing:
            yield Finding(
                f"{resource.name}: tags are missing: {', '.join(missing)}; state them in `tags` of "
                "stacks/Pulumi.landing-zone.yaml.",
                pending=carried is UNKNOWN,
                urn=resource.urn,
            )


def _stated_account(resource: Resource, known: Mapping[str, Resource]) -> str | None:
    """The account that the nearest component around a resource states."""
    above = known.get(resource.parent)
    while above is not None:
        stated = look_up(above.properties, ACCOUNT)
        if above.type.startswith("golden-ami:") and isinstance(stated, str):
            return stated
        above = known.get(above.parent)
    return None
