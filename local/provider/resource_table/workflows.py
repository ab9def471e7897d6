"""EC2 Image Builder workflows (EC2 Image Builder API reference, CreateWorkflow)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.provider.difference import Comparison
from local.provider.naming import AutoName
from local.provider.resource_table.image_builder import MISSING, TAGGING, created_with_token
from local.provider.resource_type import Call, ResourceType
from local.provider.work import Work


def _read(work: Work) -> dict[str, Any]:
    workflow = work.call("GetWorkflow", workflowBuildVersionArn=work.id)["workflow"]
    return {**work.properties(workflow), "arn": workflow["arn"], "tags": workflow.get("tags") or {}}


def _check(inputs: Mapping[str, Any]) -> dict[str, str]:
    if inputs.get("data") and inputs.get("uri"):
        return {"uri": "property 'uri' conflicts with data"}
    return {}


ROWS = (
    ResourceType(
        token="aws:imagebuilder/workflow:Workflow",
        service="imagebuilder",
        create=created_with_token("CreateWorkflow", "workflowBuildVersionArn", _read),
        created_with=frozenset(
            {"changeDescription", "data", "description", "kmsKeyId", "name", "type", "uri", "version"}
        ),
        identify=lambda work, answer: str(answer),
        read=_read,
        delete=Call("DeleteWorkflow", identity={"workflowBuildVersionArn": "id"}, only=frozenset()),
        tagging=TAGGING,
        unread=frozenset({"uri"}),
        missing=MISSING,
        renames={"version": "semanticVersion", "arn": "arn"},
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name", "version"}),
        comparison=Comparison({}, frozenset({"kmsKeyId", "data"})),
        check=_check,
    ),
)
