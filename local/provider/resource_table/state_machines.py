"""Step Functions state machines (AWS Step Functions API reference)."""

from __future__ import annotations

from typing import Any

from local.provider import tags
from local.provider.difference import JSON, Comparison
from local.provider.naming import AutoName
from local.provider.resource_type import PROPAGATION_TIMEOUT, Call, ResourceType, Setting, Tagging
from local.provider.waiting import message_has, retrying
from local.provider.work import Work, input_shape

NOT_YET_USABLE = message_has("AccessDeniedException", "role")
"""Step Functions may not yet know a role, or its right to deliver logs, that was made a moment ago."""

SETTINGS = frozenset(
    {"definition", "encryptionConfiguration", "loggingConfiguration", "publish", "roleArn", "tracingConfiguration"}
)


def _parameters(work: Work, operation: str) -> dict[str, Any]:
    """Parameters of an operation; AWS wraps the log group in a list of destinations."""
    apart = {"region", "loggingConfiguration"}
    plain = {name: value for name, value in work.inputs.items() if name not in apart and (name != "tags" or value)}
    parameters = work.mapper.to_aws(input_shape("stepfunctions", operation), plain)
    logging = dict(work.inputs.get("loggingConfiguration") or {})
    if logging:
        destination = logging.pop("logDestination", None)
        if destination:
            logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}]
        parameters["loggingConfiguration"] = logging
    return parameters


def _create(work: Work) -> str:
    parameters = _parameters(work, "CreateStateMachine")
    answer = retrying(lambda: work.call("CreateStateMachine", **parameters), NOT_YET_USABLE, PROPAGATION_TIMEOUT)
    return str(answer["stateMachineArn"])


def _update(work: Work) -> None:
    parameters = {**_parameters(work, "UpdateStateMachine"), "stateMachineArn": work.id}
    retrying(lambda: work.call("UpdateStateMachine", **parameters), NOT_YET_USABLE, PROPAGATION_TIMEOUT)


def _read(work: Work) -> dict[str, Any]:
    machine = work.call("DescribeStateMachine", stateMachineArn=work.id)
    logging = dict(machine.get("loggingConfiguration") or {})
    destinations = logging.pop("destinations", None) or ()
    if destinations:
        logging["logDestination"] = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    versions = work.call("ListStateMachineVersions", stateMachineArn=work.id)["stateMachineVersions"]
    answer = {name: value for name, value in machine.items() if name != "loggingConfiguration"}
    return {
        **work.properties(answer),
        "arn": machine["stateMachineArn"],
        "loggingConfiguration": logging,
        "stateMachineVersionArn": versions[0]["stateMachineVersionArn"] if versions else "",
        "tags": tags.from_list(work.call("ListTagsForResource", resourceArn=work.id).get("tags") or ()),
    }


ROWS = (
    ResourceType(
        token="aws:sfn/stateMachine:StateMachine",
        service="stepfunctions",
        create=_create,
        created_with=SETTINGS | {"name", "type"},
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(SETTINGS, _update),),
        delete=Call("DeleteStateMachine", identity={"stateMachineArn": "id"}, only=frozenset()),
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", resourceArn=work.id, tags=tags.to_list(new, "key", "value")),
            untag=lambda work, keys: work.call("UntagResource", resourceArn=work.id, tagKeys=keys),
        ),
        unread=frozenset({"namePrefix", "publish"}),
        missing=("StateMachineDoesNotExist",),
        defaults={"type": "STANDARD", "publish": False},
        auto_name=AutoName(maximum=80),
        key=frozenset({"name"}),
        volatile=frozenset({"revisionId", "stateMachineVersionArn"}),
        comparison=Comparison(
            {"definition": JSON},
            frozenset(
                {
                    "encryptionConfiguration",
                    "encryptionConfiguration.kmsDataKeyReusePeriodSeconds",
                    "loggingConfiguration",
                    "loggingConfiguration.includeExecutionData",
                    "loggingConfiguration.level",
                    "tracingConfiguration",
                }
            ),
        ),
    ),
)
