"""Schedules of EventBridge Scheduler (Amazon EventBridge Scheduler API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.difference import JSON, Comparison
from local.provider.naming import AutoName
from local.provider.resource_type import PROPAGATION_TIMEOUT, Call, ResourceType, Setting
from local.provider.waiting import message_has, retrying
from local.provider.work import Work, input_shape

DEFAULT_GROUP = "default"

ROLE_NOT_YET_USABLE = message_has("ValidationException", "execution role", "assume")

SETTINGS = frozenset(
    {
        "actionAfterCompletion", "description", "endDate", "flexibleTimeWindow", "kmsKeyArn", "scheduleExpression",
        "scheduleExpressionTimezone", "startDate", "state", "target",
    }
)  # fmt: skip


def _place(resource_id: str) -> Mapping[str, str]:
    group, _, name = resource_id.partition("/")
    return {"groupName": group, "name": name}


def _update(work: Work) -> None:
    """All settings at once: what an update leaves out falls back to its default."""
    sent = {name: value for name, value in work.inputs.items() if name in SETTINGS}
    place = _place(work.id)
    parameters = work.mapper.to_aws(input_shape("scheduler", "UpdateSchedule"), sent)
    parameters |= {"Name": place["name"], "GroupName": place["groupName"]}
    retrying(lambda: work.call("UpdateSchedule", **parameters), ROLE_NOT_YET_USABLE, PROPAGATION_TIMEOUT)


def _read(work: Work) -> dict[str, Any]:
    place = _place(work.id)
    return work.properties(work.call("GetSchedule", Name=place["name"], GroupName=place["groupName"]))


def _delete(work: Work) -> None:
    place = _place(work.id)
    work.call("DeleteSchedule", Name=place["name"], GroupName=place["groupName"])


ROWS = (
    ResourceType(
        token="aws:scheduler/schedule:Schedule",
        service="scheduler",
        create=Call("CreateSchedule", retried=ROLE_NOT_YET_USABLE),
        created_with=SETTINGS | {"name", "groupName"},
        identify=lambda work, answer: f"{work.inputs['groupName']}/{work.inputs['name']}",
        read=_read,
        settings=(Setting(SETTINGS, _update),),
        delete=_delete,
        unread=frozenset({"namePrefix"}),
        missing=("ResourceNotFoundException",),
        defaults={
            "actionAfterCompletion": "NONE",
            "groupName": DEFAULT_GROUP,
            "scheduleExpressionTimezone": "UTC",
            "state": "ENABLED",
        },
        auto_name=AutoName(maximum=64),
        key=frozenset({"name", "groupName"}),
        comparison=Comparison({"target.input": JSON}),
        import_id=_place,
    ),
)
