"""EC2 Image Builder lifecycle policies (EC2 Image Builder API reference)."""

from __future__ import annotations

from typing import Any

from local.provider.difference import SET, Comparison
from local.provider.naming import AutoName
from local.provider.resource_table.image_builder import MISSING, TAGGING, created_with_token, updated_with
from local.provider.resource_type import Call, ResourceType, Setting
from local.provider.work import Work

SETTINGS = frozenset({"description", "executionRole", "policyDetails", "resourceSelection", "resourceType", "status"})


def _read(work: Work) -> dict[str, Any]:
    policy = work.call("GetLifecyclePolicy", lifecyclePolicyArn=work.id)["lifecyclePolicy"]
    return {**work.properties(policy), "tags": policy.get("tags") or {}}


ROWS = (
    ResourceType(
        token="aws:imagebuilder/lifecyclePolicy:LifecyclePolicy",
        service="imagebuilder",
        create=created_with_token("CreateLifecyclePolicy", "lifecyclePolicyArn", _read),
        created_with=SETTINGS | {"name"},
        identify=lambda work, answer: str(answer),
        read=_read,
        settings=(Setting(SETTINGS, updated_with("UpdateLifecyclePolicy", "lifecyclePolicyArn")),),
        delete=Call("DeleteLifecyclePolicy", identity={"lifecyclePolicyArn": "id"}, only=frozenset()),
        tagging=TAGGING,
        missing=MISSING,
        auto_name=AutoName(maximum=126, prefix_property=None),
        key=frozenset({"name"}),
        comparison=Comparison(
            {"resourceSelection.recipes": SET, "policyDetails.exclusionRules.amis.regions": SET},
            frozenset({"status", "policyDetails.action.includeResources"}),
        ),
    ),
)
