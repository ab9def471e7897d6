"""Errors of the plugin, each with what its reader needs to act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from runtime.functions.aws_errors import code_of


class ProviderError(Exception):
    """Something the user can act on; shown without a traceback."""


class UnsupportedTypeError(ProviderError):
    """A resource type or function that is not in the table."""

    def __init__(self, token: str) -> None:
        super().__init__(f"{token} is not supported by the local aws provider (local/provider/resource_table)")


class UnsupportedPropertyError(ProviderError):
    """A property that maps to nothing in the operations of its type."""

    def __init__(self, token: str, path: str, reason: str = "") -> None:
        super().__init__(f"{token}: property {path!r} is not supported by the local aws provider{reason}")
        self.path = path


class ConfigurationError(ProviderError):
    """Provider settings that cannot be used."""


class WaitTimeoutError(ProviderError):
    """A condition that did not come true within its bound."""


class HalfMadeError(ProviderError):
    """The resource exists, but is not as asked for; the engine records it and the next update repairs it."""

    def __init__(self, resource_id: str, properties: Mapping[str, Any], inputs: Mapping[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.properties = properties
        self.inputs = inputs


def is_one_of(error: ClientError, codes: Sequence[str]) -> bool:
    """Whether AWS's code is one of these; query services write some with a prefix (`AWS.SimpleQueueService.`)."""
    return code_of(error).rsplit(".", 1)[-1] in codes or code_of(error) in codes


EXISTS_CODES = (
    "EntityAlreadyExists",
    "EntityAlreadyExistsException",
    "AlreadyExistsException",
    "ResourceAlreadyExistsException",
    "ResourceConflictException",
    "BucketAlreadyOwnedByYou",
    "QueueNameExists",
    "QueueAlreadyExists",
    "InvalidGroup.Duplicate",
    "InvalidPermission.Duplicate",
)


def explain(error: Exception, token: str, urn: str, doing: str) -> str:
    """One message for the user: what was done, to what, AWS's code and words, and what helps."""
    name = urn.rsplit("::", 1)[-1]
    if not isinstance(error, ClientError):
        return f"{doing} {token} {name!r}: {error}"
    detail = error.response.get("Error", {})
    text = f"{doing} {token} {name!r}: {error.operation_name}: {code_of(error)}: {detail.get('Message', '')}"
    if doing == "creating" and (is_one_of(error, EXISTS_CODES) or code_of(error) in EXISTS_CODES):
        text += (
            f". It exists already, perhaps left by an interrupted run: take it over with"
            f" `pulumi import {token} {name} <id>`, or delete it"
        )
    return text
