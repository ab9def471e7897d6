"""What deploying scans takes of the hub's deployment role, and only where the files have any."""

from __future__ import annotations

import re

import pytest

from model.files.deployed_features import scanning_of
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.files.scan import Maximum, Scan
from model.files.workflows import Workflow
from model.scan_deployment import Scanning, scanning_deployment_policy

HUB, REGION = "111111111111", "us-east-1"
OWN = f"arn:aws:imagebuilder:{REGION}:{HUB}:workflow/test/smoke/x.x.x"
MANAGED_POLICY_MAXIMUM = 6_144
"""Characters of a managed policy, white space left out (IAM User Guide, "Quotas")."""

INSPECTOR = {"EnableInspector", "CreateInspectorServiceRoles"}
GATE = {"ManageGates", "CheckGates", "PassGateRoles", "ManageGateLogs", "ManageWorkflows", "FindInspector"}


@pytest.mark.parametrize(
    ("scanning", "sids"),
    [
        (Scanning(), set[str]()),
        (Scanning(inspector=True), INSPECTOR),
        (Scanning(scans=True), {*GATE, "ReadWorkflows"}),
        (Scanning(workflows=(OWN,)), {"ReadWorkflows"}),
        (Scanning(True, True, (OWN,)), {*INSPECTOR, *GATE, "ReadWorkflows"}),
    ],
)
def test_each_feature_brings_its_own_statements(scanning: Scanning, sids: set[str]) -> None:
    policy = scanning_deployment_policy(HUB, REGION, scanning)
    assert {statement.sid for statement in policy.statements} == sids
    assert scanning.wanted == bool(sids)
    assert len(re.sub(r"\s", "", policy.json())) <= MANAGED_POLICY_MAXIMUM


def test_the_files_say_what_is_needed(ledger: Product, payroll: Product, landing_zone: LandingZone) -> None:
    assert not scanning_of(landing_zone, (ledger, payroll)).wanted
    scanned = ledger.model_copy(update={"scan": Scan(maximum=Maximum(high=1)), "workflows": (Workflow(arn=OWN),)})
    enabled = landing_zone.model_copy(update={"inspector": True})
    assert scanning_of(enabled, (payroll, scanned)) == Scanning(inspector=True, scans=True, workflows=(OWN,))
