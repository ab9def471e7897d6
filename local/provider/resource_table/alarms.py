"""CloudWatch metric alarms (Amazon CloudWatch API reference, PutMetricAlarm)."""

from __future__ import annotations

from typing import Any

from local.provider import tags
from local.provider.difference import SET, Comparison
from local.provider.naming import AutoName
from local.provider.resource_type import ResourceType, Setting, Tagging
from local.provider.work import Work, input_shape

PROPERTIES = frozenset(
    {
        "actionsEnabled",
        "alarmActions",
        "alarmDescription",
        "comparisonOperator",
        "datapointsToAlarm",
        "dimensions",
        "evaluateLowSampleCountPercentiles",
        "evaluationCriteria",
        "evaluationInterval",
        "evaluationPeriods",
        "evaluationWindow",
        "extendedStatistic",
        "insufficientDataActions",
        "metricName",
        "metricQueries",
        "namespace",
        "okActions",
        "period",
        "statistic",
        "threshold",
        "thresholdMetricId",
        "treatMissingData",
        "unit",
        "warmUpConfiguration",
    }
)

RENAMES = {
    "name": "AlarmName",
    "arn": "AlarmArn",
    "alarmDescription": "AlarmDescription",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "metricQueries": "Metrics",
    "metricQueries.metric": "MetricStat",
    "okActions": "OKActions",
}


def _put(work: Work, with_tags: bool) -> None:
    # PutMetricAlarm replaces the whole alarm, but ignores tags for one that exists.
    sent = {name: value for name, value in work.inputs.items() if name in PROPERTIES and name != "metricQueries"}
    parameters = work.mapper.to_aws(input_shape("cloudwatch", "PutMetricAlarm"), sent)
    queries = work.inputs.get("metricQueries")
    if queries:
        parameters["Metrics"] = [_query(work, query) for query in queries]
    if with_tags and work.inputs["tags"]:
        parameters["Tags"] = tags.to_list(work.inputs["tags"])
    work.call("PutMetricAlarm", AlarmName=work.inputs["name"], **parameters)


def _query(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """pulumi-aws flattens a metric and its statistic into one object."""
    shape = input_shape("cloudwatch", "PutMetricAlarm").members["Metrics"].member  # type: ignore[attr-defined]
    sent = work.mapper.to_aws(shape, {name: value for name, value in query.items() if name != "metric"})
    metric = query.get("metric")
    if metric:
        dimensions = metric.get("dimensions") or {}
        sent["MetricStat"] = {
            "Metric": {
                "MetricName": metric["metricName"],
                "Namespace": metric.get("namespace"),
                "Dimensions": tags.to_list(dimensions, "Name", "Value"),
            },
            "Period": int(metric["period"]),
            "Stat": metric["stat"],
            **({"Unit": metric["unit"]} if metric.get("unit") else {}),
        }
    return sent


def _read(work: Work) -> dict[str, Any] | None:
    found = work.call("DescribeAlarms", AlarmNames=[work.id], AlarmTypes=["MetricAlarm"]).get("MetricAlarms") or ()
    alarm = next((item for item in found if item["AlarmName"] == work.id), None)
    if alarm is None:
        return None
    listed = work.call("ListTagsForResource", ResourceARN=alarm["AlarmArn"]).get("Tags") or ()
    properties = work.properties({name: value for name, value in alarm.items() if name != "Metrics"})
    return {
        "treatMissingData": "missing",
        **properties,
        "metricQueries": [_query_read(work, query) for query in alarm.get("Metrics") or ()],
        "tags": tags.from_list(listed),
    }


def _query_read(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    declared = work.declaration.outputs["metricQueries"][0]  # type: ignore[index]
    plain = {name: value for name, value in query.items() if name != "MetricStat"}
    result = work.mapper.from_aws(declared, plain)  # type: ignore[arg-type]
    stat = query.get("MetricStat")
    if stat:
        metric = stat["Metric"]
        result["metric"] = {
            "metricName": metric.get("MetricName"),
            "namespace": metric.get("Namespace"),
            "dimensions": {item["Name"]: item["Value"] for item in metric.get("Dimensions") or ()},
            "period": stat["Period"],
            "stat": stat["Stat"],
            "unit": stat.get("Unit"),
        }
    return result


ROWS = (
    ResourceType(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        service="cloudwatch",
        create=lambda work: _put(work, with_tags=True),
        created_with=PROPERTIES | {"name"},
        identify=lambda work, answer: str(work.inputs["name"]),
        read=_read,
        settings=(Setting(PROPERTIES, lambda work: _put(work, with_tags=False)),),
        delete=lambda work: work.call("DeleteAlarms", AlarmNames=[work.id]),
        tagging=Tagging(
            tag=lambda work, new: work.call("TagResource", ResourceARN=work.state["arn"], Tags=tags.to_list(new)),
            untag=lambda work, keys: work.call("UntagResource", ResourceARN=work.state["arn"], TagKeys=keys),
        ),
        missing=("ResourceNotFound", "ResourceNotFoundException"),
        renames=RENAMES,
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        auto_name=AutoName(maximum=255, prefix_property=None),
        key=frozenset({"name"}),
        comparison=Comparison(
            {"alarmActions": SET, "okActions": SET, "insufficientDataActions": SET, "metricQueries": SET},
            frozenset({"evaluateLowSampleCountPercentiles", "metricQueries.returnData"}),
        ),
        import_id=lambda resource_id: {"name": resource_id},
    ),
)
