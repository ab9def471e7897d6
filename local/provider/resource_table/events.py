"""EventBridge rules and targets (Amazon EventBridge API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.provider import tags
from local.provider.difference import JSON, Comparison
from local.provider.errors import ProviderError, is_one_of
from local.provider.naming import AutoName
from local.provider.resource_type import PROPAGATION_TIMEOUT, ResourceType, Setting, Tagging
from local.provider.waiting import message_has, retrying
from local.provider.work import Work, input_shape

DEFAULT_BUS = "default"

RULE_PROPERTIES = frozenset({"description", "eventPattern", "roleArn", "scheduleExpression", "state", "isEnabled"})

ROLE_NOT_YET_USABLE = message_has("ValidationException", "cannot be assumed")


def _rule_id(work: Work) -> str:
    bus, name = work.inputs["eventBusName"], work.inputs["name"]
    return str(name) if bus == DEFAULT_BUS else f"{bus}/{name}"


def _rule_place(resource_id: str) -> tuple[str, str]:
    """Bus and name; a bus's name may itself hold slashes (partner event sources)."""
    bus, _, name = resource_id.rpartition("/")
    return bus or DEFAULT_BUS, name


def _put_rule(work: Work, with_tags: bool) -> None:
    inputs = dict(work.inputs)
    if inputs.get("isEnabled") is not None and not inputs.get("state"):
        inputs["state"] = "ENABLED" if inputs["isEnabled"] else "DISABLED"
    if not inputs.get("tags") or not with_tags:
        # PutRule refuses tags for a rule that exists.
        inputs.pop("tags", None)
    parameters = work.mapper.to_aws(input_shape("events", "PutRule"), inputs)
    parameters.setdefault("State", "ENABLED")
    retrying(lambda: work.call("PutRule", **parameters), ROLE_NOT_YET_USABLE, PROPAGATION_TIMEOUT)


def _create_rule(work: Work) -> None:
    # PutRule overwrites silently; creating must not take over what another stack made.
    try:
        work.call("DescribeRule", Name=work.inputs["name"], EventBusName=work.inputs["eventBusName"])
    except ClientError as error:
        if not is_one_of(error, ("ResourceNotFoundException",)):
            raise
    else:
        raise ProviderError(
            f"rule {work.inputs['name']!r} exists already on bus {work.inputs['eventBusName']!r}:"
            f" take it over with `pulumi import`, or delete it"
        )
    _put_rule(work, with_tags=True)


def _read_rule(work: Work) -> dict[str, Any]:
    bus, name = _rule_place(work.id)
    rule = work.call("DescribeRule", Name=name, EventBusName=bus)
    listed = work.call("ListTagsForResource", ResourceARN=rule["Arn"]).get("Tags") or ()
    return {
        **work.properties(rule),
        "eventBusName": bus,
        "isEnabled": rule["State"] != "DISABLED",
        "tags": tags.from_list(listed),
    }


def _delete_rule(work: Work) -> None:
    bus, name = _rule_place(work.id)
    force = bool(work.known("forceDestroy"))
    if force:
        found = _targets(work, name, bus)
        if found:
            ids = [target["Id"] for target in found]
            work.call("RemoveTargets", Rule=name, EventBusName=bus, Ids=ids, Force=force)
    retrying(
        lambda: work.call("DeleteRule", Name=name, EventBusName=bus, Force=force or None),
        message_has("ValidationException", "can't be deleted since it has targets"),
        PROPAGATION_TIMEOUT,
    )


def _targets(work: Work, rule: str, bus: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = None
    while True:
        page = work.call("ListTargetsByRule", Rule=rule, EventBusName=bus, NextToken=token)
        found += page.get("Targets") or ()
        token = page.get("NextToken")
        if not token:
            return found


TARGET_RENAMES = {
    "targetId": "Id",
    "rule": "",
    "eventBusName": "",
    "region": "",
    "forceDestroy": "",
    "appsyncTarget": "AppSyncParameters",
    "appsyncTarget.graphqlOperation": "GraphQLOperation",
    "httpTarget": "HttpParameters",
    "inputTransformer.inputPaths": "InputPathsMap",
    "kinesisTarget": "KinesisParameters",
    "redshiftTarget": "RedshiftDataParameters",
    "redshiftTarget.secretsManagerArn": "SecretManagerArn",
    "sagemakerPipelineTarget": "SageMakerPipelineParameters",
    "sagemakerPipelineTarget.pipelineParameterLists": "PipelineParameterList",
    "sqsTarget": "SqsParameters",
}

TARGET_PROPERTIES = frozenset(
    {
        "arn",
        "appsyncTarget",
        "deadLetterConfig",
        "httpTarget",
        "input",
        "inputPath",
        "inputTransformer",
        "kinesisTarget",
        "redshiftTarget",
        "retryPolicy",
        "roleArn",
        "sagemakerPipelineTarget",
        "sqsTarget",
    }
)


def _put_target(work: Work) -> None:
    entries = input_shape("events", "PutTargets").members["Targets"]
    target_shape = entries.member  # type: ignore[attr-defined]
    sent = {name: work.inputs.get(name) for name in (*TARGET_PROPERTIES, "targetId")}
    target = work.mapper.to_aws(target_shape, sent)

    def put() -> None:
        answer = work.call(
            "PutTargets", Rule=work.inputs["rule"], EventBusName=work.inputs["eventBusName"], Targets=[target]
        )
        if answer.get("FailedEntryCount"):
            failed = answer["FailedEntries"][0]
            raise ProviderError(f"PutTargets: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    retrying(put, message_has("ConcurrentModificationException"), PROPAGATION_TIMEOUT)


def _target_id(work: Work) -> str:
    bus, rule, target = work.inputs["eventBusName"], work.inputs["rule"], work.inputs["targetId"]
    return f"{rule}-{target}" if bus == DEFAULT_BUS else f"{bus}-{rule}-{target}"


def _read_target(work: Work) -> dict[str, Any] | None:
    rule, bus, name = (str(work.known(key)) for key in ("rule", "eventBusName", "targetId"))
    target = next((item for item in _targets(work, rule, bus) if item["Id"] == name), None)
    if target is None:
        return None
    return {**work.properties(target), "rule": rule, "eventBusName": bus, "targetId": name}


def _delete_target(work: Work) -> None:
    work.call(
        "RemoveTargets",
        Rule=work.known("rule"),
        EventBusName=work.known("eventBusName"),
        Ids=[work.known("targetId")],
        Force=work.known("forceDestroy") or None,
    )


def _target_parts(resource_id: str) -> Mapping[str, Any]:
    """An import names bus, rule and target with slashes, or rule and target."""
    parts = resource_id.rsplit("/", 2)
    if len(parts) == 2:
        parts = [DEFAULT_BUS, *parts]
    return dict(zip(("eventBusName", "rule", "targetId"), parts, strict=False))


ROWS = (
    ResourceType(
        token="aws:cloudwatch/eventRule:EventRule",
        service="events",
        create=_create_rule,
        created_with=RULE_PROPERTIES | {"name", "eventBusName"},
        identify=lambda work, answer: _rule_id(work),
        read=_read_rule,
        settings=(Setting(RULE_PROPERTIES, lambda work: _put_rule(work, with_tags=False)),),
        delete=_delete_rule,
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", ResourceARN=work.state["arn"], Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagResource", ResourceARN=work.state["arn"], TagKeys=keys),
        ),
        local=frozenset({"forceDestroy"}),
        unread=frozenset({"namePrefix"}),
        missing=("ResourceNotFoundException",),
        defaults={"eventBusName": DEFAULT_BUS, "forceDestroy": False},
        auto_name=AutoName(maximum=64),
        key=frozenset({"name", "eventBusName"}),
        comparison=Comparison({"eventPattern": JSON}, frozenset({"isEnabled", "state"})),
    ),
    ResourceType(
        token="aws:cloudwatch/eventTarget:EventTarget",
        service="events",
        create=_put_target,
        created_with=TARGET_PROPERTIES | {"rule", "targetId", "eventBusName"},
        identify=lambda work, answer: _target_id(work),
        read=_read_target,
        settings=(Setting(TARGET_PROPERTIES, _put_target),),
        delete=_delete_target,
        local=frozenset({"forceDestroy"}),
        missing=("ResourceNotFoundException",),
        renames=TARGET_RENAMES,
        defaults={"eventBusName": DEFAULT_BUS, "forceDestroy": False},
        auto_name=AutoName("targetId", maximum=64, prefix_property=None),
        key=frozenset({"rule", "targetId", "eventBusName"}),
        comparison=Comparison({"input": JSON, "inputTransformer.inputTemplate": JSON}),
        import_id=_target_parts,
    ),
)
