"""Create, read, update and delete of any row: what is common to all resource types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.provider import tags
from local.provider.errors import HalfMadeError, ProviderError, explain, is_one_of
from local.provider.naming import DEFAULTS
from local.provider.resource_type import Call, Hook, ResourceType, Setting
from local.provider.values import UNKNOWN, Secret, reveal
from local.provider.waiting import until
from local.provider.work import Work

APPEARANCE_TIMEOUT = 30.0
"""Seconds in which what was created must be readable."""

AWS_ERRORS = (ClientError, BotoCoreError, ProviderError)


def create(work: Work) -> dict[str, Any]:
    """Make the resource and answer its outputs.

    Raises `HalfMadeError` where it was made but not wholly set up, `ProviderError` where it was not made.
    """
    row = work.row
    try:
        work.id = row.identify(work, _do(work, row.create))
    except AWS_ERRORS as error:
        raise ProviderError(explain(error, row.token, work.urn, "creating")) from error
    try:
        for setting in row.settings:
            if setting.after_create and _is_asked_for(work, setting):
                _do(work, setting.apply)
        if row.tagging is not None and not row.tagging.created and work.inputs.get("tags"):
            row.tagging.tag(work, work.inputs["tags"])
        found: list[dict[str, Any]] = []
        until(lambda: _found(work, found), f"{row.token} {work.id} to appear", APPEARANCE_TIMEOUT)
    except AWS_ERRORS as error:
        raise _half_made(work, error, "creating") from error
    return outputs(work, found[-1])


def update(work: Work, changed: frozenset[str]) -> dict[str, Any]:
    """Apply every setting of which a property changed; raises `HalfMadeError` with the state that was reached."""
    row = work.row
    work.changed = changed
    try:
        for setting in row.settings:
            # Without a change, the engine asks to repair what creating left half made.
            unfinished = not changed and setting.after_create and _is_asked_for(work, setting)
            if setting.properties & changed or unfinished:
                _do(work, setting.apply)
        if row.tagging is not None and changed & {"tags", "tagsAll"}:
            removed, new = tags.changes(work.state.get("tagsAll") or {}, work.inputs["tags"])
            if removed:
                row.tagging.untag(work, removed)
            if new:
                row.tagging.tag(work, new)
        answer = row.read(work)
        if answer is None:
            raise ProviderError(f"{work.id} is gone; run `pulumi refresh`")
    except AWS_ERRORS as error:
        raise _half_made(work, error, "updating") from error
    return outputs(work, answer)


def read(work: Work) -> dict[str, Any] | None:
    """Outputs as AWS tells them now, None where the resource is gone."""
    row = work.row
    try:
        answer = row.read(work)
    except ClientError as error:
        if is_one_of(error, row.missing):
            return None
        raise ProviderError(explain(error, row.token, work.urn, "reading")) from error
    except (BotoCoreError, ProviderError) as error:
        raise ProviderError(explain(error, row.token, work.urn, "reading")) from error
    return None if answer is None else outputs(work, answer)


def delete(work: Work) -> None:
    """Delete the resource; one that is gone already is as good."""
    row = work.row
    try:
        _do(work, row.delete)
    except ClientError as error:
        if not is_one_of(error, row.missing):
            raise ProviderError(explain(error, row.token, work.urn, "deleting")) from error
    except (BotoCoreError, ProviderError) as error:
        raise ProviderError(explain(error, row.token, work.urn, "deleting")) from error


def outputs(work: Work, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Every output that pulumi-aws declares, of what AWS answered, what the program alone knows, and tags."""
    row, declared = work.row, work.declaration.outputs
    actual: dict[str, Any] = {name: None for name in declared}
    for name in (row.local | row.unread) & declared.keys():
        actual[name] = work.known(name)
    actual |= {name: value for name, value in answer.items() if name in declared}
    if "region" in declared:
        actual["region"] = work.region
    if row.tagging is not None:
        configuration = work.sessions.configuration
        present = {key: value for key, value in (answer.get("tags") or {}).items() if not configuration.ignores(key)}
        declared_tags = {**(work.state.get("tags") or {}), **work.own_tags}
        actual["tags"], actual["tagsAll"] = tags.split(present, configuration.default_tags, declared_tags)
    remembered = {**work.state, **{name: value for name, value in work.inputs.items() if name != "tags"}}
    return {**row.comparison.settled(actual, remembered), "id": work.id}


def inputs_read(work: Work, old_inputs: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs after a refresh: the program's own words where they still hold, else what AWS tells.

    Without old inputs (an import) they are everything that was found and says something.
    """
    row, declared = work.row, work.declaration.inputs
    if not old_inputs:
        settable = {
            name: value
            for name, value in found.items()
            if name in declared and name not in row.comparison.computed and value not in (None, [], {}, "")
        }
        settable = {name: value for name, value in settable.items() if row.defaults.get(name) != value}
        return {**settable, DEFAULTS: []}
    result: dict[str, Any] = {}
    for name, value in old_inputs.items():
        if name == DEFAULTS or name not in found or row.comparison.same(value, found[name], name):
            result[name] = value
        elif found[name] is not None:
            result[name] = Secret(found[name]) if isinstance(value, Secret) else found[name]
    if found.get("tags") and "tags" not in result:
        result["tags"] = found["tags"]
    return result


def previewed(
    work: Work, old: Mapping[str, Any] | None = None, changed: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Outputs as far as a preview can know them: what AWS decides stays unknown."""
    row, declaration = work.row, work.declaration
    result: dict[str, Any] = {}
    for name in declaration.outputs:
        if name in ("tags", "tagsAll"):
            result[name] = work.inputs.get("tags") if name == "tagsAll" else dict(work.own_tags)
        elif work.inputs.get(name) is not None:
            result[name] = work.inputs[name]
        elif old is not None:
            result[name] = UNKNOWN if changed and name in row.volatile else old.get(name)
        else:
            computed = name not in declaration.inputs or name in row.comparison.computed
            result[name] = UNKNOWN if computed else None
    if "region" in declaration.outputs:
        result["region"] = work.region
    return reveal(result)


def _do(work: Work, action: Call | Hook) -> Any:
    return work.run(action) if isinstance(action, Call) else action(work)


def _is_asked_for(work: Work, setting: Setting) -> bool:
    return setting.always or any(
        work.inputs.get(name) is not None and work.inputs[name] != work.row.defaults.get(name)
        for name in setting.properties
    )


def _found(work: Work, found: list[dict[str, Any]]) -> bool:
    try:
        answer = work.row.read(work)
    except ClientError as error:
        if is_one_of(error, work.row.missing):
            return False
        raise
    if answer is not None:
        found.append(answer)
    return answer is not None


def _half_made(work: Work, error: Exception, doing: str) -> HalfMadeError:
    row: ResourceType = work.row
    reason = explain(error, row.token, work.urn, doing)
    try:
        answer = row.read(work)
    except AWS_ERRORS:
        answer = None
    if answer is not None:
        # What AWS does not tell counts as not set, so that the next update sets it.
        later = {name for setting in row.settings if setting.after_create for name in setting.properties}
        untold = row.unread if doing == "updating" else row.unread & later
        reached = {**outputs(work, answer), **{name: work.state.get(name) for name in untold}}
    else:
        # Nothing can be read: record what creating alone set, so that the next update sets the rest again.
        later = {name for setting in row.settings if setting.after_create for name in setting.properties}
        source = work.state or {name: value for name, value in work.inputs.items() if name not in later | {"tags"}}
        reached = {**{name: None for name in work.declaration.outputs}, **source, "id": work.id}
    return HalfMadeError(work.id, reached, {}, reason)
