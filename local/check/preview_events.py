"""What a preview found, out of the events that the engine logs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from model.files.guarded import Guarded
from policies.rules.enforcement import WAIVED
from policies.rules.judgement import name_of
from policies.rules.kms import KEYS
from policies.rules.levels import PENDING
from policies.rules.s3 import BUCKET

_MARKUP = re.compile(r"<\{%.*?%\}>")
_PROTECTED = re.compile(r"because it is\s+protected")


class Operation(StrEnum):
    """What an update would do to a resource, in the engine's words."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


GUARDED_TYPES: Mapping[str, Guarded] = {
    "aws:ec2/ami:Ami": Guarded.IMAGES,
    "aws:ec2/amiCopy:AmiCopy": Guarded.IMAGES,
    "aws:ec2/amiFromInstance:AmiFromInstance": Guarded.IMAGES,
    "aws:imagebuilder/image:Image": Guarded.IMAGES,
    **dict.fromkeys(KEYS, Guarded.KEYS),
    **dict.fromkeys(BUCKET, Guarded.BUCKETS),
}


def types_of(kinds: Collection[Guarded]) -> frozenset[str]:
    """The types of resources of some kinds."""
    return frozenset(type_ for type_, kind in GUARDED_TYPES.items() if kind in kinds)


@dataclass(frozen=True)
class Change:
    """One resource that an update would touch; `properties` are those that differ.

    `protected` tells that the engine refuses to delete it until its protection is lifted in the stack's state.
    """

    operation: Operation
    type: str
    name: str
    properties: tuple[str, ...] = ()
    protected: bool = False

    @property
    def guarded(self) -> Guarded | None:
        """What kind of guarded resource it is, if any."""
        return GUARDED_TYPES.get(self.type)

    @property
    def ends(self) -> bool:
        """Whether the resource that is there goes away."""
        return self.operation in (Operation.DELETE, Operation.REPLACE)


@dataclass(frozen=True)
class Violation:
    """A rule of the pack, and how a resource breaks it."""

    rule: str
    resource: str
    message: str


@dataclass(frozen=True)
class Preview:
    """Everything that the preview of a stack said.

    `waived` are the waivers that excused something, each beginning with its label; `pending` is what only the update
    can judge, `errors` what kept the preview from its end.
    """

    stack: str
    changes: tuple[Change, ...] = ()
    violations: tuple[Violation, ...] = ()
    pending: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def explains_itself(self) -> bool:
        """Whether there is a reason for a preview that failed."""
        return bool(self.errors or self.violations or any(change.protected for change in self.changes))

    def of(self, operation: Operation) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.operation is operation)


def read_events(stack: str, lines: Iterable[str]) -> Preview:
    """What a log of engine events tells of a preview; a torn last line, as of a killed engine, counts for nothing."""
    changes: dict[tuple[str, str], Change] = {}
    violations: dict[Violation, None] = {}
    pending: list[str] = []
    waived: list[str] = []
    errors: list[str] = []
    for event in _events(lines):
        if metadata := _part(event, "resourcePreEvent").get("metadata"):
            change = _change(cast(dict[str, Any], metadata))
            if change is not None:
                changes[change.type, change.name] = change
        policy = _part(event, "policyEvent")
        message = _own_words(policy.get("message"))
        if policy.get("policyName") == PENDING:
            label = message.removeprefix(WAIVED)
            (pending if label == message else waived).append(label)
        elif policy.get("enforcementLevel") == "mandatory":
            resource = name_of(policy.get("resourceUrn"))
            violations[Violation(str(policy.get("policyName")), resource, message)] = None
        told = _part(event, "diagnosticEvent")
        if told.get("severity") == "error":
            text, urn = _plain(told.get("message")), str(told.get("urn", ""))
            resource, kind = name_of(urn), urn.split("::")[-2:][0].rpartition("$")[2]
            if not _PROTECTED.search(text):
                errors.append(text)
            elif kind in GUARDED_TYPES:
                changes[kind, resource] = Change(Operation.DELETE, kind, resource, protected=True)
            else:
                violations[Violation("protected", resource, f"{resource}: {_first(text)}")] = None
    # "preview failed" is the engine's last word where it has given its reasons before.
    reasons = tuple(error for error in errors if error != "preview failed")
    return Preview(
        stack, tuple(changes.values()), tuple(violations), tuple(pending), tuple(dict.fromkeys(waived)), reasons
    )


def _events(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            event: Any = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, dict):
            yield cast(dict[str, Any], event)


def _part(event: dict[str, Any], name: str) -> dict[str, Any]:
    found = event.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _change(metadata: dict[str, Any]) -> Change | None:
    """A change of a resource; None for what stays, and for the two halves of a replacement."""
    operation, kind = metadata.get("op"), str(metadata.get("type"))
    if operation not in set(Operation) or kind.startswith("pulumi:"):
        return None
    name = name_of(metadata.get("urn"))
    differing = metadata.get("diffs") or sorted(metadata.get("detailedDiff") or ())
    return Change(Operation(operation), kind, name, tuple(str(each) for each in differing))


def _plain(message: Any) -> str:
    return _MARKUP.sub("", str(message or "")).strip()


def _own_words(message: Any) -> str:
    """A rule's finding without the rule's description, which the SDK puts on a line before it."""
    text = _plain(message)
    return text.partition("\n")[2].strip() or text


def _first(text: str) -> str:
    return re.sub(r"\s+", " ", text)
