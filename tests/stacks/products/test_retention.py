"""A product whose images go after a time, on the local cloud: deployed, swept, changed, and kept again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.world import World

pytestmark = pytest.mark.stack

SHELF = """
config:
  golden-ami:product:
    name: shelf
    description: Hosts whose images go after a time
    operatingSystem: linux
    baseImage:
      ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
    entryScript: install.sh
    distribution:
      - region: us-east-1
        accounts: [workloads-test]
      - region: eu-west-1
"""
RETENTION = """\
    retention:
      afterDays: 90
      keepNewest: 2
      unusedDays: 30
"""
POLICY = "arn:aws:imagebuilder:us-east-1:111111111111:lifecycle-policy/golden-ami-shelf"


def policies(world: World) -> list[dict[str, Any]]:
    return world.client("imagebuilder").list_lifecycle_policies()["lifecyclePolicySummaryList"]


def rule(world: World) -> dict[str, Any]:
    found = world.client("imagebuilder").get_lifecycle_policy(lifecyclePolicyArn=POLICY)["lifecyclePolicy"]
    (detail,) = found["policyDetails"]
    return detail


def test_a_retention_is_deployed_swept_changed_and_taken_back(world: World) -> None:
    world.add_product("shelf", SHELF + RETENTION)
    world.up("shelf")
    assert rule(world)["filter"] == {"type": "AGE", "value": 90, "unit": "DAYS", "retainAtLeast": 2}
    assert rule(world)["exclusionRules"]["amis"]["lastLaunched"] == {"value": 30, "unit": "DAYS"}
    # The function works with its deployed roles in every place, and has nothing to report yet.
    answer = world.client("lambda").invoke(FunctionName="golden-ami-shelf-sweep-images", Payload=b"{}")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"amis": [], "snapshots": [], "images": [], "failed": []}

    assert set(world.up("shelf").counts) == {"unchanged"}
    world.add_product("shelf", SHELF + RETENTION.replace("90", "60").replace("      unusedDays: 30\n", ""))
    counts = world.up("shelf").counts
    assert set(counts) == {"unchanged", "updated"}
    assert rule(world)["filter"]["value"] == 60
    assert "lastLaunched" not in rule(world)["exclusionRules"]["amis"]

    world.add_product("shelf", SHELF)
    world.up("shelf")
    assert policies(world) == []
