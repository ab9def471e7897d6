"""Keys of queues and topics: whoever sends to an encrypted one, or receives from it, must be allowed its key.

Source: SQS Developer Guide, "Key management"; SNS Developer Guide, "Managing encryption keys". ministack keeps the
messages and decides on the permissions of SQS and SNS; it never asks for the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.cloud import protocol
from local.cloud.call import Call, ServiceError
from local.cloud.gateway import Gateway
from local.cloud.guard import SignedRequest
from local.cloud.keys.service import Keys

SEND = ("kms:GenerateDataKey", "kms:Decrypt")
RECEIVE = ("kms:Decrypt",)

USES = {
    ("sns", "Publish"): SEND,
    ("sns", "PublishBatch"): SEND,
    ("sqs", "ReceiveMessage"): RECEIVE,
    ("sqs", "SendMessage"): SEND,
    ("sqs", "SendMessageBatch"): SEND,
}
"""What an operation does with the key."""

REFUSED = {"sns": "KMSAccessDenied", "sqs": "KMS.AccessDeniedException"}
"""Error codes of a use of a key that is refused."""


@dataclass(frozen=True)
class _Place:
    """An encrypted queue or topic."""

    arn: str
    key_id: str
    encryption_context: dict[str, str]


class Messages:
    """Decides on the keys of messages."""

    services = frozenset({"sns", "sqs"})

    def __init__(self, gateway: Gateway, keys: Keys) -> None:
        self._gateway = gateway
        self._keys = keys
        self._places: dict[str, Callable[[SignedRequest, dict[str, Any]], _Place | None]] = {
            "sns": self._topic,
            "sqs": self._queue,
        }

    def check(self, signed: SignedRequest) -> None:
        """Raise `ServiceError` where the caller may not use the key of what it sends or receives."""
        operation = protocol.operation_of(signed.service, signed.request)
        actions = USES.get((signed.service, operation.name)) if operation else None
        if operation is None or not actions or signed.caller.is_root:
            return
        try:
            place = self._places[signed.service](signed, protocol.parameters(operation, signed.request))
        except ServiceError:
            # Malformed, or nothing there: the service itself says so.
            return
        if place is None or "alias/aws/" in place.key_id:
            # The services' own keys are open to whoever the services admit.
            return
        region = place.arn.split(":")[3]
        for action in actions:
            call = Call(
                "kms",
                action.removeprefix("kms:"),
                region,
                signed.caller,
                {"KeyId": place.key_id, "EncryptionContext": place.encryption_context},
                {"kms:ViaService": f"{signed.service}.{region}.amazonaws.com"},
            )
            try:
                self._keys.allow(call, action, place.key_id)
            except ServiceError as error:
                raise ServiceError(REFUSED[signed.service], error.message) from error

    def _queue(self, signed: SignedRequest, parameters: dict[str, Any]) -> _Place | None:
        url: str = parameters["QueueUrl"]
        stated = urlsplit(url).path.strip("/").split("/")[0]
        account = stated if stated.isdigit() else signed.caller.account
        asked = {"QueueUrl": url, "AttributeNames": ["KmsMasterKeyId", "QueueArn"]}
        call = Call("sqs", "GetQueueAttributes", signed.region, signed.caller, asked)
        found: dict[str, str] = self._gateway.forward(call, account).get("Attributes", {})
        key_id = found.get("KmsMasterKeyId")
        return _Place(found["QueueArn"], key_id, {"aws:sqs:arn": found["QueueArn"]}) if key_id else None

    def _topic(self, signed: SignedRequest, parameters: dict[str, Any]) -> _Place | None:
        arn: str | None = parameters.get("TopicArn")
        if not arn:
            return None
        call = Call("sns", "GetTopicAttributes", signed.region, signed.caller, {"TopicArn": arn})
        key_id = self._gateway.forward(call, arn.split(":")[4])["Attributes"].get("KmsMasterKeyId")
        return _Place(arn, key_id, {"aws:sns:topicArn": arn}) if key_id else None
