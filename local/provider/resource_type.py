"""A resource type as a row: its operations, and how its properties are named, compared, replaced and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.provider.difference import Comparison
from local.provider.mapping import Renames
from local.provider.naming import AutoName

if TYPE_CHECKING:
    from local.provider.work import Work

Hook = Callable[["Work"], Any]

PROPAGATION_TIMEOUT = 20.0
"""Seconds for which an error that IAM's propagation explains is retried."""


@dataclass(frozen=True)
class Call:
    """One AWS operation whose parameters come from the properties of the same names.

    `identity` gives parameters that are always sent: AWS's name to a property, or to "id". `fixed` are constants.
    `only` narrows which properties are sent. `retried` tells the errors that pass by themselves.
    """

    operation: str
    identity: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    only: frozenset[str] | None = None
    retried: Callable[[ClientError], bool] | None = None


@dataclass(frozen=True)
class Setting:
    """Properties that can be changed, and what changes them.

    `after_create` where creating does not set them; `always` where that is needed even if the program says nothing.
    """

    properties: frozenset[str]
    apply: Call | Hook
    after_create: bool = False
    always: bool = False


@dataclass(frozen=True)
class Tagging:
    """How tags are set and removed after creation; `created` where creating takes them."""

    tag: Callable[[Work, Mapping[str, str]], Any]
    untag: Callable[[Work, list[str]], Any]
    created: bool = True


@dataclass(frozen=True)
class ResourceType:
    """One row of the table.

    `create` answers the AWS output of a `Call`, from which `identify` takes the id; `read` answers properties, or None
    where the resource is gone. What neither a setting nor `local` holds, replaces. `local` are properties that change
    the plugin's behaviour only; `unread` are not returned by AWS; both keep their value from the program. `volatile`
    are outputs that an update may change. `key` are the properties that make a resource's name unique.
    """

    token: str
    service: str
    create: Call | Hook
    identify: Callable[[Work, Any], str]
    read: Hook
    delete: Call | Hook
    settings: tuple[Setting, ...] = ()
    created_with: frozenset[str] = frozenset()
    tagging: Tagging | None = None
    local: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ("ResourceNotFoundException", "NotFoundException", "NoSuchEntity")
    defaults: Mapping[str, Any] = field(default_factory=dict)
    auto_name: AutoName | None = None
    key: frozenset[str] = frozenset()
    comparison: Comparison = field(default_factory=Comparison)
    renames: Renames = field(default_factory=dict)
    import_id: Callable[[str], Mapping[str, Any]] = lambda resource_id: {}
    check: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda inputs: {}
    """Faults of the inputs by property, beyond missing and unsupported ones."""
