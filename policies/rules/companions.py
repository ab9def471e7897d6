"""What belongs to a resource: pulumi-aws keeps settings of buckets, topics and queues in resources of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .documents import Statement, statements
from .rule import Resource
from .values import UNKNOWN, Finding, Findings


@dataclass(frozen=True)
class Companions:
    """The resources of some types that name an owner in a property.

    `unclear` says that there is one more whose owner only the update will know.
    """

    found: tuple[Resource, ...]
    unclear: bool


def companions(
    resources: Iterable[Resource], types: tuple[str, ...], name_property: str, owner: Resource, identity: str
) -> Companions:
    """What names `owner` in `name_property`: by the owner's property `identity`, else by where the name comes from."""
    own_name = owner.properties.get(identity)
    found: list[Resource] = []
    unclear = False
    for resource in resources:
        if resource.type not in types:
            continue
        name = resource.properties.get(name_property)
        sources = resource.sources.get(name_property, frozenset())
        if UNKNOWN not in (name, own_name) and None not in (name, own_name):
            if name == own_name:
                found.append(resource)
        elif owner.urn in sources:
            found.append(resource)
        elif not sources:
            unclear = True
    return Companions(tuple(found), unclear)


def require_companion(
    owner: Resource, candidates: Companions, check: Callable[[Resource], Findings], missing: str
) -> Findings:
    """A finding unless the owner has a companion and every one of them passes the check."""
    if not candidates.found:
        yield Finding(f"{owner.name}: {missing}", pending=candidates.unclear, urn=owner.urn)
    for resource in candidates.found:
        for finding in check(resource):
            yield Finding(f"{resource.name}: {finding.message}", finding.pending, resource.urn)


def require_statement(
    owner: Resource, candidates: Companions, holds: Callable[[Statement], bool], missing: str
) -> Findings:
    """A finding unless some policy of the owner has a statement that satisfies a condition."""
    known = [statements(resource.properties.get("policy")) for resource in candidates.found]
    if any(holds(statement) for found in known if isinstance(found, list) for statement in found):
        return
    yield Finding(f"{owner.name}: {missing}", pending=candidates.unclear or UNKNOWN in known, urn=owner.urn)
