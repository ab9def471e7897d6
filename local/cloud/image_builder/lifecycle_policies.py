"""Lifecycle policies, and what their executions did.

Source: API Reference, CreateLifecyclePolicy, UpdateLifecyclePolicy, ListLifecycleExecutions,
ListLifecycleExecutionResources, LifecyclePolicyDetail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import AWS_ERRORS, PRINCIPAL, Context, reason_of
from local.cloud.image_builder.store import Record, filtered, page, picked
from local.cloud.image_builder.versions import ResourceArn, arn_name

KIND = "lifecycle-policy"
EXECUTION = "lifecycle-execution"
"""Kind under which executions are kept, by their id."""

_SUMMARY = (
    "arn", "name", "description", "status", "executionRole", "resourceType", "dateCreated", "dateUpdated",
    "dateLastRun", "tags",
)  # fmt: skip
_GIVEN = ("description", "executionRole", "resourceType", "policyDetails", "resourceSelection")


class LifecyclePolicies:
    """The operations on lifecycle policies and their executions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateLifecyclePolicy": self.create,
            "GetLifecyclePolicy": self.get,
            "UpdateLifecyclePolicy": self.update,
            "DeleteLifecyclePolicy": self.delete,
            "ListLifecyclePolicies": self.list,
            "GetLifecycleExecution": self.get_execution,
            "ListLifecycleExecutions": self.list_executions,
            "ListLifecycleExecutionResources": self.list_resources,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateLifecyclePolicy."""
        shelf, given = self._context.shelf(call), call.parameters
        arn = str(ResourceArn(call.region, call.caller.account, KIND, arn_name(given["name"])))
        self._context.authorize_tags(call, arn)
        if shelf.find(KIND, arn):
            raise errors.already_exists(arn)
        settings = self._settings(call)
        if given.get("dryRun"):
            raise errors.dry_run()
        created = {"dateCreated": self._context.gateway.clock.now(), "tags": dict(given.get("tags") or {})}
        shelf.put(KIND, {"arn": arn, "name": given["name"], **settings, **created})
        return {"clientToken": given.get("clientToken"), "lifecyclePolicyArn": arn}

    def _settings(self, call: Call) -> Record:
        given, account = call.parameters, call.caller.account
        _check(given)
        role = self._context.execution_role(account, given["executionRole"])
        self._context.authorize_pass_role(call, role, PRINCIPAL)
        try:
            self._context.assume(account, given["executionRole"], f"arn:aws:imagebuilder:{call.region}:{account}:image")
        except AWS_ERRORS as error:
            reason = f"The role must exist and its trust policy must admit {PRINCIPAL}: {reason_of(error)}"
            raise errors.invalid_request(reason) from error
        return {**picked(given, _GIVEN), "status": given.get("status") or "ENABLED"}

    def get(self, call: Call) -> dict[str, Any]:
        """GetLifecyclePolicy."""
        record = self._context.shelf(call).get(KIND, call.parameters["lifecyclePolicyArn"])
        return {"lifecyclePolicy": picked(record, record)}

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateLifecyclePolicy: replaces everything but name and tags."""
        arn = call.parameters["lifecyclePolicyArn"]
        record = self._context.shelf(call).get(KIND, arn)
        settings = self._settings(call)
        kept = picked(record, ("arn", "name", "dateCreated", "dateLastRun", "tags"))
        record.clear()
        record.update({**kept, **settings, "dateUpdated": self._context.gateway.clock.now()})
        return {"lifecyclePolicyArn": arn}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteLifecyclePolicy: what it removed stays removed."""
        shelf, arn = self._context.shelf(call), call.parameters["lifecyclePolicyArn"]
        shelf.get(KIND, arn)
        shelf.delete(KIND, arn)
        return {"lifecyclePolicyArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListLifecyclePolicies."""
        records = filtered(self._context.shelf(call).all(KIND), call.parameters, ("name", "resourceType", "status"))
        return page([picked(record, _SUMMARY) for record in records], call.parameters, "lifecyclePolicySummaryList")

    def get_execution(self, call: Call) -> dict[str, Any]:
        """GetLifecycleExecution."""
        record = self._context.shelf(call).get(EXECUTION, call.parameters["lifecycleExecutionId"])
        return {"lifecycleExecution": _execution(record)}

    def list_executions(self, call: Call) -> dict[str, Any]:
        """ListLifecycleExecutions: of a policy, or those that had to do with an image; the newest first."""
        arn = call.parameters["resourceArn"]
        records = [
            record
            for record in self._context.shelf(call).all(EXECUTION)
            if record["lifecyclePolicyArn"] == arn or any(each["resourceId"] == arn for each in record["resources"])
        ]
        return page([_execution(record) for record in reversed(records)], call.parameters, "lifecycleExecutions")

    def list_resources(self, call: Call) -> dict[str, Any]:
        """ListLifecycleExecutionResources: image resources, or what belongs to one of them."""
        given = call.parameters
        record = self._context.shelf(call).get(EXECUTION, given["lifecycleExecutionId"])
        parent = given.get("parentResourceId")
        found = [picked(each, each) for each in record["resources"] if each["parent"] == parent]
        for each in found:
            each.pop("parent", None)
        owner = {"lifecycleExecutionId": record["arn"], "lifecycleExecutionState": record["state"]}
        return {**page(found, given, "resources"), **owner}


def _execution(record: Record) -> Record:
    shown = picked(record, ("lifecyclePolicyArn", "state", "startTime", "endTime"))
    impacted = any(each["state"]["status"] != "SKIPPED" for each in record["resources"])
    summary = {"resourcesImpactedSummary": {"hasImpactedResources": impacted}}
    return {"lifecycleExecutionId": record["arn"], **shown, **summary}


def _check(given: Mapping[str, Any]) -> None:
    """Check what the service model does not.

    Raises:
        ServiceError: Rules that contradict each other, or a feature that the local cloud does not have.
    """
    if given["resourceType"] != "AMI_IMAGE":
        raise errors.invalid_value("resourceType", "The local cloud keeps AMI images only.")
    selection = given["resourceSelection"]
    if bool(selection.get("recipes")) == bool(selection.get("tagMap")):
        raise errors.invalid_combination("resourceSelection", "Give either recipes or a tag map.")
    for index, detail in enumerate(given["policyDetails"]):
        where = f"policyDetails[{index}]"
        action, rule = detail["action"], detail["filter"]
        if action["type"] != "DELETE":
            raise errors.invalid_value(f"{where}.action.type", "The local cloud only deletes.")
        included = action.get("includeResources") or {}
        if included.get("containers") or (included.get("snapshots") and not included.get("amis")):
            reason = "Snapshots go with their AMIs only, and an AMI image has no containers."
            raise errors.invalid_combination(f"{where}.action.includeResources", reason)
        if rule["type"] == "AGE" and not rule.get("unit"):
            raise errors.invalid_combination(f"{where}.filter.unit", "A rule by age needs a unit.")
        if rule["type"] == "COUNT" and (rule.get("unit") or rule.get("retainAtLeast")):
            reason = "A rule by count has neither a unit nor a number to retain."
            raise errors.invalid_combination(f"{where}.filter", reason)
