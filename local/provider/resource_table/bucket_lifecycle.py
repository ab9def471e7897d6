"""S3 lifecycle configurations (Amazon S3 API reference, PutBucketLifecycleConfiguration)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.difference import SET, Comparison
from local.provider.resource_table.bucket_settings import found, put, setting_type, with_bucket
from local.provider.waiting import until
from local.provider.work import Work

PROPAGATION_TIMEOUT = 60.0
"""Seconds in which a lifecycle configuration is the same wherever it is asked for."""

PROPERTIES = frozenset({"rules", "transitionDefaultMinimumObjectSize"})


def _put(work: Work) -> str:
    rules = work.mapped("PutBucketLifecycleConfiguration", "LifecycleConfiguration.Rules", "rules") or []
    for rule in rules:
        # A rule without a filter is one for every object.
        if "Filter" not in rule and "Prefix" not in rule:
            rule["Filter"] = {"Prefix": ""}
    bucket = put(
        work,
        "PutBucketLifecycleConfiguration",
        LifecycleConfiguration={"Rules": rules},
        TransitionDefaultMinimumObjectSize=work.inputs.get("transitionDefaultMinimumObjectSize"),
    )
    wanted = sorted(rule["ID"] for rule in rules)
    until(lambda: _ids(work, bucket) == wanted, f"lifecycle rules of {bucket}", PROPAGATION_TIMEOUT)
    return bucket


def _ids(work: Work, bucket: str) -> list[str]:
    work.id = work.id or bucket
    answer = found(work, "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration") or {}
    return sorted(rule["ID"] for rule in answer.get("Rules") or ())


def _read(work: Work) -> dict[str, Any] | None:
    answer = found(work, "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration")
    if answer is None:
        return None
    properties = work.properties(answer)
    for rule in properties.get("rules") or ():
        if rule.get("filter") in ({"prefix": ""}, {}):
            del rule["filter"]
    return with_bucket(work, **properties)


def _delete(work: Work) -> None:
    work.call("DeleteBucketLifecycle", Bucket=work.id.partition(",")[0])


class _RuleComparison(Comparison):
    """A filter for everything is none at all."""

    def same(self, desired: Any, actual: Any, path: str) -> bool:
        if path == "rules.filter":
            return super().same(_without_everything(desired), _without_everything(actual), path)
        return super().same(desired, actual, path)


def _without_everything(value: Any) -> Any:
    return None if isinstance(value, Mapping) and value.get("prefix") == "" and len(value) == 1 else value


ROWS = (
    setting_type(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        _put,
        _read,
        _delete,
        PROPERTIES,
        _RuleComparison(
            {"rules": SET, "rules.transitions": SET, "rules.noncurrentVersionTransitions": SET},
            frozenset({"transitionDefaultMinimumObjectSize"}),
        ),
        {"rules.id": "ID", "rules.filter.and": "And"},
        local=frozenset({"timeouts"}),
    ),
)
