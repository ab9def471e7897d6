"""What a program's inputs would change of a recorded resource, and what of that needs a new one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.provider import tags
from local.provider.declarations import declarations
from local.provider.difference import is_empty
from local.provider.naming import DEFAULTS
from local.provider.resource_type import ResourceType
from local.provider.values import Secret, Unknown, contains_unknown, reveal

ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"


@dataclass(frozen=True)
class Changes:
    """Changed properties by kind, those that replace, and whether the old resource must go first."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    delete_first: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every changed property."""
        return frozenset(self.kinds)


def changes(
    row: ResourceType,
    default_tags: Mapping[str, str],
    default_region: str,
    news: Mapping[str, Any],
    state: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    ignored: Iterable[str] = (),
) -> Changes:
    """Compare what is asked for with what was recorded, by meaning."""
    declared = declarations()[row.token].inputs
    wanted = _ignoring(news, state, ignored)
    skipped = {path for path in ignored if path in declared or path == "tagsAll"}
    kinds: dict[str, str] = {}
    for name in declared:
        if name in skipped or name in ("tags", "region"):
            continue
        desired = wanted.get(name)
        if desired is None:
            desired = row.defaults.get(name)
        if desired is None and _left_open(row, name, old_inputs):
            continue
        actual = state.get(name)
        if not row.comparison.same(desired, actual, name):
            kinds[name] = _kind(desired, actual)
    if "region" in declared and "region" not in skipped:
        region = wanted.get("region") or default_region
        if state.get("region") and not row.comparison.same(region, state["region"], "region"):
            kinds["region"] = UPDATE
    if row.tagging is not None and "tags" not in skipped:
        kinds |= _tag_kinds(default_tags, wanted.get("tags"), state, skipped)
    replaces = frozenset(name for name in kinds if name not in updatable(row))
    return Changes(kinds, replaces, bool(replaces) and _keeps_name(row, wanted, state, default_region))


def updatable(row: ResourceType) -> frozenset[str]:
    """Properties whose change needs no new resource."""
    names = {name for setting in row.settings for name in setting.properties} | row.local
    return frozenset(names | {"tags", "tagsAll"})


def _left_open(row: ResourceType, name: str, old_inputs: Mapping[str, Any]) -> bool:
    """Whether a property is AWS's to choose: never set, or set and then left to AWS again."""
    return old_inputs.get(name) is None or name in row.comparison.computed


def _tag_kinds(defaults: Mapping[str, str], own: Any, state: Mapping[str, Any], skipped: set[str]) -> dict[str, str]:
    own = reveal(own)
    if own is not None and not isinstance(own, Mapping):
        return {"tags": UPDATE, "tagsAll": UPDATE}
    kinds: dict[str, str] = {}
    everything = tags.merged(defaults, own)
    own = dict(own or {})
    if contains_unknown(everything) or everything != (reveal(state.get("tagsAll")) or {}):
        recorded = reveal(state.get("tags")) or {}
        if own != recorded:
            kinds["tags"] = _kind(own, recorded)
        if "tagsAll" not in skipped:
            kinds["tagsAll"] = UPDATE
    return kinds


def _kind(desired: Any, actual: Any) -> str:
    if is_empty(reveal(actual)) and not isinstance(actual, bool):
        return ADD
    return DELETE if desired is None else UPDATE


def _keeps_name(row: ResourceType, wanted: Mapping[str, Any], state: Mapping[str, Any], region: str) -> bool:
    """Whether the new resource would meet the old one under the same name: then the old one must go first."""
    if not row.key:
        return False
    if state.get("region") and reveal(wanted.get("region") or region) != state["region"]:
        return False
    chosen: set[Any] = set(wanted.get(DEFAULTS) or ())
    for name in row.key:
        desired = reveal(wanted.get(name, row.defaults.get(name)))
        if name in chosen or isinstance(desired, Unknown):
            return False
        if desired is not None and not row.comparison.same(desired, state.get(name), name):
            return False
    return True


def _ignoring(news: Mapping[str, Any], state: Mapping[str, Any], ignored: Iterable[str]) -> dict[str, Any]:
    """The inputs, with what stands at an ignored path inside a property taken from the state."""
    wanted = dict(news)
    for path in ignored:
        steps = path.replace("[", ".").replace("]", "").replace('"', "").split(".")
        if len(steps) == 1 or steps[0] not in wanted:
            continue
        wanted[steps[0]] = _with(copy.deepcopy(wanted[steps[0]]), reveal(state.get(steps[0])), steps[1:])
    return wanted


def _with(value: Any, source: Any, steps: list[str]) -> Any:
    if isinstance(value, Secret):
        return Secret(_with(value.value, source, steps))
    step, rest = steps[0], steps[1:]
    if isinstance(value, Mapping):
        old = source.get(step) if isinstance(source, Mapping) else None
        changed = dict(value)
        if rest:
            changed[step] = _with(changed.get(step), old, rest)
        elif old is None:
            changed.pop(step, None)
        else:
            changed[step] = old
        return changed
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        old = source[int(step)] if isinstance(source, list) and int(step) < len(source) else None
        items = list(value)
        items[int(step)] = _with(items[int(step)], old, rest) if rest else old
        return items
    return value
