"""Credentials and clients: the chain of assumed roles, the account's id, and one client per service and Region.

The endpoint is botocore's own concern (`AWS_ENDPOINT_URL`, as every AWS SDK honours it).
"""

from __future__ import annotations

import threading
from typing import Any

from local.provider.configuration import AssumedRole, Configuration
from local.provider.errors import ConfigurationError

GLOBAL_SERVICES = frozenset({"iam"})
"""Asked in the provider's own Region whatever a resource says."""


class Sessions:
    """Makes clients when they are first asked for; safe to use from many threads."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._lock = threading.RLock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._account: str | None = None

    def client(self, service: str, region: str | None = None) -> Any:
        """A botocore client; raises `ConfigurationError` where no credentials, role or account can be had."""
        place = self.configuration.region if region is None or service in GLOBAL_SERVICES else region
        with self._lock:
            if (service, place) not in self._clients:
                self._clients[service, place] = self._make(self._checked_session(), service, place)
            return self._clients[service, place]

    @property
    def account(self) -> str:
        """The account that the credentials belong to."""
        with self._lock:
            self._checked_session()
            assert self._account is not None
            return self._account

    def _checked_session(self) -> Any:
        if self._session is None:
            session = self._assumed(self._base())
            self._account = self._check_account(session)
            self._session = session
        return self._session

    def _base(self) -> Any:
        from botocore.session import Session

        settings = self.configuration
        session = Session(profile=settings.profile)
        config_files, credentials_files = settings.shared_files
        if config_files:
            session.set_config_variable("config_file", config_files[0])
        if credentials_files:
            session.set_config_variable("credentials_file", credentials_files[0])
        if settings.access_key:
            session.set_credentials(settings.access_key, settings.secret_key or "", settings.token)
        if session.get_credentials() is None:
            raise ConfigurationError(
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
            )
        return session

    def _assumed(self, session: Any) -> Any:
        for role in self.configuration.assumed_roles:
            session = self._with_role(session, role)
        return session

    def _with_role(self, session: Any, role: AssumedRole) -> Any:
        from botocore.credentials import RefreshableCredentials
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        sts = self._make(session, "sts", self.configuration.sts_region or self.configuration.region)

        def refresh() -> dict[str, str]:
            answer = sts.assume_role(**role.parameters)["Credentials"]
            return {
                "access_key": answer["AccessKeyId"],
                "secret_key": answer["SecretAccessKey"],
                "token": answer["SessionToken"],
                "expiry_time": answer["Expiration"].isoformat(),
            }

        try:
            credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "sts-assume-role")
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(f"cannot assume {role.arn}: {error}") from error
        assumed: Any = Session()
        # Session.set_credentials takes no credentials that renew themselves.
        assumed._credentials = credentials
        return assumed

    def _check_account(self, session: Any) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        settings = self.configuration
        try:
            identity = self._make(session, "sts", settings.sts_region or settings.region).get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(f"cannot tell which account the credentials belong to: {error}") from error
        account = str(identity["Account"])
        allowed = settings.allowed_accounts
        if (allowed and account not in allowed) or account in settings.forbidden_accounts:
            raise ConfigurationError(
                f"AWS account {account} is not allowed: allowedAccountIds {sorted(allowed)},"
                f" forbiddenAccountIds {sorted(settings.forbidden_accounts)}; credentials of {identity['Arn']}"
            )
        return account

    def _make(self, session: Any, service: str, region: str) -> Any:
        from botocore.config import Config

        settings = self.configuration
        retries: Any = {"mode": settings.retry_mode or "standard"}
        if settings.max_attempts:
            retries["total_max_attempts"] = settings.max_attempts + 1
        config = Config(
            retries=retries,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if settings.path_style else None,
            user_agent_extra="golden-ami-local-provider",
        )
        verify = None if settings.verifies_certificates else False
        return session.create_client(service, region_name=region, config=config, verify=verify)
