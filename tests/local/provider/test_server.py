"""The plugin on the wire, as the engine speaks to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from local.provider.errors import HalfMadeError
from local.provider.requests import Provider
from local.provider.server import VERSION, serve
from local.provider.values import Secret, decode, encode

KEY = "urn:pulumi:dev::golden-ami::aws:kms/key:Key::images"


@pytest.fixture
def engine() -> Iterator[Any]:
    server, port = serve()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(grace=None).wait()


def test_the_plugin_accepts_secrets_and_outputs_and_tells_its_version(engine: Any) -> None:
    answer = engine.Handshake(messages.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    assert answer.accept_secrets
    assert answer.accept_outputs
    assert engine.GetPluginInfo(empty_pb2.Empty()).version == VERSION


def test_unsupported_settings_are_failures_of_the_providers_check(engine: Any) -> None:
    answer = engine.CheckConfig(messages.CheckRequest(news=encode({"useFipsEndpoint": "true"})))
    assert [(item.property, item.reason) for item in answer.failures] == [
        ("useFipsEndpoint", "useFipsEndpoint: not supported by the local aws provider")
    ]


def test_a_check_fills_in_the_name_and_keeps_secrets(engine: Any) -> None:
    request = messages.CheckRequest(
        urn="urn:pulumi:dev::p::aws:sqs/queue:Queue::letters",
        news=encode({"policy": Secret("{}")}),
        randomSeed=b"seed",
    )
    inputs = decode(engine.Check(request).inputs)
    assert inputs["name"].startswith("letters-")
    assert inputs["policy"] == Secret("{}")


def test_an_error_is_a_message_without_a_traceback(engine: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        engine.Check(messages.CheckRequest(urn="urn:pulumi:dev::p::aws:rds/cluster:Cluster::db"))
    assert error.value.code() == grpc.StatusCode.UNKNOWN
    assert str(error.value.details()).startswith("aws:rds/cluster:Cluster is not supported")


def test_calls_of_methods_are_not_implemented(engine: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        engine.Call(messages.CallRequest(tok="aws:x:y"))
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_half_made_resource_reaches_the_engine_with_its_id_and_state(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(self: Provider, urn: str, inputs: Any, preview: bool) -> Any:
        raise HalfMadeError("k-1", {"arn": "a", "policy": Secret("p")}, inputs, "tagging was refused")

    monkeypatch.setattr(Provider, "create", create)
    with pytest.raises(grpc.RpcError) as error:
        engine.Create(messages.CreateRequest(urn=KEY, properties=encode({"description": "d"})))
    answered: Any = error.value
    metadata = dict(answered.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = messages.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id == "k-1"
    assert list(detail.reasons) == ["tagging was refused"]
    assert decode(detail.properties) == {"arn": "a", "policy": Secret("p")}
    assert decode(detail.inputs) == {"description": "d"}
