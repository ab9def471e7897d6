"""Image workflows: immutable versions of a document, of accounts and of Amazon.

Source: API Reference, CreateWorkflow, GetWorkflow, ListWorkflows, ListWorkflowBuildVersions, DeleteWorkflow; User
Guide, "Use managed workflows for your images". Amazon's documents are in this project's words, without the steps that
do nothing here (sanitising and Sysprep).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from local.cloud.call import Call
from local.cloud.image_builder import errors
from local.cloud.image_builder.components import created_arn, document_text, references
from local.cloud.image_builder.context import Context
from local.cloud.image_builder.managed_components import ACCOUNT as MANAGED
from local.cloud.image_builder.managed_components import PUBLISHED
from local.cloud.image_builder.store import Record, Shelf, filtered, own_only, page, picked
from local.cloud.image_builder.versions import ResourceArn, Version, VersionError, has_wildcard, newest
from local.cloud.image_builder.workflow_documents import BUILD, TEST, WorkflowDocument, WorkflowError, parse
from local.cloud.image_builder.workflow_scope import parameter_values

KIND = "workflow"

MANAGED_WORKFLOWS = {"build-image": ("1.0.2", BUILD), "test-image": ("1.0.1", TEST)}
"""Amazon's workflows that every pipeline runs which states none, with version and type."""

_DOCUMENTS = Path(__file__).parent / "managed_workflows"
_SUMMARY = ("arn", "name", "version", "description", "type", "owner", "dateCreated")


class Workflows:
    """The operations on workflows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.operations: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "CreateWorkflow": self.create,
            "GetWorkflow": self.get,
            "DeleteWorkflow": self.delete,
            "ListWorkflows": self.list,
            "ListWorkflowBuildVersions": self.list_builds,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateWorkflow."""
        shelf, given = self._context.shelf(call), call.parameters
        kind: str = given["type"]
        arn = created_arn(call, f"{KIND}/{kind.lower()}")
        self._context.authorize_tags(call, str(arn))
        if shelf.find(KIND, str(arn)):
            raise errors.already_exists(str(arn))
        text = document_text(self._context, call)
        try:
            document = parse(text, kind)
        except WorkflowError as error:
            raise errors.invalid_value("data", str(error)) from error
        if given.get("dryRun"):
            raise errors.dry_run()
        record: Record = {
            "arn": str(arn),
            **picked(given, ("name", "description", "changeDescription", "kmsKeyId", "type")),
            "version": arn.version,
            "owner": call.caller.account,
            "data": text,
            "dateCreated": self._context.now(),
            "tags": dict(given.get("tags") or {}),
            "parameters": _parameters(document),
        }
        shelf.put(KIND, record)
        return {
            "clientToken": given.get("clientToken"),
            "workflowBuildVersionArn": str(arn),
            "latestVersionReferences": references(arn),
        }

    def get(self, call: Call) -> dict[str, Any]:
        """GetWorkflow: by build version; without a build number or with wildcards the newest that fits."""
        reference = call.parameters["workflowBuildVersionArn"]
        record = find(self._context.shelf(call), reference)
        if record is None:
            raise errors.not_found(reference)
        arn = ResourceArn.parse(record["arn"])
        return {"workflow": picked(record, record), "latestVersionReferences": references(arn)}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteWorkflow: not while a pipeline refers to it."""
        shelf, arn = self._context.shelf(call), call.parameters["workflowBuildVersionArn"]
        shelf.get(KIND, arn)
        for pipeline in shelf.all("image-pipeline"):
            for used in pipeline.get("workflows") or []:
                found = find(shelf, used["workflowArn"])
                if found and found["arn"] == arn:
                    raise errors.in_use_by_others(arn)
        shelf.delete(KIND, arn)
        return {"workflowBuildVersionArn": arn}

    def list(self, call: Call) -> dict[str, Any]:
        """ListWorkflows: one entry a version."""
        owner = call.parameters.get("owner", "Self")
        by_owner = {"Self": self._context.shelf(call).all(KIND), "Amazon": list(managed_workflows(call.region))}
        own_only({**call.parameters, "owner": "Self"})
        entries = [
            {**picked(record, _SUMMARY), "arn": ResourceArn.parse(record["arn"]).unbuilt}
            for record in by_owner.get(owner, [])
        ]
        return page(
            filtered(entries, call.parameters, ("description", "name", "type", "version")),
            call.parameters,
            "workflowVersionList",
        )

    def list_builds(self, call: Call) -> dict[str, Any]:
        """ListWorkflowBuildVersions."""
        version = call.parameters.get("workflowVersionArn")
        records = (*self._context.shelf(call).all(KIND), *managed_workflows(call.region))
        entries = [
            picked(record, (*_SUMMARY, "changeDescription", "tags"))
            for record in records
            if version in (None, ResourceArn.parse(record["arn"]).unbuilt)
        ]
        return page(entries, call.parameters, "workflowSummaryList")


@cache
def managed_workflows(region: str) -> tuple[Record, ...]:
    """Amazon's workflows in a Region, as GetWorkflow describes them."""
    return tuple(_managed(region, name, version, kind) for name, (version, kind) in MANAGED_WORKFLOWS.items())


def _managed(region: str, name: str, version: str, kind: str) -> Record:
    text = (_DOCUMENTS / f"{name}-{version}.yaml").read_text(encoding="utf-8")
    return {
        "arn": str(ResourceArn(region, MANAGED, f"{KIND}/{kind.lower()}", name, version, 1)),
        "name": name,
        "version": version,
        "type": kind,
        "owner": "Amazon",
        "data": text,
        "dateCreated": PUBLISHED,
        "parameters": _parameters(parse(text, kind)),
    }


def find(shelf: Shelf, reference: str) -> Record | None:
    """The workflow build that an ARN means, wildcards resolved to the newest."""
    try:
        arn = ResourceArn.parse(reference)
    except VersionError:
        return None
    records = list(managed_workflows(arn.region)) if arn.account == MANAGED else shelf.all(KIND)
    if arn.build is not None:
        return next((record for record in records if record["arn"] == reference), None)
    same = {
        Version.parse(record["version"]): record
        for record in records
        if (found := ResourceArn.parse(record["arn"])) and (found.kind, found.name) == (arn.kind, arn.name)
    }
    pattern = arn.version or "x.x.x"
    best = newest(pattern, same) if has_wildcard(pattern) else Version.parse(pattern)
    return same.get(best) if best else None


def checked(context: Context, call: Call, stated: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Workflows as a pipeline states them; raises `ServiceError` for what cannot be run."""
    if stated and not call.parameters.get("executionRole"):
        raise errors.invalid_combination("executionRole", "An execution role is required to provide workflows.")
    shelf = context.shelf(call)
    for entry in stated:
        record = find(shelf, entry["workflowArn"])
        if record is None:
            raise errors.invalid_value("workflows", f"The workflow '{entry['workflowArn']}' does not exist.")
        # Service Authorization Reference, EC2 Image Builder, CreateImagePipeline: dependent actions.
        context.gateway.authorize(call.caller, "imagebuilder:GetWorkflow", record["arn"], call.region)
        if entry.get("parallelGroup") and record["type"] != TEST:
            raise errors.invalid_value("workflows", "A parallel group is for test workflows only.")
        try:
            parameter_values(parse(record["data"], record["type"]).parameters, values_of(entry))
        except WorkflowError as error:
            raise errors.invalid_value("workflows", str(error)) from error
    return [dict(entry) for entry in stated]


def values_of(entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values that a pipeline gives a workflow's parameters."""
    return {parameter["name"]: list(parameter["value"]) for parameter in entry.get("parameters") or []}


def default_workflows(region: str) -> list[Record]:
    """What a pipeline runs that states no workflows."""
    return [{"workflowArn": record["arn"]} for record in managed_workflows(region)]


def _parameters(document: WorkflowDocument) -> list[Record]:
    return [
        {
            "name": parameter.name,
            "type": parameter.type,
            **({"description": parameter.description} if parameter.description else {}),
            **({} if parameter.default is None else {"defaultValue": _listed(parameter.default)}),
        }
        for parameter in document.parameters
    ]


def _listed(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
