"""One resource in one request: its properties, and the AWS operations on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape

from local.provider import tags
from local.provider.declarations import Declaration, declarations
from local.provider.mapping import Mapper
from local.provider.resource_type import PROPAGATION_TIMEOUT, Call, ResourceType
from local.provider.sessions import Sessions
from local.provider.values import reveal
from local.provider.waiting import retrying


@cache
def service_model(service: str) -> ServiceModel:
    """Botocore's model of a service, which needs no client."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def input_shape(service: str, operation: str) -> StructureShape:
    """Input of an operation; an empty structure where it takes nothing."""
    shape = service_model(service).operation_model(operation).input_shape
    return shape if shape is not None else StructureShape("Nothing", {"type": "structure", "members": {}})


class Work:
    """What a row's hooks are given.

    `inputs` is what the program asks for, defaults and default tags included; `state` is what was recorded; `changed`
    are the properties that an update is about.
    """

    def __init__(
        self,
        row: ResourceType,
        sessions: Sessions,
        urn: str,
        inputs: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        resource_id: str = "",
    ) -> None:
        self.row = row
        self.sessions = sessions
        self.urn = urn
        self.id = resource_id
        self.changed: frozenset[str] = frozenset()
        self.state: dict[str, Any] = reveal(dict(state or {}))
        given = {key: value for key, value in reveal(dict(inputs)).items() if value is not None}
        self.own_tags: Mapping[str, Any] = given.get("tags") or {}
        self.inputs: dict[str, Any] = {**row.defaults, **given}
        self.mapper = Mapper(row.token, row.renames)
        if row.tagging is not None:
            self.inputs["tags"] = tags.merged(sessions.configuration.default_tags, self.own_tags)

    @property
    def declaration(self) -> Declaration:
        """What pulumi-aws declares of this type."""
        return declarations()[self.row.token]

    @property
    def region(self) -> str:
        """Region of the resource: its own property, else the provider's."""
        place = self.inputs.get("region") or self.state.get("region")
        return str(place or self.sessions.configuration.region)

    @property
    def account(self) -> str:
        """The account in which the resource lies."""
        return self.sessions.account

    def known(self, name: str) -> Any:
        """A property as asked for, else as recorded; "id" is the resource's id."""
        if name == "id":
            return self.id
        value = self.inputs.get(name)
        return self.state.get(name) if value is None else value

    def call(self, operation: str, service: str | None = None, region: str | None = None, **parameters: Any) -> Any:
        """Call AWS; parameters that are None are left out; botocore's `ClientError` passes through."""
        client = self.sessions.client(service or self.row.service, region or self.region)
        sent = {name: value for name, value in parameters.items() if value is not None}
        return getattr(client, xform_name(operation))(**sent)

    def parameters(self, call: Call) -> dict[str, Any]:
        """Parameters of a declared call."""
        shape = input_shape(self.row.service, call.operation)
        properties = {
            name: value
            for name, value in self.inputs.items()
            if name != "region" and (call.only is None or name in call.only)
        }
        if not properties.get("tags"):
            properties.pop("tags", None)
        identity = {parameter: self.known(name) for parameter, name in call.identity.items()}
        return {**self.mapper.to_aws(shape, properties), **identity, **call.fixed}

    def run(self, call: Call) -> Any:
        """Make a declared call, repeated while its error is one that passes."""
        parameters = self.parameters(call)
        if call.retried is None:
            return self.call(call.operation, **parameters)
        return retrying(lambda: self.call(call.operation, **parameters), call.retried, PROPAGATION_TIMEOUT)

    def mapped(self, operation: str, member: str, name: str) -> Any:
        """A property's value as one member of an operation's input; None where it is left out."""
        value = self.inputs.get(name)
        if value is None:
            return None
        shape = input_shape(self.row.service, operation)
        for part in member.split("."):
            shape = shape.members[part]  # type: ignore[assignment]
        return self.mapper.value(shape, value, name)

    def properties(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Declared properties of AWS's answer."""
        return self.mapper.from_aws(self.declaration.outputs, answer)
