"""Resources of a deployed stack, out of its export."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules.exported import exported_resources
from policies.rules.places import Place

PROVIDER = "urn:pulumi:ledger::golden-ami::pulumi:providers:aws::hub"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
WIDE = '{"Statement": []}'


def state(kind: str, name: str, outputs: dict[str, Any], **further: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:ledger::golden-ami::{kind}::{name}"
    return {"urn": urn, "type": kind, "outputs": outputs, **further}


def resources(*states: dict[str, Any]) -> dict[str, Any]:
    found = exported_resources({"version": 3, "deployment": {"resources": list(states)}})
    return {resource.name: resource for resource in found}


def test_a_resource_is_where_its_provider_is_and_comes_from_what_its_properties_came_from() -> None:
    inputs = {"region": "us-east-1", "allowedAccountIds": '["111111111111"]'}
    provider = {"urn": PROVIDER, "type": "pulumi:providers:aws", "id": "0123", "inputs": inputs}
    key = state(
        "aws:kms/key:Key",
        "image-key",
        {"arn": "arn"},
        provider=f"{PROVIDER}::0123",
        parent="urn:of-the-pipeline",
        protect=True,
        propertyDependencies={"policy": ["urn:of-a-role"], "tags": None},
    )
    found = resources(provider, key)["image-key"]
    assert found.place == Place("111111111111", "us-east-1")
    assert found.sources == {"policy": frozenset({"urn:of-a-role"}), "tags": frozenset()}
    assert (found.parent, found.protected, found.properties) == ("urn:of-the-pipeline", True, {"arn": "arn"})


def test_what_waits_for_its_deletion_is_left_out() -> None:
    assert resources(state(ROLE, "old", {}, delete=True)) == {}


@pytest.mark.parametrize("export", [{}, {"deployment": None}, {"deployment": {}}])
def test_an_export_without_a_deployment_is_refused(export: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it holds no deployment"):
        exported_resources(export)


def test_a_policy_that_a_refreshed_role_repeats_is_judged_once_and_one_from_elsewhere_stays() -> None:
    shown = [{"name": "builds-0123", "policy": WIDE}, {"name": "by-hand", "policy": WIDE}]
    found = resources(
        state(ROLE, "role", {"name": "role-0123", "inlinePolicies": shown}),
        state(ROLE, "other", {"name": "other-0123", "inlinePolicies": shown[:1]}),
        state(ROLE_POLICY, "builds", {"role": "role-0123", "name": "builds-0123", "policy": WIDE}),
    )
    assert [policy["name"] for policy in found["role"].properties["inlinePolicies"]] == ["by-hand"]
    assert [policy["name"] for policy in found["other"].properties["inlinePolicies"]] == ["builds-0123"]


@pytest.mark.parametrize(
    ("owner", "identity", "policy", "name"),
    [
        ("aws:sqs/queue:Queue", "url", "aws:sqs/queuePolicy:QueuePolicy", "queueUrl"),
        ("aws:sns/topic:Topic", "arn", "aws:sns/topicPolicy:TopicPolicy", "arn"),
        ("aws:s3/bucket:Bucket", "bucket", "aws:s3/bucketPolicy:BucketPolicy", "bucket"),
    ],
)
def test_a_policy_that_its_refreshed_owner_repeats_is_judged_once(
    owner: str, identity: str, policy: str, name: str
) -> None:
    found = resources(
        state(owner, "own", {identity: "own", "policy": WIDE}),
        state(owner, "bare", {identity: "bare", "policy": WIDE}),
        state(policy, "policy", {name: "own", "policy": WIDE}),
    )
    assert [found[each].properties["policy"] for each in ("own", "bare", "policy")] == [None, WIDE, WIDE]
