"""The operations of KMS for which access is decided here; ministack keeps the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud import identity
from local.cloud.call import Call, Caller, ServiceError
from local.cloud.gateway import Gateway, root
from local.cloud.journal import calling_service
from local.cloud.keys.decision import decide
from local.cloud.keys.grants import GrantBook, check_retiring
from local.cloud.keys.policies import check_policy
from local.cloud.service import Operation

KEY_ID_BYTES = 36
"""ministack begins a ciphertext with the id of its key."""


class Keys:
    """Decides on every use of a key, whoever owns it, and has the owner's account carry it out."""

    name = "kms"
    whole = False
    resource_of = None

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._owners: dict[str, str] = {}
        self._book = GrantBook(gateway)
        self.operations: Mapping[str, Operation] = {
            "CreateAlias": self._change_alias,
            "CreateGrant": self._create_grant,
            "CreateKey": self._create_key,
            "Decrypt": self._decrypt,
            "DeleteAlias": self._change_alias,
            "DescribeKey": self._on_key("DescribeKey"),
            "Encrypt": self._on_key("Encrypt"),
            "GenerateDataKey": self._on_key("GenerateDataKey"),
            "GenerateDataKeyWithoutPlaintext": self._on_key("GenerateDataKeyWithoutPlaintext"),
            "ListGrants": self._list_grants,
            "PutKeyPolicy": self._put_key_policy,
            "ReEncrypt": self._re_encrypt,
            "ReplicateKey": self._replicate_key,
            "RetireGrant": self._retire_grant,
            "RevokeGrant": self._on_key("RevokeGrant"),
            "UpdateAlias": self._change_alias,
        }

    def reset(self) -> None:
        """Forget whose keys are whose, and who made which grant."""
        self._owners.clear()
        self._book.clear()

    def _on_key(self, operation: str) -> Operation:
        def run(call: Call) -> dict[str, Any]:
            return self._use(call, f"kms:{operation}", call.parameters["KeyId"])

        return run

    def _use(self, call: Call, action: str, key_id: str) -> dict[str, Any]:
        return self._carry_out(call, self.allow(call, action, key_id))

    def _carry_out(self, call: Call, key_arn: str) -> dict[str, Any]:
        parameters = {name: value for name, value in call.parameters.items() if name != "GrantTokens"}
        return self._owner_does(call, call.operation, {**parameters, "KeyId": key_arn}, key_arn)

    def allow(self, call: Call, action: str, key_id: str) -> str:
        """The key's ARN, once the call may do this with it; raises `ServiceError`."""
        key_arn = self._key_arn(call, key_id)
        policy = self._owner_does(call, "GetKeyPolicy", {"KeyId": key_arn, "PolicyName": "default"}, key_arn)["Policy"]
        self._gateway.journal.decide(
            lambda: decide(
                call,
                action,
                key_arn,
                policy,
                _Lazy(lambda: self._book.of_caller(call, self._grants(call, key_arn))),
                lambda: self._aliases(call, key_arn),
            ),
            call.caller.arn,
            action,
            key_arn,
            service=calling_service(call.context),
        )
        self._owners[key_arn.rsplit("/", 1)[-1]] = key_arn.split(":")[4]
        return key_arn

    def allow_service(
        self,
        service: str,
        source_account: str,
        action: str,
        key_id: str,
        owner: str,
        region: str,
        context: Mapping[str, str],
    ) -> None:
        """Whether an AWS service may use a key in its own name; raises `ServiceError`.

        Only the key policy decides. `owner` is the account in which a key's id or alias is known, `context` the
        condition keys of the call.
        """
        call = Call("kms", action.removeprefix("kms:"), region, _root(owner), {})
        key_arn = self._key_arn(call, key_id)
        policy = self._owner_does(call, "GetKeyPolicy", {"KeyId": key_arn, "PolicyName": "default"}, key_arn)["Policy"]

        def decide_by_policy() -> None:
            if not identity.admits_service(policy, service, action, key_arn, context):
                because = f"because no resource-based policy allows the {action} action"
                message = f"{service} is not authorized to perform: {action} on resource: {key_arn} {because}"
                raise ServiceError("AccessDeniedException", message)

        self._gateway.journal.decide(
            decide_by_policy, service, action, key_arn, calling_service(context), source_account
        )

    def _aliases(self, call: Call, key_arn: str) -> list[str]:
        listed = self._owner_does(call, "ListAliases", {"KeyId": key_arn}, key_arn)["Aliases"]
        return [alias["AliasName"] for alias in listed]

    def _key_arn(self, call: Call, key_id: str) -> str:
        account = call.caller.account
        if key_id.startswith("arn:"):
            parts = key_id.split(":", 5)
            if len(parts) != 6 or parts[2] != "kms" or not parts[5].startswith(("key/", "alias/")):
                raise ServiceError("InvalidArnException", f"Invalid arn {key_id}")
            if parts[3] != call.region:
                raise ServiceError("NotFoundException", f"Invalid arn {parts[3]}")
            account = parts[4]
            if parts[5].startswith("key/"):
                self._exists(call, key_id, account)
                return key_id
        return self._exists(call, key_id, account)

    def _exists(self, call: Call, key_id: str, account: str) -> str:
        described = Call("kms", "DescribeKey", call.region, call.caller, {"KeyId": key_id})
        try:
            return self._gateway.forward(described, account)["KeyMetadata"]["Arn"]
        except ServiceError as error:
            if error.code != "NotFoundException":
                raise
            shown = key_id if ":" in key_id else f"arn:aws:kms:{call.region}:{account}:key/{key_id}"
            kind = "Alias" if "alias/" in key_id else "Key"
            raise ServiceError("NotFoundException", f"{kind} '{shown}' does not exist") from error

    def _grants(self, call: Call, key_arn: str) -> list[Mapping[str, Any]]:
        grants: list[Mapping[str, Any]] = []
        parameters: dict[str, Any] = {"KeyId": key_arn, "Limit": 100}
        while True:
            page = self._owner_does(call, "ListGrants", parameters, key_arn)
            grants += page["Grants"]
            if not page.get("Truncated"):
                return grants
            parameters["Marker"] = page["NextMarker"]

    def _owner_does(self, call: Call, operation: str, parameters: dict[str, Any], key_arn: str) -> dict[str, Any]:
        return self._gateway.forward(
            Call("kms", operation, call.region, call.caller, parameters), key_arn.split(":")[4], key_arn.split(":")[3]
        )

    def _create_grant(self, call: Call) -> dict[str, Any]:
        key_arn = self.allow(call, "kms:CreateGrant", call.parameters["KeyId"])
        grantee = self._book.grantee_of(call)
        made = self._carry_out(call, key_arn)
        self._book.note(call, key_arn, made, grantee)
        return made

    def _list_grants(self, call: Call) -> dict[str, Any]:
        answer = self._use(call, "kms:ListGrants", call.parameters["KeyId"])
        return {**answer, "Grants": [self._book.shown(grant) for grant in answer["Grants"]]}

    def _retire_grant(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        if "GrantToken" in parameters:
            key_arn, grant_id = self._book.behind(parameters["GrantToken"])
        elif {"KeyId", "GrantId"} <= set(parameters):
            key_arn, grant_id = self._key_arn(call, parameters["KeyId"]), parameters["GrantId"]
        else:
            raise ServiceError("ValidationException", "Specify a GrantToken, or both a KeyId and a GrantId.")
        grant = next((one for one in self._grants(call, key_arn) if one["GrantId"] == grant_id), None)
        if grant is None:
            raise ServiceError("NotFoundException", f"Grant ID {grant_id} not found")
        shown = self._book.shown(grant)
        self._gateway.journal.decide(
            lambda: check_retiring(call, key_arn, shown),
            call.caller.arn,
            "kms:RetireGrant",
            key_arn,
            service=calling_service(call.context),
        )
        asked = {"KeyId": key_arn, "GrantId": grant_id, "DryRun": parameters.get("DryRun", False)}
        return self._owner_does(call, "RetireGrant", asked, key_arn)

    def _decrypt(self, call: Call) -> dict[str, Any]:
        return self._carry_out(call, self._key_that_opens(call, "kms:Decrypt", call.parameters.get("KeyId")))

    def _key_that_opens(self, call: Call, action: str, stated: str | None) -> str:
        """ARN of a ciphertext's key, once the call may use it; a call that states another key is refused."""
        key_arn = self.allow(call, action, stated or self._key_of(call))
        named = call.parameters["CiphertextBlob"][:KEY_ID_BYTES].decode(errors="replace")
        if named in self._owners and named != key_arn.rsplit("/", 1)[-1]:
            # ministack would open it under the wrong key and answer with noise.
            message = "The key ID in the request does not identify a CMK that can perform this operation."
            raise ServiceError("IncorrectKeyException", message)
        return key_arn

    def _key_of(self, call: Call) -> str:
        """The key that a ciphertext names; symmetric ciphertexts need no key id beside them."""
        try:
            key_id = call.parameters["CiphertextBlob"][:KEY_ID_BYTES].decode()
        except UnicodeDecodeError:
            key_id = ""
        owner = self._owners.get(key_id)
        if owner is None:
            raise ServiceError("InvalidCiphertextException", "")
        return f"arn:aws:kms:{call.region}:{owner}:key/{key_id}"

    def _re_encrypt(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        source = self._key_that_opens(call, "kms:ReEncryptFrom", parameters.get("SourceKeyId"))
        destination = self.allow(call, "kms:ReEncryptTo", parameters["DestinationKeyId"])
        opened = {"KeyId": source, "CiphertextBlob": parameters["CiphertextBlob"]}
        if "SourceEncryptionContext" in parameters:
            opened["EncryptionContext"] = parameters["SourceEncryptionContext"]
        plaintext = self._owner_does(call, "Decrypt", opened, source)["Plaintext"]
        closed = {"KeyId": destination, "Plaintext": plaintext}
        if "DestinationEncryptionContext" in parameters:
            closed["EncryptionContext"] = parameters["DestinationEncryptionContext"]
        made = self._owner_does(call, "Encrypt", closed, destination)
        return {
            "CiphertextBlob": made["CiphertextBlob"],
            "SourceKeyId": source,
            "KeyId": destination,
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    def _create_key(self, call: Call) -> dict[str, Any]:
        self._gateway.authorize(call.caller, "kms:CreateKey", "*", call.region, _tag_keys(call))
        if "Policy" in call.parameters:
            check_policy(call, call.parameters["Policy"], self._any_key(call, call.region), self._gateway)
        made = self._gateway.forward(_without_check(call))
        self._owners[made["KeyMetadata"]["KeyId"]] = call.caller.account
        return made

    def _put_key_policy(self, call: Call) -> dict[str, Any]:
        key_arn = self.allow(call, "kms:PutKeyPolicy", call.parameters["KeyId"])
        check_policy(call, call.parameters["Policy"], key_arn, self._gateway)
        return self._owner_does(call, "PutKeyPolicy", _without_check(call).parameters, key_arn)

    def _replicate_key(self, call: Call) -> dict[str, Any]:
        """ReplicateKey needs itself on the primary, and CreateKey in the replica's Region."""
        replica_region = call.parameters["ReplicaRegion"]
        key_arn = self.allow(call, "kms:ReplicateKey", call.parameters["KeyId"])
        self._gateway.authorize(call.caller, "kms:CreateKey", "*", replica_region, _tag_keys(call))
        if "Policy" in call.parameters:
            there = Call("kms", call.operation, replica_region, call.caller, call.parameters)
            check_policy(there, call.parameters["Policy"], self._any_key(call, replica_region), self._gateway)
        return self._owner_does(call, "ReplicateKey", _without_check(call).parameters, key_arn)

    def _change_alias(self, call: Call) -> dict[str, Any]:
        """An alias needs the action on itself and on its key (KMS Developer Guide, "Controlling access to aliases")."""
        alias = call.parameters["AliasName"]
        arn = f"arn:aws:kms:{call.region}:{call.caller.account}:{alias}"
        self._gateway.authorize(call.caller, f"kms:{call.operation}", arn, call.region)
        if call.operation != "CreateAlias":
            self.allow(call, f"kms:{call.operation}", alias)
        if "TargetKeyId" in call.parameters:
            self.allow(call, f"kms:{call.operation}", call.parameters["TargetKeyId"])
        return self._gateway.forward(call)

    @staticmethod
    def _any_key(call: Call, region: str) -> str:
        return f"arn:aws:kms:{region}:{call.caller.account}:key/*"


class _Lazy:
    """Grants that are only looked up where the policies do not allow."""

    def __init__(self, read: Callable[[], list[Mapping[str, Any]]]) -> None:
        self._read = read

    def __iter__(self) -> Any:
        return iter(self._read())


def _root(account: str) -> Caller:
    return Caller(account, f"arn:aws:iam::{account}:root", root(account))


def _tag_keys(call: Call) -> dict[str, Any]:
    tags = {tag["TagKey"]: tag["TagValue"] for tag in call.parameters.get("Tags", [])}
    keys: dict[str, Any] = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    return {**keys, "aws:TagKeys": list(tags)} if tags else keys


def _without_check(call: Call) -> Call:
    parameters = {name: value for name, value in call.parameters.items() if name != "BypassPolicyLockoutSafetyCheck"}
    return Call(call.service, call.operation, call.region, call.caller, parameters)
