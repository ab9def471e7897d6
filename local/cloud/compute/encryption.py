"""Use of KMS keys by EBS, with the permissions of whoever asks EC2.

EC2 calls KMS with its caller's permissions, as the service through which it is called (`kms:ViaService`); grants are
for AWS resources (EBS User Guide, "How Amazon EBS encryption works" and "Permissions for encryption").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.cloud.call import Call, ServiceError
from local.cloud.compute.records import Encryption
from local.cloud.gateway import Gateway, service_error

GRANT_OPERATIONS = ["Decrypt"]
"""What EC2 needs of the key for as long as a volume is attached."""


class KeyUse:
    """Makes the KMS calls that EBS makes for a caller; each raises `ServiceError` as KMS refuses."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def attach(self, call: Call, source: Encryption | None, key_arn: str) -> Encryption:
        """Make the data key of a volume from a snapshot's, and let EC2 use it."""
        if source and source.key_arn == key_arn:
            self._describe(call, key_arn)
            self._decrypt(call, source)
            made = source
        else:
            made = self._rewrap(call, source, key_arn)
        self._grant(call, made.key_arn)
        return made

    def copy(self, call: Call, source: Encryption | None, key_arn: str) -> Encryption:
        """Make the data key of a copied snapshot: read under the source's key, written under the new one.

        Both calls are made in the Region of their key: a copy needs the use of both.
        """
        made = self._rewrap(call, source, key_arn)
        self._grant(call, made.key_arn)
        return made

    def grant(self, call: Call, key_arn: str, grantee: str, operations: Sequence[str]) -> None:
        """Give a role of the caller's account the use of a key, as a service does for its resources."""
        self._call(call, key_arn, "create_grant", KeyId=key_arn, GranteePrincipal=grantee, Operations=list(operations))

    def _rewrap(self, call: Call, source: Encryption | None, key_arn: str) -> Encryption:
        key_arn = self._describe(call, key_arn)
        # Within a Region KMS itself rewraps, unless a default key has a part in it: those are not kept in KMS here.
        default = _is_default(key_arn) or (source is not None and source.is_default_key)
        if source and not default and _region(source.key_arn) == _region(key_arn):
            answer = self._call(
                call,
                key_arn,
                "re_encrypt",
                CiphertextBlob=source.wrapped_data_key,
                SourceKeyId=source.key_arn,
                DestinationKeyId=key_arn,
            )
            return Encryption(key_arn, answer["CiphertextBlob"])
        if source:
            self._decrypt(call, source)
        answer = self._call(call, key_arn, "generate_data_key_without_plaintext", KeyId=key_arn, KeySpec="AES_256")
        return Encryption(key_arn, answer["CiphertextBlob"])

    def _describe(self, call: Call, key_arn: str) -> str:
        """The key's own ARN, also behind an alias: what EC2 stores, and the only name that grants take."""
        metadata = self._call(call, key_arn, "describe_key", KeyId=key_arn)["KeyMetadata"]
        if metadata["KeyState"] != "Enabled":
            raise ServiceError("KMSInvalidStateException", f"{key_arn} is {metadata['KeyState']}.")
        return metadata.get("Arn", key_arn)

    def _decrypt(self, call: Call, source: Encryption) -> None:
        if not source.is_default_key:
            self._call(call, source.key_arn, "decrypt", CiphertextBlob=source.wrapped_data_key, KeyId=source.key_arn)

    def _grant(self, call: Call, key_arn: str) -> None:
        grantee = f"arn:aws:sts::{call.caller.account}:assumed-role/aws:ec2-infrastructure/volume"
        self._call(call, key_arn, "create_grant", KeyId=key_arn, GranteePrincipal=grantee, Operations=GRANT_OPERATIONS)

    def _call(self, call: Call, key_arn: str, method: str, **arguments: Any) -> Any:
        if _is_default(key_arn):
            # AWS's own key of the caller's account: every principal there may use it through EC2.
            return {"KeyMetadata": {"KeyState": "Enabled"}, "CiphertextBlob": b""}
        region = _region(key_arn)
        client = self._gateway.key_client(call.caller.credentials, region, f"ec2.{region}.amazonaws.com")
        try:
            return getattr(client, method)(**arguments)
        except ClientError as error:
            raise service_error(error) from error


def key_arn_of(key_id: str | None, account: str, region: str) -> str:
    """The ARN that EC2 makes of a `KmsKeyId`: left out, the account's default key; a bare id, the caller's own key."""
    if not key_id:
        return f"arn:aws:kms:{region}:{account}:alias/aws/ebs"
    if key_id.startswith("arn:"):
        return key_id
    kind = "" if key_id.startswith("alias/") else "key/"
    return f"arn:aws:kms:{region}:{account}:{kind}{key_id}"


def _is_default(key_arn: str) -> bool:
    return Encryption(key_arn).is_default_key


def _region(arn: str) -> str:
    return arn.split(":")[3]
