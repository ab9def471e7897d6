"""Who may call a Lambda function, and what becomes of asynchronous calls (AWS Lambda API reference)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider.errors import is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import Call, ResourceType, Setting
from local.provider.waiting import message_has
from local.provider.work import Work

CONDITIONS = {
    "sourceArn": ("ArnLike", "AWS:SourceArn"),
    "sourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "eventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "functionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "principalOrgId": ("StringEquals", "aws:PrincipalOrgID"),
    "invokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
"""How AddPermission's parameters stand in the function's policy (Lambda developer guide, resource-based policies)."""


def _read_permission(work: Work) -> dict[str, Any] | None:
    function = str(work.known("function"))
    # An import names the function too.
    work.id = work.id.rpartition("/")[2]
    try:
        answer = work.call("GetPolicy", FunctionName=function, Qualifier=work.known("qualifier"))
    except ClientError as error:
        if is_one_of(error, ("ResourceNotFoundException",)):
            return None
        raise
    statements = json.loads(answer["Policy"])["Statement"]
    statement = next((item for item in statements if item.get("Sid") == work.id), None)
    if statement is None:
        return None
    return {
        "statementId": work.id,
        "action": statement["Action"],
        "function": function,
        "qualifier": work.known("qualifier"),
        "principal": _principal(statement["Principal"], str(work.known("principal") or "")),
        **{name: _condition(statement.get("Condition") or {}, *place) for name, place in CONDITIONS.items()},
    }


def _principal(principal: Any, known: str) -> str:
    if isinstance(principal, str):
        return principal
    value = str(next(iter(principal.values())))
    # AWS turns an account's id into its root.
    return known if value == f"arn:aws:iam::{known}:root" else value


def _condition(conditions: Mapping[str, Any], operator: str, key: str) -> Any:
    for name, value in (conditions.get(operator) or {}).items():
        if name.lower() == key.lower():
            return value == "true" if operator == "Bool" else value
    return None


def _permission_parts(resource_id: str) -> dict[str, Any]:
    function, _, statement = resource_id.partition("/")
    return {"function": function, "statementId": statement}


def _event_config_id(work: Work) -> str:
    qualifier = work.inputs.get("qualifier")
    return f"{work.inputs['functionName']}:{qualifier}" if qualifier else str(work.inputs["functionName"])


def _read_event_config(work: Work) -> dict[str, Any]:
    name, qualifier = work.known("functionName"), work.known("qualifier")
    answer = work.call("GetFunctionEventInvokeConfig", FunctionName=name, Qualifier=qualifier)
    properties = work.properties(answer)
    destinations = {key: value for key, value in (properties.get("destinationConfig") or {}).items() if value}
    return {
        **properties,
        "destinationConfig": destinations or None,
        "functionName": name,
        "qualifier": qualifier,
    }


def _event_config_parts(resource_id: str) -> dict[str, Any]:
    name, _, qualifier = resource_id.partition(":")
    return {"functionName": name, "qualifier": qualifier or None}


PUT_EVENT_CONFIG = Call(
    "PutFunctionEventInvokeConfig",
    retried=message_has("InvalidParameterValueException", "does not have permissions", "execution role"),
)

ROWS = (
    ResourceType(
        token="aws:lambda/permission:Permission",
        service="lambda",
        create=Call("AddPermission"),
        identify=lambda work, answer: str(work.inputs["statementId"]),
        read=_read_permission,
        delete=Call(
            "RemovePermission",
            identity={"FunctionName": "function", "StatementId": "id"},
            only=frozenset({"qualifier"}),
        ),
        unread=frozenset({"statementIdPrefix"}),
        missing=("ResourceNotFoundException",),
        renames={"function": "FunctionName", "principalOrgId": "PrincipalOrgID"},
        auto_name=AutoName("statementId", maximum=100, prefix_property="statementIdPrefix"),
        key=frozenset({"function", "statementId", "qualifier"}),
        import_id=_permission_parts,
    ),
    ResourceType(
        token="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        service="lambda",
        create=PUT_EVENT_CONFIG,
        identify=lambda work, answer: _event_config_id(work),
        read=_read_event_config,
        settings=(
            Setting(
                frozenset({"destinationConfig", "maximumEventAgeInSeconds", "maximumRetryAttempts"}), PUT_EVENT_CONFIG
            ),
        ),
        delete=Call(
            "DeleteFunctionEventInvokeConfig",
            identity={"FunctionName": "functionName"},
            only=frozenset({"qualifier"}),
        ),
        missing=("ResourceNotFoundException",),
        defaults={"maximumRetryAttempts": 2},
        key=frozenset({"functionName", "qualifier"}),
        import_id=_event_config_parts,
    ),
)
