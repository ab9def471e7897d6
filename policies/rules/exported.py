"""The resources of a deployed stack, out of what `pulumi stack export` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .places import PROVIDER, Place, place_of
from .repeated import without_repeated
from .rule import Resource
from .values import entries, look_up


def exported_resources(export: Mapping[str, Any]) -> tuple[Resource, ...]:
    """Every resource of the export as rules see it; raises ValueError where it holds no deployment.

    Resources that only wait for their deletion are left out: the stack no longer states them.
    """
    listed = look_up(look_up(export, "deployment"), "resources")
    if not isinstance(listed, list):
        raise ValueError("it holds no deployment; give what `pulumi stack export` prints")
    states = [state for state in entries(look_up(dict(export), "deployment", "resources")) if not state.get("delete")]
    providers = {
        f"{state['urn']}::{state.get('id', '')}": place_of(state.get("inputs") or {})
        for state in states
        if state["type"] == PROVIDER
    }
    return without_repeated(_resource(state, providers) for state in states)


def _resource(state: Mapping[str, Any], providers: Mapping[str, Place]) -> Resource:
    stated: dict[str, list[str] | None] = state.get("propertyDependencies") or {}
    sources = {name: frozenset(urns or ()) for name, urns in stated.items()}
    return Resource(
        state["type"],
        state["urn"].rpartition("::")[2],
        state.get("outputs") or {},
        state["urn"],
        sources,
        parent=state.get("parent", ""),
        place=providers.get(state.get("provider", ""), Place()),
        protected=bool(state.get("protect")),
    )
