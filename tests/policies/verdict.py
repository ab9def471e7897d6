"""What a rule says about made-up resources, in the three words that tests compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policies.rules.rule import Resource, ResourceRule, StackRule
from policies.rules.values import Finding

KEY = "arn:aws:kms:us-east-1:111111111111:key/mrk-0123456789abcdef0123456789abcdef"
IRISH_KEY = KEY.replace("us-east-1", "eu-west-1")
NO_KEYS: tuple[Any, ...] = (
    None,
    "",
    "alias/golden-ami",
    "arn:aws:kms:us-east-1:111111111111:alias/aws/ebs",
    "mrk-0123456789abcdef0123456789abcdef",
    f"{KEY} ",
)
"""What is not the full ARN of a key."""

KEPT, BROKEN, PENDING = "kept", "broken", "pending"


def verdict(rule: ResourceRule, properties: dict[str, Any], kind: str | None = None) -> str:
    """Whether a resource keeps a rule, breaks it, or leaves it to the update."""
    return of(rule.check(Resource(kind or rule.types[0], "tested", properties)))


def stack_verdict(rule: StackRule, *resources: Resource) -> str:
    """Whether a stack keeps a rule, breaks it, or leaves it to the update."""
    return of(rule.check(resources))


def of(findings: Iterable[Finding]) -> str:
    """One word for all findings: a certain one outweighs pending ones."""
    pending = [finding.pending for finding in findings]
    if not pending:
        return KEPT
    return PENDING if all(pending) else BROKEN


def without(properties: dict[str, Any], *path: str) -> dict[str, Any]:
    """A copy of properties in which the value at a path is missing."""
    return changed(properties, None, *path)


def changed(properties: dict[str, Any], value: Any, *path: str) -> dict[str, Any]:
    """A copy of properties with another value at a path; `None` removes it."""
    first, *rest = path
    if rest:
        return {**properties, first: changed(properties.get(first, {}), value, *rest)}
    others = {name: known for name, known in properties.items() if name != first}
    return others if value is None else {**others, first: value}
