"""An `aws` plugin without AWS: it keeps every resource as asked, and tells its ARN only once it is made."""

from __future__ import annotations

from concurrent import futures
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine's protocol writes a string that only the update will know."""


class MemoryProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers what an engine asks during a first preview and update."""

    def GetPluginInfo(self, request: Empty, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        identity = str(uuid4())
        kind = request.urn.split("::")[2]
        service = kind.rpartition("$")[2].split(":")[1].split("/")[0]
        properties = Struct()
        made = f"arn:aws:{service}:us-east-1:111111111111:key/{identity}"
        properties.update({"arn": UNKNOWN_STRING if request.preview else made})
        properties.MergeFrom(request.properties)
        return provider_pb2.CreateResponse(id="" if request.preview else identity, properties=properties)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor())
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(MemoryProvider(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()
