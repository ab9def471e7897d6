"""Everything that is stored of Auto Scaling, by account and Region."""

from __future__ import annotations

import threading
from collections import defaultdict

from local.cloud.auto_scaling.records import Group, LaunchConfiguration
from local.cloud.call import Call, ServiceError


class Store:
    """Launch configurations and groups by `[account][region]` and name; the lock spans a whole call."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._configurations: dict[str, dict[str, dict[str, LaunchConfiguration]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._groups: dict[str, dict[str, dict[str, Group]]] = defaultdict(lambda: defaultdict(dict))

    def configurations(self, call: Call) -> dict[str, LaunchConfiguration]:
        """Launch configurations of the caller's account in the call's Region."""
        return self._configurations[call.caller.account][call.region]

    def groups(self, call: Call) -> dict[str, Group]:
        """Groups of the caller's account in the call's Region."""
        return self._groups[call.caller.account][call.region]

    def configuration(self, call: Call, name: str) -> LaunchConfiguration:
        """A launch configuration by its name; raises `ServiceError`."""
        found = self.configurations(call).get(name)
        if found is None:
            message = f"Launch configuration name not found - Launch configuration {name} not found"
            raise ServiceError("ValidationError", message)
        return found

    def configuration_of(self, group: Group) -> LaunchConfiguration:
        """What a group launches with; it cannot be deleted while the group is there."""
        return self._configurations[group.account][group.region][group.configuration]

    def group(self, call: Call, name: str) -> Group:
        """A group by its name; raises `ServiceError`."""
        found = self.groups(call).get(name)
        if found is None:
            message = f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
            raise ServiceError("ValidationError", message)
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._configurations.clear()
            self._groups.clear()
