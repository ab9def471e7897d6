"""The plugin's answers to the engine's requests, in Python values; `server` puts them on the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from local.provider import checking, lifecycle
from local.provider.changes import Changes, changes
from local.provider.checking import Fault
from local.provider.configuration import Configuration, is_unknown, understood
from local.provider.errors import ConfigurationError, HalfMadeError, ProviderError, UnsupportedTypeError
from local.provider.invocation import Invocation
from local.provider.invokes import FUNCTIONS
from local.provider.resource_table import resource_type
from local.provider.sessions import Sessions
from local.provider.values import UNKNOWN, contains_unknown, keep_secret, reveal
from local.provider.work import Work


class Provider:
    """One configured provider of the program."""

    def __init__(self) -> None:
        self._sessions: Sessions | None = None
        self._cancelled = threading.Event()

    def check_config(self, news: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """The settings as they are, and what is wrong with them."""
        _, faults = understood(news)
        return dict(news), [Fault(fault.partition(":")[0].partition("[")[0], fault) for fault in faults]

    def diff_config(self, news: Mapping[str, Any], olds: Mapping[str, Any]) -> Changes:
        """Settings that differ; none replaces a resource."""
        before, after = reveal(dict(olds)), reveal(dict(news))
        return Changes({name: "UPDATE" for name in {**before, **after} if before.get(name) != after.get(name)})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take the settings; raises `ConfigurationError` where they, the roles or the account cannot be used."""
        if is_unknown(settings):
            return
        configuration = Configuration.parse(settings)
        sessions = Sessions(configuration)
        if configuration.validates_credentials:
            sessions.account  # noqa: B018 - assumes the roles and compares the account, before anything is made
        self.use(sessions)

    def use(self, sessions: Sessions) -> None:
        """Work with these sessions from now on."""
        self._sessions = sessions

    def cancel(self) -> None:
        """Take no further requests that change anything; what runs ends by itself, so that it can be recorded."""
        self._cancelled.set()

    @property
    def sessions(self) -> Sessions:
        """Sessions of the configured provider."""
        if self._sessions is None:
            raise ConfigurationError("the provider is not configured: its settings are not known yet")
        return self._sessions

    def check(
        self, urn: str, seed: bytes, news: Mapping[str, Any], olds: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[Fault]]:
        """Complete and check a resource's inputs."""
        return checking.check(resource_type(_token(urn)), urn, seed, news, olds)

    def diff(
        self,
        urn: str,
        news: Mapping[str, Any],
        state: Mapping[str, Any],
        old_inputs: Mapping[str, Any],
        ignored: Iterable[str],
    ) -> Changes:
        """What the inputs would change."""
        settings = self.sessions.configuration
        row = resource_type(_token(urn))
        return changes(row, settings.default_tags, settings.region, news, state, old_inputs, ignored)

    def create(self, urn: str, inputs: Mapping[str, Any], preview: bool) -> tuple[str, dict[str, Any]]:
        """Make a resource, or say what is known of it before."""
        work = Work(resource_type(_token(urn)), self.sessions, urn, inputs)
        if preview:
            return "", keep_secret(lifecycle.previewed(work), inputs)
        self._refuse_when_cancelled()
        return self._secretly(lambda: lifecycle.create(work), inputs, work)

    def read(
        self, urn: str, resource_id: str, state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """State and inputs as they are now; an empty id where the resource is gone."""
        row = resource_type(_token(urn))
        recorded = state or row.import_id(resource_id)
        work = Work(row, self.sessions, urn, inputs, recorded, resource_id)
        found = lifecycle.read(work)
        if found is None:
            return "", {}, {}
        return work.id, keep_secret(found, inputs, state), lifecycle.inputs_read(work, inputs, found)

    def update(
        self,
        urn: str,
        resource_id: str,
        news: Mapping[str, Any],
        state: Mapping[str, Any],
        old_inputs: Mapping[str, Any],
        ignored: Iterable[str],
        preview: bool,
    ) -> dict[str, Any]:
        """Apply what changed."""
        found = self.diff(urn, news, state, old_inputs, ignored)
        work = Work(resource_type(_token(urn)), self.sessions, urn, news, state, resource_id)
        if preview:
            return keep_secret(lifecycle.previewed(work, reveal(dict(state)), found.names), news, state)
        self._refuse_when_cancelled()
        return self._secretly(lambda: lifecycle.update(work, found.names), news, work, state)[1]

    def delete(self, urn: str, resource_id: str, state: Mapping[str, Any], old_inputs: Mapping[str, Any]) -> None:
        """Delete a resource."""
        self._refuse_when_cancelled()
        row = resource_type(_token(urn))
        lifecycle.delete(Work(row, self.sessions, urn, old_inputs or state, state, resource_id))

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function."""
        function = FUNCTIONS.get(token)
        if function is None:
            raise UnsupportedTypeError(token)
        if contains_unknown(arguments):
            return {"id": UNKNOWN}
        return Invocation(token, self.sessions, reveal(dict(arguments))).run(function)

    def _refuse_when_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise ProviderError("cancelled")

    @staticmethod
    def _secretly(
        act: Any, inputs: Mapping[str, Any], work: Work, *more: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        try:
            found = act()
        except HalfMadeError as error:
            properties = keep_secret(error.properties, inputs, *more)
            raise HalfMadeError(error.resource_id, properties, inputs, str(error)) from error
        return work.id, keep_secret(found, inputs, *more)


def _token(urn: str) -> str:
    """The resource type of a URN (`urn:pulumi:stack::project::parent$type::name`)."""
    return urn.split("::")[2].rsplit("$", 1)[-1]
