"""AWS's wire protocols: which operation a request means, its parameters, and how an answer is written."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.session
from botocore.validate import ParamValidator
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.datastructures import Headers, MultiDict

from local.cloud.call import ServiceError

VALIDATION_CODE = {"ec2": "InvalidParameterValue", "query": "ValidationError"}
"""Error code of a request that does not fit its shape, by protocol; `ValidationException` for the JSON ones."""


@dataclass(frozen=True)
class HttpRequest:
    """A request as it arrived: the path is still escaped; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


OTHER_NAMES = {"states": "stepfunctions"}
"""Services whose name in signatures is not botocore's."""


@cache
def service_model(service: str) -> ServiceModel:
    """A service's model, as botocore has it."""
    loader = botocore.session.get_session().get_component("data_loader")
    name = OTHER_NAMES.get(service, service)
    return ServiceModel(loader.load_service_model(name, "service-2"), name)


def protocol(service: str) -> str:
    """The protocol that a service's clients speak."""
    return cast(str, service_model(service).metadata["protocol"])


def operation_of(service: str, request: HttpRequest) -> OperationModel | None:
    """The operation that a request means; None where the service has no such operation."""
    model = service_model(service)
    name = _rest_operation(service, request) if protocol(service).startswith("rest-") else _named_operation(request)
    return model.operation_model(name) if name in model.operation_names else None


def parameters(operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
    """The operation's parameters, checked against its input shape; raises `ServiceError`."""
    kind = protocol(operation.service_model.service_name)
    values = MultiDict(
        _fields(request) if kind in {"ec2", "query"} else parse_qsl(request.query, keep_blank_values=True)
    )
    body: str | bytes = request.body
    labels = _labels(operation, request.path) if kind.startswith("rest-") else {}
    try:
        if kind.endswith("json") and body:
            # The parser would take what it cannot read for nothing.
            json.loads(body)
        parsed: dict[str, Any] = PROTOCOL_PARSERS[kind](operation).parse(
            {
                "body": body,
                "headers": Headers(list(request.headers.items())),
                "method": request.method,
                "url_params": labels,
                "url_path": request.path,
                "values": values,
            }
        )
    except (RequestParserError, ValueError, TypeError) as error:
        raise ServiceError("SerializationException", f"The request could not be read: {error}") from error
    _reject_unknown(operation, kind, request, parsed)
    if operation.input_shape is not None:
        report = ParamValidator().validate(parsed, operation.input_shape)
        if report.has_errors():
            raise ServiceError(VALIDATION_CODE.get(kind, "ValidationException"), report.generate_report())
    return parsed


def answer(operation: OperationModel, output: Mapping[str, Any]) -> HttpAnswer:
    """An operation's output on the wire."""
    service = operation.service_model.service_name
    serializer = get_serializer_class(service, protocol(service))(
        operation, context=SerializationContext(request_id=str(uuid.uuid4()))
    )
    written = serializer.serialize(dict(output))
    body = written["body"]
    return HttpAnswer(
        written["status_code"],
        {str(name): str(value) for name, value in written["headers"].items()},
        body.encode() if isinstance(body, str) else body,
    )


def error_answer(service: str, error: ServiceError) -> HttpAnswer:
    """An error on the wire, as the service's protocol writes it."""
    kind = protocol(service)
    request_id = str(uuid.uuid4())
    if kind == "ec2":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
            f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
            f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return HttpAnswer(error.status, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode())
    if kind in {"query", "rest-xml"}:
        inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        identified = f"<RequestId>{request_id}</RequestId>"
        body = (
            f"<Error>{inner}{identified}</Error>"
            if kind == "rest-xml"
            else f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>{identified}</ErrorResponse>"
        )
        return HttpAnswer(error.status, {"Content-Type": "application/xml"}, body.encode())
    headers = {
        "Content-Type": "application/json" if kind == "rest-json" else "application/x-amz-json-1.1",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": request_id,
    }
    return HttpAnswer(error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode())


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Fields of a form, which may also stand in the address, beside a signature there."""
    stated = parse_qsl(request.query, keep_blank_values=True)
    stated += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return [(name, value) for name, value in stated if not name.startswith("X-Amz-")]


def _named_operation(request: HttpRequest) -> str:
    target = request.headers.get("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1]
    return dict(_fields(request)).get("Action", "")


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    model = service_model(service)
    routes: list[tuple[str, re.Pattern[str], str]] = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].split("?")[0]
        routes.append((http["method"], _pattern(path), name))
    return routes


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(\+?)\}", path)
    text = re.escape(parts[0])
    for name, greedy, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.+' if greedy else '[^/]+'})" + re.escape(rest)
    return re.compile(f"^{text}/?$")


def _rest_operation(service: str, request: HttpRequest) -> str:
    for method, pattern, name in _routes(service):
        if method == request.method and pattern.match(request.path):
            return name
    return ""


def _labels(operation: OperationModel, path: str) -> dict[str, str]:
    match = _pattern(operation.http["requestUri"].split("?")[0]).match(path)
    return {name: unquote(value) for name, value in match.groupdict().items()} if match else {}


def _reject_unknown(operation: OperationModel, kind: str, request: HttpRequest, parsed: Mapping[str, Any]) -> None:
    """A parameter that the operation does not have is an error, never dropped: it would change what is meant."""
    if kind not in {"ec2", "query"}:
        return
    shape = operation.input_shape
    members = {} if shape is None else shape.members
    known = {"Action", "Version"}
    for name, member in members.items():
        serialization = member.serialization
        query_name = serialization.get("queryName") or serialization.get("name", name)
        known |= {name, query_name, query_name[:1].upper() + query_name[1:]}
    for key, _ in _fields(request):
        if key.split(".")[0] not in known:
            raise ServiceError("UnknownParameter", f"The parameter {key} is not recognized")
