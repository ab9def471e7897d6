"""What a build's workflows did, for those who follow it.

Source: API Reference, ListWorkflowExecutions, GetWorkflowExecution, ListWorkflowStepExecutions,
GetWorkflowStepExecution.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.runs import Run, Runs, StepExecution, WorkflowExecution
from local.cloud.image_builder.store import Record, page


class Executions:
    """The operations on workflow executions."""

    def __init__(self, context: Context, runs: Runs) -> None:
        self._context = context
        self._runs = runs
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "ListWorkflowExecutions": self.list,
            "GetWorkflowExecution": self.get,
            "ListWorkflowStepExecutions": self.list_steps,
            "GetWorkflowStepExecution": self.get_step,
        }

    def list(self, call: Call) -> dict[str, Any]:
        """ListWorkflowExecutions."""
        arn = call.parameters["imageBuildVersionArn"]
        self._context.shelf(call).get("image", arn)
        run = self._runs.find(arn)
        entries = [{**_workflow(found), "retried": found.retried} for found in run.workflows] if run else []
        return {**page(entries, call.parameters, "workflowExecutions"), "imageBuildVersionArn": arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetWorkflowExecution."""
        run, workflow = self._find(call)
        return {**_workflow(workflow), "imageBuildVersionArn": run.arn}

    def list_steps(self, call: Call) -> dict[str, Any]:
        """ListWorkflowStepExecutions."""
        run, workflow = self._find(call)
        entries = [_step(step) for step in workflow.steps]
        owner = {
            "workflowBuildVersionArn": workflow.arn,
            "workflowExecutionId": workflow.id,
            "imageBuildVersionArn": run.arn,
        }
        return {**page(entries, call.parameters, "steps"), **owner}

    def get_step(self, call: Call) -> dict[str, Any]:
        """GetWorkflowStepExecution."""
        wanted = call.parameters["stepExecutionId"]
        for run in self._runs.of_account(call.caller.account, call.region):
            for workflow in run.workflows:
                for step in workflow.steps:
                    if step.id == wanted:
                        owner = {
                            "workflowBuildVersionArn": workflow.arn,
                            "workflowExecutionId": workflow.id,
                            "imageBuildVersionArn": run.arn,
                        }
                        return {**_step(step), **owner}
        raise errors.not_found(wanted)

    def _find(self, call: Call) -> tuple[Run, WorkflowExecution]:
        wanted = call.parameters["workflowExecutionId"]
        for run in self._runs.of_account(call.caller.account, call.region):
            for workflow in run.workflows:
                if workflow.id == wanted:
                    return run, workflow
        raise errors.not_found(wanted)


def _workflow(workflow: WorkflowExecution) -> Record:
    statuses = [step.status for step in workflow.steps]
    entry: Record = {
        "workflowBuildVersionArn": workflow.arn,
        "workflowExecutionId": workflow.id,
        "type": workflow.type,
        "status": workflow.status,
        "message": workflow.message,
        "totalStepCount": len(statuses),
        "totalStepsSucceeded": statuses.count("COMPLETED"),
        "totalStepsFailed": statuses.count("FAILED"),
        "totalStepsSkipped": statuses.count("SKIPPED"),
        "startTime": workflow.start,
    }
    return {**entry, "endTime": workflow.end} if workflow.end else entry


def _step(step: StepExecution) -> Record:
    entry: Record = {
        "stepExecutionId": step.id,
        "name": step.name,
        "action": step.action,
        "status": step.status,
        "message": step.message,
        "inputs": json.dumps(dict(step.inputs)),
        "outputs": json.dumps(dict(step.outputs)),
        "startTime": step.start,
    }
    return {**entry, "endTime": step.end} if step.end else entry
