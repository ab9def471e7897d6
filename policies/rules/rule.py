"""What a rule is: a check with a name, a severity and the framework controls that it answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import Severity

from .values import Findings


@dataclass(frozen=True)
class Resource:
    """A resource as a rule sees it: its properties in plain data, with `UNKNOWN` where a preview knows none.

    `sources` names, for each property, the URNs of the resources that its value comes from; only rules over a stack
    know them.
    """

    type: str
    name: str
    properties: dict[str, Any]
    urn: str = ""
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


@dataclass(frozen=True)
class _Description:
    name: str
    """`<service>-<resource>-<action>-<what>`"""

    severity: Severity
    controls: tuple[str, ...]
    """Ids in Checkov, Trivy, Security Hub or Prowler, each in that tool's own spelling."""

    requirement: str
    """What must hold, in one sentence."""


@dataclass(frozen=True)
class ResourceRule(_Description):
    """A rule about resources of some types, each by itself."""

    types: tuple[str, ...]
    check: Callable[[Resource], Findings]
    recheck: bool
    """Whether the state after an update shows the same properties; AWS fills some in that were never asked for."""


@dataclass(frozen=True)
class StackRule(_Description):
    """A rule about how the resources of a stack belong together."""

    check: Callable[[tuple[Resource, ...]], Findings]


def resource_rule(
    name: str, severity: Severity, controls: tuple[str, ...], types: tuple[str, ...], recheck: bool = True
) -> Callable[[Callable[[Resource], Findings]], ResourceRule]:
    """Make a rule of a function over one resource; its docstring is the requirement."""

    def decorate(check: Callable[[Resource], Findings]) -> ResourceRule:
        return ResourceRule(name, severity, controls, _requirement(check), types, check, recheck)

    return decorate


def stack_rule(
    name: str, severity: Severity, controls: tuple[str, ...]
) -> Callable[[Callable[[tuple[Resource, ...]], Findings]], StackRule]:
    """Make a rule of a function over all resources of a stack; its docstring is the requirement."""

    def decorate(check: Callable[[tuple[Resource, ...]], Findings]) -> StackRule:
        return StackRule(name, severity, controls, _requirement(check), check)

    return decorate


def _requirement(check: Callable[..., Findings]) -> str:
    return (inspect.getdoc(check) or "").partition("\n\n")[0].replace("\n", " ")
