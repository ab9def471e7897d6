"""One call of a function of the aws package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from local.provider.declarations import declarations
from local.provider.errors import ProviderError, UnsupportedPropertyError
from local.provider.sessions import Sessions
from runtime.functions.aws_errors import code_of


class Invocation:
    """One call of a function."""

    def __init__(self, token: str, sessions: Sessions, arguments: Mapping[str, Any]) -> None:
        self.token = token
        self.sessions = sessions
        self.arguments = {name: value for name, value in arguments.items() if value is not None}
        unknown = sorted(set(self.arguments) - set(declarations()[token].inputs))
        if unknown:
            raise UnsupportedPropertyError(token, unknown[0])

    @property
    def region(self) -> str:
        """The argument, else the provider's."""
        return str(self.arguments.get("region") or self.sessions.configuration.region)

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call AWS."""
        client = self.sessions.client(service, self.region)
        return getattr(client, xform_name(operation))(**{k: v for k, v in parameters.items() if v is not None})

    def run(self, function: Callable[[Invocation], dict[str, Any]]) -> dict[str, Any]:
        """Every declared output; raises `ProviderError` with AWS's code and words."""
        try:
            found = function(self)
        except ClientError as error:
            message = error.response.get("Error", {}).get("Message", "")
            raise ProviderError(f"{self.token}: {code_of(error)}: {message}") from error
        except BotoCoreError as error:
            raise ProviderError(f"{self.token}: {error}") from error
        return {**{name: None for name in declarations()[self.token].outputs}, **found}
