"""The operations of EventBridge Scheduler."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway, service_error
from local.cloud.scheduler import expressions
from local.cloud.scheduler.calls import SCHEDULER, Calls
from local.cloud.scheduler.records import GROUP, Schedule, group_arn, schedule_arn
from local.cloud.service import Operation

KNOWN = frozenset(
    {
        "ActionAfterCompletion", "ClientToken", "Description", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
        "ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target",
    }
)  # fmt: skip
KNOWN_OF_TARGET = frozenset({"Arn", "DeadLetterConfig", "Input", "RetryPolicy", "RoleArn"})

DEFAULTS = {"ActionAfterCompletion": "NONE", "ScheduleExpressionTimezone": "UTC", "State": "ENABLED"}


class Scheduler:
    """Schedules of each account and Region, in their default group; a timetable of the cloud's clock."""

    name = "scheduler"
    whole = True

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._calls = Calls(gateway)
        self._schedules: dict[tuple[str, str], dict[str, Schedule]] = {}
        self._lock = threading.RLock()
        self.operations: Mapping[str, Operation] = {
            "CreateSchedule": self._create,
            "DeleteSchedule": self._delete,
            "GetSchedule": self._get,
            "ListSchedules": self._list,
            "UpdateSchedule": self._update,
        }

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._schedules.clear()

    def resource_of(self, call: Call) -> str:
        """ARN of the schedule that a call is about (Service Authorization Reference, EventBridge Scheduler)."""
        if call.operation == "ListSchedules":
            return "*"
        return schedule_arn(call.caller.account, call.region, call.parameters["Name"])

    def next_time(self) -> datetime | None:
        """When the next schedule is due."""
        with self._lock:
            times = [one.next_time for here in self._schedules.values() for one in here.values()]
        return min((time for time in times if time is not None), default=None)

    def happen(self) -> None:
        """Call for every time that has come, the earliest first."""
        now = self._gateway.clock.now()
        due: list[tuple[datetime, Schedule]] = []
        with self._lock:
            for schedule in [one for here in self._schedules.values() for one in here.values()]:
                while (time := schedule.next_time) is not None and time <= now:
                    schedule.last = time
                    due.append((time, schedule))
        for time, schedule in sorted(due, key=lambda each: each[0]):
            self._calls.call(schedule, time)

    def _create(self, call: Call) -> dict[str, Any]:
        name: str = call.parameters["Name"]
        settings = self._settings(call)
        with self._lock:
            here = self._schedules.setdefault((call.caller.account, call.region), {})
            if name in here:
                raise ServiceError("ConflictException", f"Schedule {name} already exists.", 409)
            now = self._gateway.clock.now()
            schedule = Schedule(call.caller.account, call.region, settings, now, now, None)
            schedule.sealed = self._sealed(call, schedule)
            here[name] = schedule
        self.happen()
        return {"ScheduleArn": schedule.arn}

    def _update(self, call: Call) -> dict[str, Any]:
        """UpdateSchedule: what is not stated falls back to its default."""
        schedule = self._known(call)
        settings = self._settings(call)
        with self._lock:
            schedule.settings = settings
            schedule.changed = schedule.last = self._gateway.clock.now()
            schedule.sealed = self._sealed(call, schedule)
        return {"ScheduleArn": schedule.arn}

    def _delete(self, call: Call) -> dict[str, Any]:
        schedule = self._known(call)
        with self._lock:
            del self._schedules[schedule.account, schedule.region][schedule.name]
        return {}

    def _get(self, call: Call) -> dict[str, Any]:
        schedule = self._known(call)
        times = {"CreationDate": schedule.created, "LastModificationDate": schedule.changed}
        return {**schedule.settings, **times, "Arn": schedule.arn, "GroupName": GROUP}

    def _list(self, call: Call) -> dict[str, Any]:
        """ListSchedules: all on one page."""
        prefix, state = call.parameters.get("NamePrefix", ""), call.parameters.get("State")
        with self._lock:
            here = list(self._schedules.get((call.caller.account, call.region), {}).values())
        found = [one for one in here if one.name.startswith(prefix) and state in {None, one.settings["State"]}]
        return {
            "Schedules": [
                {
                    "Arn": one.arn,
                    "CreationDate": one.created,
                    "GroupName": GROUP,
                    "LastModificationDate": one.changed,
                    "Name": one.name,
                    "State": one.settings["State"],
                    "Target": {"Arn": one.settings["Target"]["Arn"]},
                }
                for one in sorted(found, key=lambda one: one.name)
            ]
        }

    def _known(self, call: Call) -> Schedule:
        name: str = call.parameters["Name"]
        found = self._schedules.get((call.caller.account, call.region), {}).get(name)
        if found is None or call.parameters.get("GroupName", GROUP) != GROUP:
            raise ServiceError("ResourceNotFoundException", f"Schedule {name} does not exist.", 404)
        return found

    def _settings(self, call: Call) -> dict[str, Any]:
        """A schedule as it is kept, after AWS's checks; raises `ServiceError`."""
        given: dict[str, Any] = {**DEFAULTS, **call.parameters}
        target: dict[str, Any] = given["Target"]
        self._refuse_unknown(call, given, target)
        expressions.check(given["ScheduleExpression"], given["ScheduleExpressionTimezone"])
        role: str = target["RoleArn"]
        self._gateway.authorize(call.caller, "iam:PassRole", role, call.region, {"iam:PassedToService": SCHEDULER})
        context = {
            "aws:SourceAccount": call.caller.account,
            "aws:SourceArn": group_arn(call.caller.account, call.region),
        }
        try:
            self._gateway.assume_service_role(role, SCHEDULER, given["Name"], context)
        except ServiceError as error:
            message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise ServiceError("ValidationException", message) from error
        return {key: value for key, value in given.items() if key not in {"ClientToken", "GroupName"}}

    def _refuse_unknown(self, call: Call, given: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        unknown = [*(set(given) - KNOWN), *(f"Target.{name}" for name in set(target) - KNOWN_OF_TARGET)]
        if given.get("GroupName", GROUP) != GROUP:
            unknown.append("GroupName")
        if given["FlexibleTimeWindow"]["Mode"] != "OFF":
            unknown.append("FlexibleTimeWindow.Mode")
        if target["Arn"].split(":")[2] != "lambda":
            unknown.append(f"Target.Arn {target['Arn']}")
        if unknown:
            message = f"The local cloud does not do scheduler:{call.operation} with {', '.join(sorted(unknown))}."
            raise ServiceError("UnsupportedOperation", message, 501)

    def _sealed(self, call: Call, schedule: Schedule) -> bytes | None:
        """A data key for what is sent, as its maker gets it; raises `ServiceError` where that may not use the key."""
        key: str | None = schedule.settings.get("KmsKeyArn")
        if key is None:
            return None
        via = f"scheduler.{schedule.region}.amazonaws.com"
        keys = self._gateway.key_client(call.caller.credentials, schedule.region, via)
        try:
            made = keys.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=schedule.encryption_context)
        except ClientError as error:
            raise service_error(error) from error
        return made["CiphertextBlob"]
