"""Where a provider makes things."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from .values import look_up

PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True)
class Place:
    """Account and Region in which a resource is made; "" where its provider does not say."""

    account: str = ""
    region: str = ""


def place_of(properties: dict[str, Any]) -> Place:
    """Account and Region out of the properties of a provider, which the engine keeps as JSON texts."""
    allowed = _read(look_up(properties, "allowedAccountIds"))
    roles = _read(look_up(properties, "assumeRoles"))
    region = look_up(properties, "region")
    accounts = {str(account) for account in cast(list[Any], allowed)} if isinstance(allowed, list) else set[str]()
    if isinstance(roles, list) and roles:
        # Of several roles the last one acts.
        last = look_up(cast(list[Any], roles)[-1], "roleArn")
        if isinstance(last, str) and last.count(":") >= 5:
            accounts.add(last.split(":")[4])
    # A provider that names several accounts says nothing about where a resource ends up.
    return Place(accounts.pop() if len(accounts) == 1 else "", region if isinstance(region, str) else "")


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return None
