"""What a rule is: a check with a name, a severity and the framework controls that it answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import Severity

from .configuration import Configuration
from .places import Place
from .values import Findings


@dataclass(frozen=True)
class Resource:
    """A resource as a rule sees it: its properties in plain data, with `UNKNOWN` where a preview knows none.

    `sources` names, for each property, the URNs of the resources that its value comes from, and `parent` the URN of
    what it belongs to; only rules over a stack know them. `protected` says that the engine refuses to delete it.
    """

    type: str
    name: str
    properties: dict[str, Any]
    urn: str = ""
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    parent: str = ""
    place: Place = field(default_factory=Place)
    protected: bool = False

    @property
    def account(self) -> str:
        """The account that it is made in, "" where its provider does not say."""
        return self.place.account

    @property
    def region(self) -> str:
        """The Region that it is made in: its own, else its provider's."""
        own = self.properties.get("region")
        return own if isinstance(own, str) and own else self.place.region


ConfiguredCheck = Callable[[Resource, Configuration], Findings]
ConfiguredStackCheck = Callable[[tuple[Resource, ...], Configuration], Findings]
NOT_CONFIGURED = Configuration()


@dataclass(frozen=True)
class _Description:
    name: str
    """`<service>-<resource>-<action>-<what>`"""

    severity: Severity
    controls: tuple[str, ...]
    """Ids in Checkov, Trivy, Security Hub or Prowler, each in that tool's own spelling."""

    requirement: str
    """What must hold, in one sentence."""

    field: str
    """The field of a stack's file that decides what is checked, such as `product.distribution`; "" where none does."""


@dataclass(frozen=True)
class ResourceRule(_Description):
    """A rule about resources of some types, each by itself."""

    types: tuple[str, ...]
    check: Callable[[Resource], Findings]
    recheck: bool
    """Whether the state after an update shows the same properties; AWS fills some in that were never asked for."""

    configured: ConfiguredCheck | None = None
    """The same check where it needs the configuration; `check` then asks with an empty one."""

    def findings(self, resource: Resource, configuration: Configuration) -> Findings:
        """What the rule says of a resource under a configuration."""
        return self.configured(resource, configuration) if self.configured else self.check(resource)


@dataclass(frozen=True)
class StackRule(_Description):
    """A rule about how the resources of a stack belong together."""

    check: Callable[[tuple[Resource, ...]], Findings]
    configured: ConfiguredStackCheck | None = None
    """As with `ResourceRule`."""

    def findings(self, resources: tuple[Resource, ...], configuration: Configuration) -> Findings:
        """What the rule says of a stack under a configuration."""
        return self.configured(resources, configuration) if self.configured else self.check(resources)


def resource_rule(
    name: str,
    severity: Severity,
    controls: tuple[str, ...],
    types: tuple[str, ...],
    recheck: bool = True,
    field: str = "",
) -> Callable[[Callable[[Resource], Findings]], ResourceRule]:
    """Make a rule of a function over one resource; its docstring is the requirement."""

    def decorate(check: Callable[[Resource], Findings]) -> ResourceRule:
        return ResourceRule(name, severity, controls, _requirement(check), field, types, check, recheck)

    return decorate


def stack_rule(
    name: str, severity: Severity, controls: tuple[str, ...], field: str = ""
) -> Callable[[Callable[[tuple[Resource, ...]], Findings]], StackRule]:
    """Make a rule of a function over all resources of a stack; its docstring is the requirement."""

    def decorate(check: Callable[[tuple[Resource, ...]], Findings]) -> StackRule:
        return StackRule(name, severity, controls, _requirement(check), field, check)

    return decorate


def configured_resource_rule(
    name: str,
    severity: Severity,
    controls: tuple[str, ...],
    types: tuple[str, ...],
    recheck: bool = True,
    field: str = "",
) -> Callable[[ConfiguredCheck], ResourceRule]:
    """Make a rule of a function over one resource and the pack's configuration."""

    def decorate(check: ConfiguredCheck) -> ResourceRule:
        def unconfigured(resource: Resource) -> Findings:
            return check(resource, NOT_CONFIGURED)

        return ResourceRule(name, severity, controls, _requirement(check), field, types, unconfigured, recheck, check)

    return decorate


def configured_stack_rule(
    name: str, severity: Severity, controls: tuple[str, ...], field: str = ""
) -> Callable[[ConfiguredStackCheck], StackRule]:
    """Make a rule of a function over all resources of a stack and the pack's configuration."""

    def decorate(check: ConfiguredStackCheck) -> StackRule:
        def unconfigured(resources: tuple[Resource, ...]) -> Findings:
            return check(resources, NOT_CONFIGURED)

        return StackRule(name, severity, controls, _requirement(check), field, unconfigured, check)

    return decorate


def _requirement(check: Callable[..., Findings]) -> str:
    return (inspect.getdoc(check) or "").partition("\n\n")[0].replace("\n", " ")
