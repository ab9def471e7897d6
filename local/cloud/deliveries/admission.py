"""Whether the policy of a function, queue, topic or key admits a service that delivers something to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import lambda_svc, sns, sqs

from local.cloud import identity
from local.cloud.call import ServiceError
from local.cloud.gateway import Gateway
from local.cloud.keys.service import Keys

EVENTS = "events.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
S3 = "s3.amazonaws.com"

QUEUE_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
"""What whoever sends to an encrypted queue or topic needs (SQS Developer Guide, "Key management"; SNS likewise)."""


@dataclass(frozen=True)
class Sender:
    """A service, and the resource on whose account it delivers: a rule, a bucket, a topic or an alarm."""

    service: str
    source_arn: str
    account: str

    @property
    def context(self) -> dict[str, str]:
        """The condition keys of its calls (IAM User Guide, "AWS global condition context keys")."""
        return {
            "aws:SourceArn": self.source_arn,
            "aws:SourceAccount": self.account,
            # Older policies of topics and queues name the account so.
            "aws:SourceOwner": self.account,
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": self.service,
        }


class Admission:
    """Decides by the stored policies, and writes each decision down under the service's own name.

    Every method raises `ServiceError`: AccessDeniedException, or ResourceNotFoundException where nothing is there.
    """

    def __init__(self, gateway: Gateway, keys: Keys) -> None:
        self._gateway = gateway
        self._keys = keys

    def function(self, arn: str, sender: Sender) -> None:
        """A service invokes a function (Lambda Developer Guide, "Granting function access to AWS services")."""
        with _scope_of(arn):
            found: Any = lambda_svc.function_policy_for_arn(arn)
        self._decide("lambda:InvokeFunction", arn, found, sender)

    def queue(self, arn: str, sender: Sender) -> None:
        """A service sends a message to a queue, whatever its encryption."""
        self._decide("sqs:SendMessage", arn, sqs.queue_policy_for_arn(arn), sender)

    def topic(self, arn: str, sender: Sender) -> None:
        """A service publishes to a topic, whatever its encryption."""
        self._decide("sns:Publish", arn, sns.topic_policy_for_arn(arn), sender)

    def queue_key(self, arn: str, sender: Sender) -> None:
        """A service sends to a queue that may be encrypted; not to be called on the server's loop."""
        found: Any = sqs._queue_by_arn(arn)  # pyright: ignore[reportPrivateUsage]
        self._use_key(arn, found, sender, {"aws:sqs:arn": arn})

    def topic_key(self, arn: str, sender: Sender) -> None:
        """A service publishes to a topic that may be encrypted; not to be called on the server's loop."""
        found: Any = sns._topic_by_arn_any_scope(arn)  # pyright: ignore[reportPrivateUsage]
        self._use_key(arn, found, sender, {"aws:sns:topicArn": arn})

    def _decide(self, action: str, arn: str, found: tuple[Any, Any] | None, sender: Sender) -> None:
        def decide() -> None:
            if found is None:
                raise ServiceError("ResourceNotFoundException", f"{arn} does not exist.", 404)
            if not identity.admits_service(found[0], sender.service, action, arn, sender.context):
                because = f"because no resource-based policy allows the {action} action"
                message = f"{sender.service} is not authorized to perform: {action} on resource: {arn} {because}"
                raise ServiceError("AccessDeniedException", message, 403)

        self._gateway.journal.decide(decide, sender.service, action, arn, account=sender.account)

    def _use_key(self, arn: str, found: Any, sender: Sender, encryption_context: dict[str, str]) -> None:
        key_id: str | None = found and found["attributes"].get("KmsMasterKeyId")
        if not key_id:
            return
        service, region, owner = arn.split(":")[2:5]
        context = {**sender.context, "kms:ViaService": f"{service}.{region}.amazonaws.com"}
        context |= {f"kms:EncryptionContext:{name}": value for name, value in encryption_context.items()}
        for action in QUEUE_KEY_ACTIONS:
            self._keys.allow_service(sender.service, sender.account, action, key_id, owner, region, context)


def _scope_of(arn: str) -> Any:
    """Functions are kept by the account and Region of the running request."""
    region, account = arn.split(":")[3:5]
    return request_scope(account, region)
