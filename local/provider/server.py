"""The plugin on the wire: Pulumi's `ResourceProvider` service (developer documentation, "Resource providers")."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable, Iterable
from concurrent import futures
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as messages

from local.provider.changes import Changes
from local.provider.checking import Fault
from local.provider.errors import HalfMadeError, ProviderError
from local.provider.requests import Provider
from local.provider.values import decode, encode

VERSION = "7.51.1"
"""Version of pulumi-aws whose declarations the plugin follows."""

THREADS = 32
"""Requests at a time; the engine's own default is 16 operations, and more wait for AWS than work."""

MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024

Answer = TypeVar("Answer")


def _explained(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Turn the plugin's errors into gRPC's, a half-made resource with the details that the engine records."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except HalfMadeError as error:
            detail = any_pb2.Any()
            detail.Pack(
                messages.ErrorResourceInitFailed(
                    id=error.resource_id,
                    properties=encode(error.properties),
                    reasons=[str(error)],
                    inputs=encode(error.inputs),
                )
            )
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except (ProviderError, NotImplementedError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            # A fault of the plugin itself: the engine shows the message, the log holds where it came from.
            traceback.print_exc(file=sys.stderr)
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
        raise AssertionError("abort raises")

    return answer


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Decodes requests and encodes answers; decides nothing."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @_explained
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Agree on what values look like."""
        return messages.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True, supports_autonaming_configuration=False
        )

    @_explained
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    @_explained
    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Name the package; programs use the SDK's own schema."""
        return messages.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    @_explained
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Check a provider's settings."""
        inputs, faults = self._provider.check_config(decode(request.news))
        return messages.CheckResponse(inputs=encode(inputs), failures=_failures(faults))

    @_explained
    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Compare a provider's settings."""
        return _diff(self._provider.diff_config(decode(request.news), decode(request.old_inputs)))

    @_explained
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Take a provider's settings."""
        self._provider.configure(decode(request.args))
        return messages.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    @_explained
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Complete and check a resource's inputs."""
        inputs, faults = self._provider.check(
            request.urn, request.randomSeed, decode(request.news), decode(request.olds)
        )
        return messages.CheckResponse(inputs=encode(inputs), failures=_failures(faults))

    @_explained
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Compare a resource's inputs with its state."""
        return _diff(
            self._provider.diff(
                request.urn,
                decode(request.news),
                decode(request.olds),
                decode(request.old_inputs),
                request.ignoreChanges,
            )
        )

    @_explained
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Make a resource."""
        resource_id, outputs = self._provider.create(request.urn, decode(request.properties), request.preview)
        return messages.CreateResponse(id=resource_id, properties=encode(outputs))

    @_explained
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Read a resource for a refresh or an import."""
        resource_id, outputs, inputs = self._provider.read(
            request.urn, request.id, decode(request.properties), decode(request.inputs)
        )
        return messages.ReadResponse(id=resource_id, properties=encode(outputs), inputs=encode(inputs))

    @_explained
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Change a resource."""
        outputs = self._provider.update(
            request.urn,
            request.id,
            decode(request.news),
            decode(request.olds),
            decode(request.old_inputs),
            request.ignoreChanges,
            request.preview,
        )
        return messages.UpdateResponse(properties=encode(outputs))

    @_explained
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Delete a resource."""
        self._provider.delete(request.urn, request.id, decode(request.properties), decode(request.old_inputs))
        return empty_pb2.Empty()

    @_explained
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Call a function."""
        response = messages.InvokeResponse()
        # "return" is a word of Python's own.
        getattr(response, "return").CopyFrom(encode(self._provider.invoke(request.tok, decode(request.args))))
        return response

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Begin nothing further."""
        self._provider.cancel()
        return empty_pb2.Empty()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Accept the engine of a debugger."""
        return empty_pb2.Empty()


def _failures(faults: Iterable[Fault]) -> list[messages.CheckFailure]:
    return [messages.CheckFailure(property=fault.property, reason=fault.reason) for fault in faults]


def _diff(found: Changes) -> messages.DiffResponse:
    kinds = messages.PropertyDiff.Kind
    response = messages.DiffResponse(
        replaces=sorted(found.replaces),
        diffs=sorted(found.kinds),
        deleteBeforeReplace=found.delete_first,
        changes=messages.DiffResponse.DIFF_SOME if found.kinds else messages.DiffResponse.DIFF_NONE,
        hasDetailedDiff=True,
    )
    for name, kind in found.kinds.items():
        full = f"{kind}_REPLACE" if name in found.replaces else kind
        response.detailedDiff[name].kind = kinds.Value(full)
    return response


def serve(port: int = 0) -> tuple[grpc.Server, int]:
    """Start a plugin on a loopback port (0: any free one) and answer it with that port."""
    options = [
        ("grpc.max_receive_message_length", MAXIMUM_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAXIMUM_MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(Provider()), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, bound
