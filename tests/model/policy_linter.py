"""parliament, and AWS's Service Authorization Reference as parliament holds it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

with warnings.catch_warnings():
    # parliament finds its own files through pkg_resources, which says at import that it will go.
    warnings.simplefilter("ignore")
    import parliament  # pyright: ignore[reportMissingTypeStubs]

MISMATCH = "RESOURCE_MISMATCH"
"""A statement that does not name all, or any, of the resources that an action demands."""

HARMLESS = frozenset({"LOW", "MUTED"})


@dataclass(frozen=True, order=True)
class Finding:
    """What parliament holds against a policy; one for each action where it names several."""

    issue: str
    subject: str
    severity: str = "MEDIUM"


@dataclass(frozen=True)
class Action:
    """An action of AWS's reference; `resources` are the forms of ARN that a policy must name for it, if any."""

    name: str
    level: str
    resources: tuple[str, ...]


def findings(document: Mapping[str, Any]) -> set[Finding]:
    """Findings of any severity on a policy."""
    found: set[Finding] = set()
    for raw in parliament.analyze_policy_string(json.dumps(document)).findings:
        finding: Any = parliament.enhance_finding(raw)
        details: Any = finding.detail
        subjects: list[str]
        if finding.issue == MISMATCH:
            subjects = [f"{entry['action']} on {entry['required_format']}" for entry in details]
        elif finding.issue == "INVALID_ARN":
            subjects = [f"{details}: {finding.location['string']}"]
        else:
            subjects = [str(details)]
        found.update(Finding(finding.issue, subject, finding.severity) for subject in subjects)
    return found


@cache
def reference() -> dict[str, Action]:
    """Every action that parliament knows, by its name in lower case."""
    known: dict[str, Action] = {}
    services: list[Any] = parliament.iam_definition
    for service in services:
        forms = {resource["resource"]: resource["arn"] for resource in service["resources"]}
        for privilege in service["privileges"]:
            name = f"{service['prefix']}:{privilege['privilege']}"
            kinds = [entry["resource_type"].rstrip("*") for entry in privilege["resource_types"]]
            resources = tuple(forms[kind] for kind in kinds if kind in forms)
            known[name.lower()] = Action(name, privilege["access_level"], resources)
    return known


def expanded(patterns: Iterable[str]) -> set[str]:
    """The actions that patterns stand for; a name that parliament does not know stands for itself."""
    names: set[str] = set()
    for pattern in patterns:
        matches: list[Any] = parliament.expand_action(pattern, raise_exceptions=False)
        names |= {f"{entry['service']}:{entry['action']}" for entry in matches} or {pattern}
    return names


def has_form(resource: str, form: str) -> bool:
    """Whether a resource of a policy is of a form that AWS's reference gives, with wildcards for what varies."""
    return bool(parliament.is_arn_strictly_valid("", form, resource))


def is_resource_of(action: str, resource: str) -> bool:
    """Whether a resource of a policy is of one of the forms that an action takes."""
    forms = reference()[action.lower()].resources
    return any(has_form(resource, re.sub(r"\$\{.*?\}", "*", form)) for form in forms)


def listed(value: str | list[str]) -> list[str]:
    """What the policy language writes as one or many, as many."""
    return [value] if isinstance(value, str) else value
