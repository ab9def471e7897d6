"""Values between the engine and the plugin: secrets, unknowns, outputs, assets and archives in Pulumi's wire form.

Source: Pulumi developer documentation, "Property values" (the signatures below are fixed by that protocol).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_SENTINELS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""One for each of string, bool, number, array and assets; the engine treats them alike."""

UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """What a preview does not know yet; there is one instance, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and never shows."""

    value: Any


@dataclass(frozen=True)
class Blob:
    """An asset or archive as the engine sent it; its hash tells contents apart."""

    wire: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of the content, computed by the engine."""
        return str(self.wire.get("hash", ""))

    @property
    def is_archive(self) -> bool:
        """Whether it holds named assets."""
        return self.wire[SIGNATURE] == ARCHIVE

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Blob):
            return NotImplemented
        return self.hash == other.hash if self.hash and other.hash else self.wire == other.wire

    def __hash__(self) -> int:
        return hash(self.hash)


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Turn a message of the engine into Python values with `Secret`, `UNKNOWN` and `Blob` inside."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_object({key: _decode(item) for key, item in value.struct_value.fields.items()})
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_SENTINELS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    return None


def _decode_object(fields: dict[str, Any]) -> Any:
    signature = fields.get(SIGNATURE)
    if signature is None:
        return fields
    if signature == SECRET:
        return _secret(fields["value"])
    if signature == OUTPUT:
        inner = fields.get("value", UNKNOWN)
        return _secret(inner) if fields.get("secret") is True else inner
    if signature in (ASSET, ARCHIVE):
        return Blob(fields)
    if signature == RESOURCE_REFERENCE:
        return fields.get("id", UNKNOWN)
    raise ValueError(f"the engine sent a value of unknown signature {signature}")


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Turn Python values into a message for the engine."""
    struct = struct_pb2.Struct()
    for key, value in values.items():
        struct.fields[key].CopyFrom(_encode(value))
    return struct


def _encode(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_ON_THE_WIRE)
    if isinstance(value, Secret):
        return _encode({SIGNATURE: SECRET, "value": value.value})
    if isinstance(value, Blob):
        return _encode(value.wire)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode({str(key): item for key, item in value.items()}))
    if isinstance(value, (list, tuple)):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encode(item) for item in value]))
    raise TypeError(f"a {type(value).__name__} has no form on the wire")


def reveal(value: Any) -> Any:
    """The value without its secrecy, at every depth: what AWS is given."""
    return _transform(value, lambda item: reveal(item.value) if isinstance(item, Secret) else item)


def contains_unknown(value: Any) -> bool:
    """Whether any part is not known yet."""
    return _any(value, lambda item: isinstance(item, Unknown))


def contains_secret(value: Any) -> bool:
    """Whether any part is secret."""
    return _any(value, lambda item: isinstance(item, Secret))


def keep_secret(outputs: Mapping[str, Any], *sources: Mapping[str, Any]) -> dict[str, Any]:
    """Mark each output as secret whose property is secret in one of the sources."""
    secrets = {key for source in sources for key, value in source.items() if contains_secret(value)}
    return {key: Secret(value) if key in secrets and value is not None else value for key, value in outputs.items()}


def _transform(value: Any, change: Callable[[Any], Any]) -> Any:
    value = change(value)
    if isinstance(value, Mapping):
        return {key: _transform(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_transform(item, change) for item in value]
    return value


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    if test(value):
        return True
    if isinstance(value, Secret):
        return _any(value.value, test)
    if isinstance(value, Mapping):
        return any(_any(item, test) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_any(item, test) for item in value)
    return False
