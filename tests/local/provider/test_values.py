"""Values survive the wire, with their secrecy and what is not known yet."""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from local.provider.values import (
    ARCHIVE,
    ASSET,
    OUTPUT,
    SIGNATURE,
    UNKNOWN,
    Blob,
    Secret,
    contains_secret,
    contains_unknown,
    decode,
    encode,
    keep_secret,
    reveal,
)

plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    plain | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def wire(value: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(value)
    return struct


@given(st.dictionaries(st.text(max_size=8), values | values.map(Secret), max_size=5))
def test_what_is_encoded_decodes_to_the_same(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == properties


def test_an_output_that_is_known_is_its_value_and_keeps_its_secrecy() -> None:
    decoded = decode(
        wire(
            {
                "known": {SIGNATURE: OUTPUT, "value": "a"},
                "secret": {SIGNATURE: OUTPUT, "value": "b", "secret": True},
                "open": {SIGNATURE: OUTPUT, "dependencies": ["urn"]},
            }
        )
    )
    assert decoded == {"known": "a", "secret": Secret("b"), "open": UNKNOWN}


def test_archives_with_the_same_hash_are_the_same_wherever_they_lie() -> None:
    one = Blob({SIGNATURE: ARCHIVE, "hash": "abc", "path": "here.zip"})
    other = Blob({SIGNATURE: ARCHIVE, "hash": "abc", "path": "there.zip"})
    assert one == other
    assert one != Blob({SIGNATURE: ARCHIVE, "hash": "def", "path": "here.zip"})


def test_an_archive_goes_back_as_it_came() -> None:
    message = wire({"code": {SIGNATURE: ARCHIVE, "assets": {"a.py": {SIGNATURE: ASSET, "text": "x"}}}})
    assert encode(decode(message)) == message


def test_secrets_are_revealed_at_every_depth() -> None:
    assert reveal({"a": [Secret({"b": Secret("c")})]}) == {"a": [{"b": "c"}]}
    assert contains_secret({"a": [Secret("b")]})
    assert not contains_secret({"a": ["b"]})


def test_unknowns_are_found_inside_secrets() -> None:
    assert contains_unknown({"a": Secret([UNKNOWN])})
    assert not contains_unknown({"a": Secret(["b"])})


def test_an_output_is_secret_where_any_part_of_its_input_is() -> None:
    outputs = keep_secret(
        {"environment": {"KEY": "v"}, "name": "n"}, {"environment": {"KEY": Secret("v")}, "name": "n"}
    )
    assert outputs == {"environment": Secret({"KEY": "v"}), "name": "n"}
