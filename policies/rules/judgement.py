"""Every rule over a whole stack, each finding with its rule, resource and waiver."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import RESOURCE_RULES, STACK_RULES
from .configuration import Configuration
from .remediation import NO_FILES, StackFiles
from .rule import Resource
from .values import Finding
from .waivers import NONE, Waiver, Waivers

_FIELDS = {rule.name: rule.field for rule in (*RESOURCE_RULES, *STACK_RULES)}


@dataclass(frozen=True)
class Judgement:
    """One finding: `waiver` is what excuses it, `pending` that it rests on a value which only the update knows."""

    rule: str
    resource: str
    message: str
    pending: bool = False
    waiver: Waiver | None = None


@dataclass(frozen=True)
class Judgements:
    """All findings of a stack, by what they mean."""

    all: tuple[Judgement, ...]

    @property
    def violations(self) -> tuple[Judgement, ...]:
        """What breaks a rule and is not waived."""
        return tuple(each for each in self.all if not each.pending and each.waiver is None)

    @property
    def pending(self) -> tuple[Judgement, ...]:
        """What cannot be judged before deployment."""
        return tuple(each for each in self.all if each.pending and each.waiver is None)

    @property
    def waived(self) -> tuple[Judgement, ...]:
        """What a waiver excuses."""
        return tuple(each for each in self.all if each.waiver is not None)


def judgements(
    resources: tuple[Resource, ...],
    configuration: Configuration,
    waivers: Waivers = NONE,
    files: StackFiles = NO_FILES,
) -> Judgements:
    """Judge a stack by every rule; the rules about single resources are among those that look at the final state."""
    found: list[Judgement] = []
    for rule in STACK_RULES:
        for finding in rule.findings(resources, configuration.of_rule(rule.name)):
            name, resource = finding.rule or rule.name, name_of(finding.urn)
            waiver = waivers.covering(name, resource, finding.statement)
            message = told(finding, name, finding.urn, files)
            found.append(Judgement(name, resource, message, finding.pending, waiver))
    return Judgements(tuple(found))


def told(finding: Finding, rule: str, urn: str | None, files: StackFiles) -> str:
    """What a rule says of a resource, and where to mend it where a file decides."""
    return finding.message + files.place(_FIELDS[rule], urn or "")


def rule_names() -> frozenset[str]:
    """The names that a waiver may state."""
    return frozenset(rule.name for rule in (*RESOURCE_RULES, *STACK_RULES))


def name_of(urn: str | None) -> str:
    """The name of a resource by its URN."""
    return (urn or "").rpartition("::")[2]
