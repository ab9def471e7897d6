"""How the local cloud's services reach each other and ministack: always by AWS calls, with somebody's credentials."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any, cast

from botocore import xform_name
from botocore.exceptions import ClientError

from local.cloud import identity
from local.cloud.call import Call, Caller, Credentials, ServiceError
from local.cloud.clock import Clock
from local.cloud.in_process import Application, Transport
from local.cloud.journal import Journal, calling_service

CONTEXT_HEADER = "x-golden-ami-context"
"""Carries condition keys of a service that calls on somebody's behalf; only this process knows its token."""

SERVICE_HEADER = "x-golden-ami-service"
"""Names a service that calls with a role's credentials, for the journal; only this process knows its token."""


class Gateway:
    """Calls into the cloud from within: through the front, or to ministack beneath it."""

    def __init__(
        self,
        front: Application,
        beneath: Application,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        journal: Journal | None = None,
    ) -> None:
        self._front = Transport(front, loop)
        self._beneath = Transport(beneath, loop)
        self._loop = loop
        self._token = secrets.token_urlsafe(24)
        self.clock = clock
        self.journal = journal or Journal()

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        """A client for anybody's credentials, through the whole front."""
        return self._front.client(service, region, credentials)

    def root_client(self, service: str, account: str, region: str) -> Any:
        """A client for an account's root: for what an account holds from its beginning, and the cloud's look-ups."""
        return self._front.client(service, region, root(account))

    def service_client(self, service: str, region: str, credentials: Credentials, principal: str) -> Any:
        """A client for an AWS service that works with a role's credentials; `principal` is the service's own name."""
        return self._front.client(service, region, credentials, {SERVICE_HEADER: f"{self._token};{principal}"})

    def key_client(self, credentials: Credentials, region: str, via_service: str | None) -> Any:
        """A KMS client; `via_service` is the AWS service that calls for its caller (`ec2.us-east-1.amazonaws.com`)."""
        headers: dict[str, str] = {}
        if via_service:
            headers[CONTEXT_HEADER] = f"{self._token};{json.dumps({'kms:ViaService': via_service})}"
        return self._front.client("kms", region, credentials, headers)

    def context(self, header: str | None) -> dict[str, str]:
        """Condition keys that a request carries, if a service of this process made it."""
        text = self.vouched(header)
        return json.loads(text) if text else {}

    def vouched(self, header: str | None) -> str | None:
        """What a header of a request says beside its token, if a service of this process made it."""
        token, _, text = (header or "").partition(";")
        return text if secrets.compare_digest(token.encode(), self._token.encode()) else None

    def forward(self, call: Call, account: str | None = None, region: str | None = None) -> dict[str, Any]:
        """Send a call to ministack beneath the front, as the root of the caller's or a given account.

        Access has been decided before. Raises `ServiceError` with ministack's own code.
        """
        credentials = root(account or call.caller.account)
        client = self._beneath.client(call.service, region or call.region, credentials)
        try:
            answer = getattr(client, xform_name(call.operation))(**call.parameters)
        except ClientError as error:
            raise service_error(error) from error
        answer.pop("ResponseMetadata", None)
        return answer

    def assume_role(self, credentials: Credentials, role_arn: str, session_name: str) -> Credentials:
        """A role's temporary credentials for a caller; raises `ServiceError` as STS refuses."""
        client = self.client("sts", "us-east-1", credentials)
        try:
            found = client.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
        except ClientError as error:
            raise service_error(error) from error
        return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def assume_service_role(
        self, role_arn: str, service_principal: str, session_name: str, context: Mapping[str, str] | None = None
    ) -> Credentials:
        """A role's temporary credentials for an AWS service, where the role exists and its trust policy admits it.

        Raises `ServiceError` (AccessDenied) otherwise, in STS's words.
        """
        account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        refused = ServiceError(
            "AccessDenied",
            f"User: {service_principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
            403,
        )

        def decide() -> None:
            try:
                found = self.root_client("iam", account, "us-east-1").get_role(RoleName=role)["Role"]
            except ClientError as error:
                raise refused from error
            trust = found["AssumeRolePolicyDocument"]
            if not identity.trusts_service(trust, service_principal, role_arn, context or {}):
                raise refused

        self.journal.decide(decide, service_principal, "sts:AssumeRole", role_arn, account=account)
        return identity.service_session(role_arn, session_name, self.clock.now().timestamp())

    def authorize(
        self,
        caller: Caller | Credentials,
        action: str,
        resource_arn: str,
        region: str,
        context: Mapping[str, Any] | None = None,
        code: str = "AccessDeniedException",
    ) -> None:
        """Hold an action against the caller's identity policies; raises `ServiceError` with AWS's words."""
        known = caller if isinstance(caller, Caller) else identity.caller_of(caller)
        keys = context or {}
        self.journal.decide(
            lambda: identity.authorize(known.credentials.access_key_id, action, resource_arn, region, keys, code),
            known.arn,
            action,
            resource_arn,
            service=calling_service(keys),
        )

    def put_service_event(
        self, account: str, region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]
    ) -> None:
        """Put an event of an AWS service onto an account's default bus."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Resources": resources,
            "Detail": json.dumps(detail),
        }
        future = asyncio.run_coroutine_threadsafe(_put_event(account, region, entry), self._loop)
        future.result()


def root(account: str) -> Credentials:
    """Credentials of an account's root: ministack takes the account's id as its access key."""
    return Credentials(account, "root")


def service_error(error: ClientError) -> ServiceError:
    """A refused call as an error to hand on."""
    details = cast(dict[str, Any], error.response)
    status = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return ServiceError(details["Error"].get("Code", "InternalFailure"), details["Error"].get("Message", ""), status)


async def _put_event(account: str, region: str, entry: dict[str, Any]) -> None:
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import eventbridge

    set_request_account_id(account)
    set_request_region(region)
    # The public operation refuses `aws.` sources, as AWS does; this is how ministack's own services put theirs.
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # pyright: ignore[reportPrivateUsage]
